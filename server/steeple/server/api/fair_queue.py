"""Whose turn it is: fair shares of a pool's threads, and who is told to come back.

Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996): each caller has a virtual time, which the seconds that
its work takes move on, and the caller whose virtual time is least has the next turn. Here are neither threads nor a
clock: whoever has them says what time it is, so that every decision can be tested.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

_NEWS: Final = 0.25  # share of the newest measurement in what a piece of work is thought to take
_REMEMBERED: Final = 1024  # callers whose work has a price of its own
_GOLDEN: Final = 0.6180339887498949  # its multiples spread evenly over [0, 1), however many there are


class Reason(StrEnum):
    """Why work does not begin.

    Attributes:
        FULL: All places are taken.
        DELAY: It would wait, or has waited, longer than anything may.
        DEADLINE: It cannot begin before its caller's deadline.
        DISPLACED: It had waited, and gave its place to a caller that held fewer.
    """

    FULL = "full"
    DELAY = "delay"
    DEADLINE = "deadline"
    DISPLACED = "displaced"


@dataclass(eq=False)
class Turn:
    """A piece of work that wants a thread.

    Attributes:
        caller: Who shares are counted for.
        kind: Work of one kind takes about as long.
        arrival: When it came, seconds.
        deadline: It is of no use later.
        patient: Waits for as long as it takes, and takes no place while it does.
        narrow: May hold half of the threads at most, however short it is.
        cost: Seconds on a thread that it is thought to take, if no such work was done before.
        began: When it got a thread; None: not yet.
    """

    caller: str
    kind: str
    arrival: float
    deadline: float = math.inf
    patient: bool = False
    narrow: bool = False
    cost: float = 0.0
    began: float | None = None


@dataclass(frozen=True)
class Refusal:
    """A turn that will not come.

    Attributes:
        turn: Which.
        reason: Why.
        retry_seconds: After which another try is worth while.
    """

    turn: Turn
    reason: Reason
    retry_seconds: float


class _Order:
    """Who waits, in which order."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Turn]] = {}
        self.times: dict[str, float] = {}  # virtual, of callers that have had more than those who wait
        self.time = 0.0  # virtual: of the last turn that was taken

    def copy(self) -> _Order:
        order = _Order()
        order.waiting = {caller: list(turns) for caller, turns in self.waiting.items()}
        order.times, order.time = dict(self.times), self.time
        return order

    def add(self, turn: Turn) -> None:
        if turn.caller not in self.waiting:
            # Who had nothing to do has not saved anything up.
            self.times[turn.caller] = max(self.time, self.times.get(turn.caller, 0.0))
        self.waiting.setdefault(turn.caller, []).append(turn)

    def remove(self, turn: Turn) -> None:
        self.waiting[turn.caller].remove(turn)
        if not self.waiting[turn.caller]:
            del self.waiting[turn.caller]

    def take(self, may_begin: Callable[[Turn], bool]) -> Turn | None:
        """The next turn, which its caller pays for; of a caller's, the oldest that may begin."""
        for caller in sorted(self.waiting, key=self.times.__getitem__):
            turn = next(filter(may_begin, self.waiting[caller]), None)
            if turn is not None:
                self.time = max(self.time, self.times[caller])
                self.charge(caller, turn.cost)
                self.remove(turn)
                return turn
        return None

    def charge(self, caller: str, seconds: float) -> None:
        self.times[caller] = self.times.get(caller, self.time) + seconds

    def forget(self, most: int) -> None:
        """Lets go of callers that those who wait have caught up with and, beyond so many, of those nearest to that."""
        ahead = {caller: time for caller, time in self.times.items() if time > self.time}
        known = {*self.waiting, *heapq.nlargest(most, ahead, key=ahead.__getitem__)}
        self.times = {caller: time for caller, time in self.times.items() if caller in known}


