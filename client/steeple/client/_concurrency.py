"""What waiting means in each of the two clients: every name has an ``_async`` twin.

The generator of the synchronous client drops ``await`` and ``_async``, so the source calls
``await result_async(future)`` and its twin calls ``result(future)``.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any, TypeVar

from steeple.client._errors import abandoned, closed

_T = TypeVar("_T")


async def sleep_async(seconds: float) -> None:
    """Waits."""
    await asyncio.sleep(seconds)


def sleep(seconds: float) -> None:
    """Waits."""
    time.sleep(seconds)


async def result_async(future: concurrent.futures.Future[_T]) -> _T:
    """The result of work in another thread.

    Raises:
        CancelledError: If the client was closed before.
    """
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError as cancelled:
        raise abandoned(cancelled) from None


def result(future: concurrent.futures.Future[_T]) -> _T:
    """The result of work in another thread.

    Raises:
        CancelledError: If the client was closed before.
    """
    try:
        return future.result()
    except concurrent.futures.CancelledError:
        raise closed() from None


async def in_thread_async(function: Callable[[], _T]) -> _T:
    """The result of what blocks."""
    return await asyncio.to_thread(function)


def in_thread(function: Callable[[], _T]) -> _T:
    """The result of what blocks."""
    return function()


async def response_async(call: Awaitable[_T]) -> _T:
    """The response of a unary call.

    Raises:
        grpc.RpcError: If the call failed.
        CancelledError: If the client was closed before.
    """
    try:
        return await call
    except asyncio.CancelledError as cancelled:
        raise abandoned(cancelled) from None


def response(call: _T) -> _T:
    """The response of a unary call, which gRPC's synchronous API has returned already."""
    return call


class _Stepped(AsyncIterator[_T]):
    """A plain iterator as an asynchronous one. Its steps must not block."""

    def __init__(self, items: Iterator[_T]) -> None:
        self._items = items

    async def __anext__(self) -> _T:
        try:
            return next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None


AsyncFrames = AsyncIterable[_T] | Iterable[_T]
Frames = Iterable[_T]


def iterate_async(items: AsyncFrames[_T]) -> AsyncIterator[_T]:
    """An iterator over either kind of iterable."""
    return aiter(items) if isinstance(items, AsyncIterable) else _Stepped(iter(items))


def iterate(items: Frames[_T]) -> Iterator[_T]:
    """An iterator over an iterable."""
    return iter(items)


# Held by one task, or thread, at a time.
AsyncTurn = asyncio.Lock
Turn = threading.Lock


class AsyncWorker:
    """The task in which gRPC asks for the messages to send; gRPC does not end it when the server ends the call."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None

    def enter(self) -> None:
        """Says that this is the task."""
        self._task = asyncio.current_task()

    def stop(self) -> None:
        """Ends it, wherever it waits."""
        if self._task is not None and not self._task.done():
            self._task.cancel()


class Worker:
    """The thread in which gRPC asks for the messages to send; it ends by itself after the next one."""

    def enter(self) -> None:
        """Nothing to be done."""

    def stop(self) -> None:
        """Nothing can be done: a thread cannot be interrupted."""
