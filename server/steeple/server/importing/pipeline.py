"""Work on many photos at once, whose results come in the order in which the photos were given."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final, Generic, TypeVar, overload

from steeple.delf.priority import lower_priority

_CHECK_SECONDS: Final = 0.2

_ItemT = TypeVar("_ItemT")
_ResultT = TypeVar("_ResultT")


class Pipeline(Generic[_ItemT, _ResultT]):
    """Threads that work ahead on items, no further than so many.

    Args:
        work: Done for each item, on one of the threads.
        threads: That work at a time; they yield to queries.
        ahead: Items that are worked on or done and not taken yet, at most.
        check: Called for each result, and about five times a second while one is waited for; what it raises ends the
            work.

    Attributes:
        left: Results of items after those that were dealt with.
    """

    def __init__(
        self, work: Callable[[_ItemT], _ResultT], *, threads: int, ahead: int, check: Callable[[], object]
    ) -> None:
        self._work = work
        self._threads = threads
        self._ahead = ahead
        self._check = check
        self.left: list[_ResultT] = []

    def batches(
        self, items: Sequence[_ItemT], most: int, gather_seconds: float = 0.0
    ) -> Generator[list[tuple[_ItemT, _ResultT]], None, None]:
        """Items with their results, in order: at least one and at most ``most`` at a time.

        Where it ends early, what was begun is finished; its results, and those of the last batch, are in :attr:`left`.

        Args:
            items: To work on.
            most: In a batch.
            gather_seconds: That others are waited for once a batch has its first.
        """
        window: deque[tuple[_ItemT, Future[_ResultT]]] = deque()
        rest = iter(items)
        batch: list[tuple[_ItemT, _ResultT]] = []
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="import", initializer=lower_priority)
        try:
            while True:
                self._fill(window, rest, pool)
                if not window:
                    return
                batch = [self._head(window, None)]
                ends = time.monotonic() + gather_seconds
                while len(batch) < most:
                    self._fill(window, rest, pool)
                    if not window or (taken := self._head(window, ends)) is None:
                        break
                    batch.append(taken)
                yield batch
                batch = []
        finally:
            pool.shutdown(cancel_futures=True)
            self.left += [result for _, result in batch]
            for _, future in window:
                if not future.cancelled() and future.exception() is None:
                    self.left.append(future.result())

    def _fill(
        self, window: deque[tuple[_ItemT, Future[_ResultT]]], rest: Iterator[_ItemT], pool: ThreadPoolExecutor
    ) -> None:
        while len(window) < self._ahead and (item := next(rest, None)) is not None:
            window.append((item, pool.submit(self._work, item)))

    @overload
    def _head(self, window: deque[tuple[_ItemT, Future[_ResultT]]], ends: None) -> tuple[_ItemT, _ResultT]: ...

    @overload
    def _head(self, window: deque[tuple[_ItemT, Future[_ResultT]]], ends: float) -> tuple[_ItemT, _ResultT] | None: ...

    def _head(
        self, window: deque[tuple[_ItemT, Future[_ResultT]]], ends: float | None
    ) -> tuple[_ItemT, _ResultT] | None:
        """The first item with its result, waited for until ``ends``; None if it takes longer."""
        item, future = window[0]
        while not future.done():
            self._check()
            left = _CHECK_SECONDS if ends is None else min(_CHECK_SECONDS, ends - time.monotonic())
            if left <= 0:
                return None
            wait([future], left)
        self._check()  # also where nothing had to be waited for
        window.popleft()
        return item, future.result()
