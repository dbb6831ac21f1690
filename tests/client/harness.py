"""Both clients behind one face, so that one test holds for both.

A test calls as if the client were synchronous; an AsyncClient runs on an event loop in a thread of its own.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Protocol, TypeVar

from steeple.client import AsyncClient, Client

from .peer import PATIENCE

_T = TypeVar("_T")
_END: Any = object()


class Harness(Protocol):
    """How to use one of the clients."""

    def client(self, target: str, **options: Any) -> Any:
        """A client, called as if it were synchronous; the harness closes it."""

    def camera(self, frames: Iterator[Any]) -> Any:
        """What that client takes of a camera that may block."""

    def take(self, client: Any, frames: Any, count: int, **options: Any) -> list[Any]:
        """The first answers of a stream, then leaves the loop as applications do."""

    def feeding(self) -> list[str]:
        """Threads or tasks that send frames now."""

    def busy(self) -> list[str]:
        """Those of them that do not end by themselves."""

    def close(self) -> None:
        """Closes all clients."""


class SyncHarness:
    def __init__(self) -> None:
        self._before = set(threading.enumerate())
        self._clients: list[Client] = []

    def client(self, target: str, **options: Any) -> Client:
        client = Client(target, **options)
        self._clients.append(client)
        return client

    def camera(self, frames: Iterator[Any]) -> Iterator[Any]:
        return frames

    def take(self, client: Client, frames: Any, count: int, **options: Any) -> list[Any]:
        answers: list[Any] = []
        for answer in client.identify_stream(frames, **options):
            answers.append(answer)
            if len(answers) == count:
                break
        return answers

    def feeding(self) -> list[str]:
        return [thread.name for thread in self._grpc_threads()]

    def busy(self) -> list[str]:
        for thread in self._grpc_threads():
            thread.join(PATIENCE)
        return self.feeding()

    def _grpc_threads(self) -> list[threading.Thread]:
        # gRPC's own: one that asks for frames, and one for as long as calls are under way.
        return [thread for thread in set(threading.enumerate()) - self._before if "(_run)" in thread.name]

    def close(self) -> None:
        for client in self._clients:
            client.close()


class AsyncHarness:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="event loop")
        self._thread.start()
        self._clients: list[AsyncClient] = []
        self._cameras: list[AsyncIterator[Any]] = []

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(2 * PATIENCE)

    def client(self, target: str, **options: Any) -> _Blocking:
        client = AsyncClient(target, **options)  # outside of the loop, which must work too
        self._clients.append(client)
        return _Blocking(self, client)

    def camera(self, frames: Iterator[Any]) -> AsyncIterator[Any]:
        return _in_threads(frames)

    def take(self, client: _Blocking, frames: Any, count: int, **options: Any) -> list[Any]:
        async def take() -> list[Any]:
            answers: list[Any] = []
            async for answer in client.wrapped.identify_stream(frames, **options):
                answers.append(answer)
                if len(answers) == count:
                    break
            return answers

        return self.run(take())

    def feeding(self) -> list[str]:
        async def feeding() -> list[str]:
            return [repr(task) for task in _feeding_tasks()]

        return self.run(feeding())

    def busy(self) -> list[str]:
        async def busy() -> list[str]:
            if tasks := _feeding_tasks():
                await asyncio.wait(tasks, timeout=PATIENCE)
            return [repr(task) for task in _feeding_tasks()]

        return self.run(busy())

    def close(self) -> None:
        for client in self._clients:
            self.run(client.close())

        async def end() -> None:
            await self.loop.shutdown_asyncgens()
            await self.loop.shutdown_default_executor()

        self.run(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()


class _Blocking:
    """An asynchronous client or iterator, used from another thread."""

    def __init__(self, harness: AsyncHarness, wrapped: Any) -> None:
        self.harness = harness
        self.wrapped = wrapped

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            async def inside() -> Any:
                found = getattr(self.wrapped, name)(*arguments, **options)
                return await found if inspect.isawaitable(found) else found

            found = self.harness.run(inside())
            return _Blocking(self.harness, found) if hasattr(found, "__anext__") else found

        return call

    def __iter__(self) -> _Blocking:
        return self

    def __next__(self) -> Any:
        async def step() -> Any:
            return await anext(self.wrapped, _END)

        found = self.harness.run(step())
        if found is _END:
            raise StopIteration
        return found


def _feeding_tasks() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if "_consume_request_iterator" in repr(task)}


async def _in_threads(items: Iterator[_T]) -> AsyncIterator[_T]:
    while (item := await asyncio.to_thread(next, items, _END)) is not _END:
        yield item
