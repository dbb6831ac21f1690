"""Thread pools that keep blocking work off the event loop: bounded, and shared fairly between callers."""

from __future__ import annotations

import asyncio
import contextvars
import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from steeple.errors import DeadlineExceededError, ResourceExhaustedError, SteepleError
from steeple.server.api.caller import current_caller
from steeple.server.api.fair_queue import FairQueue, Reason, Refusal, Turn
from steeple.server.api.kinds import CHANGE, READ, Kind
from steeple.server.api.status import RETRY_DELAY

P = ParamSpec("P")
T = TypeVar("T")


DROPS: Final = ("cancelled", "deadline")
"""Why work that waited was given up: its caller had gone, or waited no longer."""


class Pool:
    """Threads with a bound on what runs and waits, and on how long it waits; see :class:`FairQueue`.

    Belongs to the event loop that it is used on. Who asks is the :func:`current_caller`.

    Args:
        name: For thread names and messages: what the pool does, in the plural ("queries").
        threads: Pieces of work that run at once.
        capacity: Pieces of work that run or wait, at most.
        max_delay_seconds: That a piece of work waits for a thread, at most.

    Attributes:
        capacity: As given.
        refused: Pieces of work that were told to come back, so far, by :class:`Reason`.
        dropped: Pieces of work that waited and never began, by what became of their callers, one of :data:`DROPS`.
        observe_wait: Told of the seconds that each piece of work has waited when it begins.
    """

    def __init__(self, name: str, *, threads: int, capacity: int, max_delay_seconds: float = math.inf) -> None:
        self.capacity = capacity
        self.refused: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.observe_wait: Callable[[float], None] = lambda _: None
        self._name = name
        self._max_delay = max_delay_seconds
        self._queue = FairQueue(threads, capacity, max_delay_seconds)
        self._granted: dict[Turn, asyncio.Future[Refusal | None]] = {}  # of those that wait
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"steeple-{name}")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``work`` returns, on a thread of the pool; of the kind that changes the catalogue, or that does not.

        If the awaiting task is cancelled before the work began, it never begins.

        Raises:
            ResourceExhaustedError: If the work cannot begin in time; its metadata say when to try again.
            DeadlineExceededError: If the caller's deadline has passed while it waited.
        """
        kind = CHANGE if current_caller().changes else READ
        return await self.run_in(await self.turn(kind), work, *args, **kwargs)

    async def run_as(self, kind: Kind, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like :meth:`run`; work of one ``kind`` takes about as long."""
        return await self.run_in(await self.turn(kind), work, *args, **kwargs)

    async def turn(self, kind: Kind, *, patient: bool = False) -> Turn:
        """Returns when a thread is free for the caller; either :meth:`run_in` or :meth:`give_back` must follow at once.

        Args:
            kind: Of work.
            patient: Waits for as long as it takes, and takes no place meanwhile.

        Raises:
            ResourceExhaustedError: As :meth:`run`, unless ``patient``.
            DeadlineExceededError: As :meth:`run`, unless ``patient``.
        """
        caller, loop, now = current_caller(), asyncio.get_running_loop(), time.monotonic()
        turn = Turn(
            caller.name,
            kind.name,
            now,
            caller.deadline,
            patient,
            narrow=caller.changes and kind is CHANGE,
            cost=kind.guess,
        )
        granted = self._granted[turn] = loop.create_future()
        self._tell(self._queue.offer(turn, now))
        self._advance()
        limit = self._queue.limit(turn)
        timer = None
        if not granted.done() and math.isfinite(limit):
            timer = loop.call_later(max(0.0, limit - now) + 0.001, self._advance)
        try:
            refusal = await granted
        except asyncio.CancelledError:
            self._give_up(turn)
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if refusal is not None:
            raise self._error(refusal)
        return turn

    async def run_in(self, turn: Turn, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like :meth:`run`, on the thread that was waited for."""
        loop = asyncio.get_running_loop()
        # The work belongs to the caller's request, and its log lines say so.
        context = contextvars.copy_context()
        try:
            future = self._executor.submit(context.run, partial(work, *args, **kwargs))
        except BaseException:
            self.give_back(turn)
            raise

        def give_thread_back(_: Future[T]) -> None:
            # Only when the thread is free again: a caller that gave up must not let others pile up behind it.
            ended = time.monotonic()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._finish, turn, ended)

        future.add_done_callback(give_thread_back)
        return await asyncio.wrap_future(future)

    def give_back(self, turn: Turn) -> None:
        """Gives back a thread that was waited for and not used."""
        self._finish(turn, time.monotonic(), worked=False)

    @property
    def running(self) -> int:
        """Pieces of work on a thread."""
        return self._queue.running

    @property
    def waiting(self) -> int:
        """Pieces of work that wait for a thread."""
        return self._queue.waiting

    def close(self) -> None:
        """Waits for the work that runs; what only waits never begins."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _advance(self) -> None:
        """Refuses what has waited for too long, and lets begin whose turn it is."""
        now = time.monotonic()
        self._tell(self._queue.expire(now))
        for turn in self._queue.begin(now):
            self.observe_wait(now - turn.arrival)
            granted = self._granted.pop(turn)
            if not granted.done():  # else its task was cancelled, hears of it next, and gives the thread back
                granted.set_result(None)

    def _tell(self, refusals: list[Refusal]) -> None:
        for refusal in refusals:
            granted = self._granted.pop(refusal.turn)
            if not granted.done():
                granted.set_result(refusal)

    def _give_up(self, turn: Turn) -> None:
        """Of a turn whose task was cancelled."""
        waits = self._granted.pop(turn, None) is not None
        if waits:
            self._queue.withdraw(turn)
        elif turn.began is not None:
            self.give_back(turn)
        if waits or turn.began is not None:
            self.dropped["cancelled"] += 1

    def _finish(self, turn: Turn, now: float, *, worked: bool = True) -> None:
        self._queue.finish(turn, now, worked=worked)
        self._advance()

    def _error(self, refusal: Refusal) -> SteepleError:
        if refusal.reason is Reason.DEADLINE and refusal.turn.deadline <= time.monotonic():
            self.dropped[Reason.DEADLINE] += 1
            return DeadlineExceededError("the deadline has passed before there was a thread for the call")
        self.refused[refusal.reason] += 1
        retry = {RETRY_DELAY: f"{refusal.retry_seconds:.3f}"}
        again = f"try again in {refusal.retry_seconds:.2g} s"
        match refusal.reason:
            case Reason.FULL | Reason.DISPLACED:
                text = f"the server is at its limit of {self.capacity} concurrent {self._name}; {again}"
            case Reason.DEADLINE:
                text = f"the server is too busy to begin this call before its deadline; allow more time, or {again}"
            case _:
                text = f"the server is busy: calls wait at most {self._max_delay:g} s for their turn; {again}"
        return ResourceExhaustedError(text, reason=str(refusal.reason), **retry)
