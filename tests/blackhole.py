"""A TCP proxy that can stop forwarding without closing anything, as a network does when a cable is pulled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 1 << 16


class Blackhole:
    """A proxy on a port of its own; :meth:`swallow` makes it keep what comes, from both sides, to itself."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.allowance: int | None = None  # bytes that the target may still get; None: any number

    def swallow(self) -> None:
        """Forwards nothing more."""
        self._open.clear()

    def forward(self) -> None:
        """Forwards again, also what came meanwhile."""
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._target)
        for source, sink in ((reader, to_writer), (to_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, writer: asyncio.StreamWriter
    ) -> None:
        try:
            with suppress(ConnectionError):
                while chunk := await source.read(_CHUNK):
                    await self._open.wait()
                    if sink is writer or self.allowance is None:
                        sink.write(chunk)
                    else:
                        await self._trickle(chunk, sink)
                    await sink.drain()
                await self._open.wait()  # nor is it told that one side has hung up
        finally:
            sink.close()

    async def _trickle(self, chunk: bytes, sink: asyncio.StreamWriter) -> None:
        while chunk and self.allowance is not None:
            part, chunk = chunk[: self.allowance], chunk[self.allowance :]
            self.allowance -= len(part)
            sink.write(part)
            await self._open.wait()
            if chunk:
                self._open.clear()  # until the test allows more
                await self._open.wait()
        sink.write(chunk)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def blackhole(target: int) -> AsyncIterator[Blackhole]:
    """A proxy to a port of this host."""
    proxy = Blackhole(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()
