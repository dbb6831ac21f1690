"""What several threads ask for at once, done together."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


@dataclass(eq=False)
class _Entry(Generic[JobT, ResultT]):
    job: JobT
    size: int
    results: tuple[ResultT, ...] = ()  # one, once it is there
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return bool(self.results) or self.error is not None


class Batcher(Generic[JobT, ResultT]):
    """Gathers the jobs of several threads; one of them, the leader, does them for all. Thread safe.

    One batch is worked on at a time, and the next gathers meanwhile. A leader waits only for threads that have
    announced a job and not brought it yet, and no longer than the delay; so a thread alone does its job at once.

    Args:
        work: Does jobs, on the thread of one of those that brought them; one result each, in their order. If it raises,
            the jobs are done one by one, so that only those whose job it was get the error.
        delay_seconds: That a leader waits at most.
        most: Size of a batch, at most; a single job may be larger.
    """

    def __init__(self, work: Callable[[Sequence[JobT]], Sequence[ResultT]], delay_seconds: float, most: int) -> None:
        self._work = work
        self._delay_seconds = delay_seconds
        self._most = most
        self._condition = threading.Condition()
        self._announced = 0
        self._waiting: deque[_Entry[JobT, ResultT]] = deque()
        self._led = False
        self._sizes: Counter[int] = Counter()

    @property
    def sizes(self) -> dict[int, int]:
        """How many batches there were, by their number of jobs."""
        with self._condition:
            return dict(self._sizes)

    @contextmanager
    def announced(self) -> Iterator[Callable[[JobT, int], ResultT]]:
        """Announces a job. What it gives takes the job, once, and its size, and returns the result."""
        with self._condition:
            self._announced += 1
        coming = True

        def bring(job: JobT, size: int) -> ResultT:
            nonlocal coming
            entry: _Entry[JobT, ResultT] = _Entry(job, size)
            with self._condition:
                coming = False
                self._announced -= 1
                self._waiting.append(entry)
                self._condition.notify_all()
            while batch := self._gathered(entry):
                self._do(batch)
            if entry.error is not None:
                raise entry.error
            return entry.results[0]

        try:
            yield bring
        finally:
            if coming:
                with self._condition:
                    self._announced -= 1
                    self._condition.notify_all()

    def _gathered(self, entry: _Entry[JobT, ResultT]) -> list[_Entry[JobT, ResultT]]:
        """The batch that this thread is to do; empty once its own entry is done."""
        with self._condition:
            self._condition.wait_for(lambda: entry.done or not self._led)
            if entry.done:
                return []
            self._led = True
            self._condition.wait_for(self._complete, timeout=self._delay_seconds)
            batch = [self._waiting.popleft()]
            size = batch[0].size
            while self._waiting and size + self._waiting[0].size <= self._most:
                batch.append(self._waiting.popleft())
                size += batch[-1].size
            self._sizes[len(batch)] += 1
            return batch

    def _complete(self) -> bool:
        return not self._announced or sum(entry.size for entry in self._waiting) >= self._most

    def _do(self, batch: Sequence[_Entry[JobT, ResultT]]) -> None:
        try:
            self._attempt(batch)
        finally:
            with self._condition:
                self._led = False
                self._condition.notify_all()

    def _attempt(self, batch: Sequence[_Entry[JobT, ResultT]]) -> None:
        try:
            for entry, result in zip(batch, self._work([entry.job for entry in batch]), strict=True):
                entry.results = (result,)
        except BaseException as error:
            if len(batch) > 1 and isinstance(error, Exception):
                for entry in batch:
                    self._attempt([entry])
                return
            for entry in batch:
                entry.error = error
