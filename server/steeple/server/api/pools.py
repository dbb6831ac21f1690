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

    Attributes:
        capacity: As given.
        refused: Pieces of work that found it full, so far.
    """

    def __init__(self, name: str, *, threads: int, capacity: int) -> None:
        self.capacity = capacity
        self.refused = 0
        self._name = name
        self._threads = threads
        self._held = 0
        self._places = asyncio.Semaphore(capacity)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"steeple-{name}")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``work`` returns, on a thread of the pool.

        If the awaiting task is cancelled before the work began, it never begins.

        Raises:
            ResourceExhaustedError: If the pool is full.
        """
        if self._places.locked():
            self.refused += 1
            raise ResourceExhaustedError(
                f"the server is at its limit of {self.capacity} concurrent {self._name}; try again shortly",
                **{RETRY_DELAY: str(_RETRY_DELAY_SECONDS)},
            )
        await self.reserve()
        return await self.run_reserved(work, *args, **kwargs)

    async def reserve(self) -> None:
        """Waits for a place; either :meth:`run_reserved` or :meth:`release` must follow."""
        await self._places.acquire()
        self._held += 1

    def release(self) -> None:
        """Gives back a place that was reserved and not used."""
        self._held -= 1
        self._places.release()

    @property
    def running(self) -> int:
        """Pieces of work on a thread."""
        return min(self._held, self._threads)

    @property
    def waiting(self) -> int:
        """Pieces of work that have a place and wait for a thread."""
        return self._held - self.running

    async def run_reserved(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like :meth:`run`, in the place that was reserved."""
        loop = asyncio.get_running_loop()
        # The work belongs to the caller's request, and its log lines say so.
        context = contextvars.copy_context()
        try:
            future = self._executor.submit(context.run, partial(work, *args, **kwargs))
        except BaseException:
            self.release()
            raise

        def give_place_back(_: Future[T]) -> None:
            # Only when the thread is free again: a caller that gave up must not let others pile up behind it.
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.release)

        future.add_done_callback(give_place_back)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Waits for the work that runs; what only waits is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)
