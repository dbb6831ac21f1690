"""A real server in this process, on a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from steeple.server.api.lifecycle import Server
from steeple.server.engine import Engine
from steeple.server.settings import Settings

_T = TypeVar("_T")


class Served:
    """A server that can be stopped and started again, on the same port.

    Args:
        data_dir: Of its data.
        settings: Others than the default ones.
    """

    def __init__(self, data_dir: Path, **settings: Any) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server: Server | None = None
        self.port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    def start(self) -> None:
        async def start() -> tuple[Server, int, Engine]:
            address = f"127.0.0.1:{self.port}"
            server = Server(Settings.load(None, **{"address": address, "data_dir": self._data_dir} | self._settings))
            port = await server.start()
            return server, port, await server.ready()

        self._server, self.port, self.engine = self.run(start())

    def stop(self) -> None:
        if self._server is not None:
            self.run(self._server.stop(0.0))
            self._server = None

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


@contextmanager
def serving(data_dir: Path, **settings: Any) -> Iterator[Served]:
    served = Served(data_dir, **settings)
    try:
        yield served
    finally:
        served.close()