class FairQueue:
    """Decides which work runs on a number of threads. Times are seconds of any one clock that never goes back.

    - Callers that have work share the threads' time equally, whatever each piece of it takes.
    - What cannot begin within ``max_delay``, or before its deadline, is refused when it comes; what has waited as long
      all the same is refused then.
    - At most ``capacity`` pieces run or wait. When all places are taken, the caller that has most of them waiting gives
      its newest place to one that has at least two fewer.
    - Work that takes longer than ``max_delay``, or is marked as narrow, runs on half of the threads at most: whoever
      needs a thread for a moment does not wait for all of them.

    Args:
        threads: Pieces of work that run at once.
        capacity: Pieces of work that run or wait, at most, but for patient ones that wait.
        max_delay: Seconds.
    """

    def __init__(self, threads: int, capacity: int, max_delay: float) -> None:
        self._threads = threads
        self._capacity = capacity
        self._max_delay = max_delay
        self._order = _Order()
        self._running: dict[Turn, None] = {}
        self._costs: dict[str, float] = {}
        self._costs_of: dict[tuple[str, str], float] = {}
        self._refusals = 0

    @property
    def running(self) -> int:
        """Turns that have a thread."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Turns that have none yet."""
        return sum(map(len, self._order.waiting.values()))

    def limit(self, turn: Turn) -> float:
        """When a turn that has not begun is refused."""
        return math.inf if turn.patient else min(turn.arrival + self._max_delay, turn.deadline)

    def offer(self, turn: Turn, now: float) -> list[Refusal]:
        """Lets a turn wait. :meth:`begin` should follow.

        Returns:
            What is refused because of it: the turn itself, or one that gives its place to it.
        """
        turn.cost = self._costs_of.get((turn.kind, turn.caller), self._costs.get(turn.kind, turn.cost))
        if turn.patient:
            self._order.add(turn)
            return []
        displaced: Turn | None = None
        if self._places_taken() >= self._capacity:
            displaced = self._last_of_most(turn.caller)
            if displaced is None:
                return [self._refusal(turn, Reason.FULL, self._backlog(now) / self._threads)]
            self._order.remove(displaced)
        self._order.add(turn)
        limit = self.limit(turn)
        wait = self._wait_of(turn, now) if math.isfinite(limit) else 0.0
        if now + wait <= limit:
            return [] if displaced is None else [self._refusal(displaced, Reason.DISPLACED, wait)]
        self._order.remove(turn)
        if displaced is not None:
            self._order.add(displaced)
        reason = Reason.DELAY if turn.arrival + self._max_delay <= turn.deadline else Reason.DEADLINE
        return [self._refusal(turn, reason, now + wait - limit)]

    def begin(self, now: float) -> list[Turn]:
        """Gives threads that are free to those whose turn it is; :meth:`finish` must follow for each."""
        begun = []
        while len(self._running) < self._threads:
            slow = sum(self._is_slow(turn, now) for turn in self._running)
            turn = self._order.take(partial(self._may_begin, slow, now))
            if turn is None:
                break
            turn.began = now
            self._running[turn] = None
            begun.append(turn)
        return begun

    def expire(self, now: float) -> list[Refusal]:
        """Refuses what has waited for too long."""
        late = [turn for turns in self._order.waiting.values() for turn in turns if self.limit(turn) <= now]
        for turn in late:
            self._order.remove(turn)
        wait = self._backlog(now) / self._threads
        return [self._refusal(turn, Reason.DEADLINE if turn.deadline <= now else Reason.DELAY, wait) for turn in late]

    def withdraw(self, turn: Turn) -> None:
        """A turn that waits is not wanted any more."""
        self._order.remove(turn)

    def finish(self, turn: Turn, now: float, *, worked: bool = True) -> None:
        """A turn that has begun gives its thread back; unless it ``worked``, nothing is learned from it."""
        del self._running[turn]
        took = self._elapsed(turn, now)
        self._order.charge(turn.caller, took - turn.cost)
        if worked:
            self._learn(turn, took)
        if not self._running and not self._order.waiting:
            self._order = _Order()
        elif len(self._order.times) > len(self._order.waiting) + 2 * _REMEMBERED:
            self._order.forget(_REMEMBERED)

    def _learn(self, turn: Turn, took: float) -> None:
        self._costs[turn.kind] = _blended(self._costs.get(turn.kind), took)
        # Last in the order of the dictionary is who was here last.
        mine = self._costs_of.pop((turn.kind, turn.caller), None)
        self._costs_of[turn.kind, turn.caller] = _blended(mine, took)
        if len(self._costs_of) > _REMEMBERED:
            del self._costs_of[next(iter(self._costs_of))]

    def _places_taken(self) -> int:
        return len(self._running) + sum(not turn.patient for turns in self._order.waiting.values() for turn in turns)

    def _last_of_most(self, caller: str) -> Turn | None:
        """The newest turn of who holds most waiting places, if these are at least two more than ``caller``'s."""
        held = {each: [turn for turn in turns if not turn.patient] for each, turns in self._order.waiting.items()}
        most = max(held.values(), key=len, default=[])
        return most[-1] if len(most) >= len(held.get(caller, ())) + 2 else None

    def _is_slow(self, turn: Turn, now: float) -> bool:
        return turn.narrow or max(turn.cost, self._elapsed(turn, now)) > self._max_delay

    def _may_begin(self, slow: int, now: float, turn: Turn) -> bool:
        return slow < max(1, self._threads // 2) or not self._is_slow(turn, now)

    def _elapsed(self, turn: Turn, now: float) -> float:
        return 0.0 if turn.began is None else max(0.0, now - turn.began)

    def _left(self, turn: Turn, now: float) -> float:
        """Seconds that a turn which runs is thought to go on."""
        return max(0.0, turn.cost - self._elapsed(turn, now))

    def _wait_of(self, turn: Turn, now: float) -> float:
        """Seconds until a turn that waits begins, if all work takes what it is thought to and nothing more comes."""
        order, time = self._order.copy(), now
        running = [(now + self._left(each, now), self._is_slow(each, now)) for each in self._running]
        while True:
            while len(running) < self._threads:
                slow = sum(is_slow for _, is_slow in running)
                begun = order.take(partial(self._may_begin, slow, now))
                if begun is turn:
                    return time - now
                if begun is None:
                    break
                running.append((time + begun.cost, self._is_slow(begun, now)))
            time, _ = earliest = min(running)
            running.remove(earliest)

    def _backlog(self, now: float) -> float:
        """Seconds of work that run or wait."""
        ahead = sum(self._left(each, now) for each in self._running)
        return ahead + sum(turn.cost for turns in self._order.waiting.values() for turn in turns)

    def _refusal(self, turn: Turn, reason: Reason, wait: float) -> Refusal:
        # All who are refused at once must not be back at once: they are spread over as long as work may wait.
        self._refusals += 1
        spread = min(self._max_delay, 1.0) * (self._refusals * _GOLDEN % 1.0)
        return Refusal(turn, reason, max(0.05, wait) + spread)


def _blended(before: float | None, took: float) -> float:
    return took if before is None else before + _NEWS * (took - before)
