"""Bounded thread pools that keep blocking work off the event loop."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from steeple.errors import ResourceExhaustedError
from steeple.server.api.status import RETRY_DELAY

P = ParamSpec("P")
T = TypeVar("T")

_RETRY_DELAY_SECONDS: Final = 0.25


class Pool:
    """Threads with a bound on what runs and waits.

    Belongs to the event loop that it is used on.

    Args:
        name: For thread names and messages: what the pool does, in the plural ("queries").
        threads: Pieces of work that run at once.
        capacity: Pieces of work that run or wait, at most.
    """

    def __init__(self, name: str, *, threads: int, capacity: int) -> None:
        self._name = name
        self._capacity = capacity
        self._places = asyncio.Semaphore(capacity)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"steeple-{name}")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``work`` returns, on a thread of the pool.

        If the awaiting task is cancelled before the work began, it never begins.

        Raises:
            ResourceExhaustedError: If the pool is full.
        """
        if self._places.locked():
            raise ResourceExhaustedError(
                f"the server is at its limit of {self._capacity} concurrent {self._name}; try again shortly",
                **{RETRY_DELAY: str(_RETRY_DELAY_SECONDS)},
            )
        await self.reserve()
        return await self.run_reserved(work, *args, **kwargs)

    async def reserve(self) -> None:
        """Waits for a place; either :meth:`run_reserved` or :meth:`release` must follow."""
        await self._places.acquire()

    def release(self) -> None:
        """Gives back a place that was reserved and not used."""
        self._places.release()

    async def run_reserved(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like :meth:`run`, in the place that was reserved."""
        loop = asyncio.get_running_loop()
        try:
            # In the caller's context, by which the audit log knows who changes something.
            future = self._executor.submit(contextvars.copy_context().run, partial(work, *args, **kwargs))
        except BaseException:
            self._places.release()
            raise

        def give_place_back(_: Future[T]) -> None:
            # Only when the thread is free again: a caller that gave up must not let others pile up behind it.
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._places.release)

        future.add_done_callback(give_place_back)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Waits for the work that runs; what only waits is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)
