"""What was called, refused and answered in the last hours, by minute: counted in memory, and bounded."""

from __future__ import annotations

import copy
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from steeple.errors import InvalidArgumentError

KEPT_MINUTES: Final = 360
DEFAULT_MINUTES: Final = 60

REFUSALS: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED"})
"""Statuses of calls that were refused for who called, or for how much was asked at once."""

ERRORS: Final = frozenset({"UNKNOWN", "INTERNAL", "UNIMPLEMENTED", "UNAVAILABLE", "DATA_LOSS", "DEADLINE_EXCEEDED"})
"""Statuses of calls that failed for a reason of the server."""

_SHORTEST: Final = 1e-4  # seconds; what takes less is told as this
_STEP: Final = math.log(2) / 4  # between the bounds of the histograms' bins: middles are right to within a tenth
_BINS: Final = 101  # up to an hour


@dataclass(frozen=True)
class Latency:
    """Percentiles, seconds.

    Attributes:
        percentile_50: Half of all took as long, at most.
        percentile_90: The same of nine tenths.
        percentile_99: The same of 99 hundredths.
    """

    percentile_50: float
    percentile_90: float
    percentile_99: float


@dataclass(frozen=True)
class Interval:
    """What ended in some minutes.

    Attributes:
        start: Its beginning, Unix time.
        count: Calls, or times that a stage was gone through.
        refusals: Of the calls.
        errors: Of the calls.
        latency: None if there is nothing that it is of.
    """

    start: int
    count: int
    refusals: int
    errors: int
    latency: Latency | None


@dataclass(frozen=True)
class Series:
    """The calls of one method, or one stage of queries.

    Attributes:
        name: ``Service/Method``, or the name of the stage.
        total: Of all intervals; it starts with the first.
        statuses: Calls by gRPC status.
        intervals: In order; those without are left out.
    """

    name: str
    total: Interval
    statuses: Mapping[str, int]
    intervals: Sequence[Interval]


@dataclass(frozen=True)
class AnswerInterval:
    """The answers of some minutes.

    Attributes:
        start: Their beginning, Unix time.
        identified: Answers with a landmark.
        unknown: The others.
    """

    start: int
    identified: int
    unknown: int


@dataclass(frozen=True)
class TrafficReport:
    """The last minutes.

    Attributes:
        start: Beginning of the first interval, Unix time.
        end: Of the minute that goes on, Unix time.
        interval_seconds: Length of every interval.
        methods: Those of most calls first.
        stages: By name.
        answers: By interval, in order; those without are left out.
    """

    start: int
    end: int
    interval_seconds: int
    methods: Sequence[Series]
    stages: Sequence[Series]
    answers: Sequence[AnswerInterval]


@dataclass
class _Tally:
    statuses: Counter[str] = field(default_factory=Counter)
    bins: Counter[int] = field(default_factory=Counter)  # of what ended well, by how long it took

    def add(self, other: _Tally) -> None:
        self.statuses.update(other.statuses)
        self.bins.update(other.bins)

    def interval(self, start: int) -> Interval:
        return Interval(
            start=start,
            count=self.statuses.total(),
            refusals=sum(self.statuses[status] for status in REFUSALS),
            errors=sum(self.statuses[status] for status in ERRORS),
            latency=_latency(self.bins),
        )


@dataclass
class _Minute:
    methods: dict[str, _Tally] = field(default_factory=dict)
    stages: dict[str, _Tally] = field(default_factory=dict)
    answers: Counter[bool] = field(default_factory=Counter)  # by whether they identify


class Traffic:
    """Counts calls, stages and answers by minute, for :data:`KEPT_MINUTES`. Thread safe.

    A minute takes some hundred bytes for each method that was called in it; there are as many methods as the contract
    has, at most.

    Args:
        clock: Unix time, seconds. It may jump: what is further from it than is kept is forgotten.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._minutes: dict[int, _Minute] = {}  # by Unix time in minutes

    def ended(self, method: str, status: str, seconds: float) -> None:
        """A call of ``Service/Method`` ended with that gRPC status after so long."""
        with self._lock:
            tally = self._now().methods.setdefault(method, _Tally())
            tally.statuses[status] += 1
            if status == "OK":
                tally.bins[_bin(seconds)] += 1

    def worked(self, stage: str, seconds: float) -> None:
        """A query went through a stage that took so long."""
        with self._lock:
            tally = self._now().stages.setdefault(stage, _Tally())
            tally.statuses["OK"] += 1
            tally.bins[_bin(seconds)] += 1

    def answered(self, *, identified: bool) -> None:
        """A query has had its last answer."""
        with self._lock:
            self._now().answers[identified] += 1

    def report(self, period_minutes: int = 0, interval_minutes: int = 0) -> TrafficReport:
        """The last minutes, in intervals that begin at multiples of their length.

        Args:
            period_minutes: Up to now; the first interval may begin before. 0 stands for 60.
            interval_minutes: Of each interval; 0 stands for 1.

        Raises:
            InvalidArgumentError: If one is out of range.
        """
        if not 0 <= period_minutes <= KEPT_MINUTES:
            raise InvalidArgumentError(
                f"period_minutes must be 1 to {KEPT_MINUTES}, or 0 for {DEFAULT_MINUTES}, not {period_minutes}",
                field="period_minutes",
            )
        period, length = period_minutes or DEFAULT_MINUTES, interval_minutes or 1
        if not 0 < length <= period:
            raise InvalidArgumentError(
                f"interval_minutes must be 1 to {period}, which is the period, or 0 for 1, not {interval_minutes}",
                field="interval_minutes",
            )
        with self._lock:
            now = self._minute()
            first = (now - period + 1) // length * length
            # Nobody may wait until all is added up: minutes that are over do not change, unless the clock steps back.
            minutes = {
                at: copy.deepcopy(minute) if at >= now - 1 else minute
                for at, minute in self._minutes.items()
                if first <= at <= now
            }
        begun = [(at // length * length, minute) for at, minute in sorted(minutes.items())]
        methods = _series(((at, minute.methods) for at, minute in begun), first)
        stages = _series(((at, minute.stages) for at, minute in begun), first)
        answers: dict[int, Counter[bool]] = {}
        for at, minute in begun:
            if minute.answers:
                answers.setdefault(at, Counter()).update(minute.answers)
        return TrafficReport(
            start=60 * first,
            end=60 * (now + 1),
            interval_seconds=60 * length,
            methods=sorted(methods, key=lambda one: (-one.total.count, one.name)),
            stages=sorted(stages, key=lambda one: one.name),
            answers=[AnswerInterval(60 * at, counts[True], counts[False]) for at, counts in answers.items()],
        )

    def _minute(self) -> int:
        return int(self._clock() // 60)

    def _now(self) -> _Minute:
        at = self._minute()
        minute = self._minutes.get(at)
        if minute is None:
            self._minutes = {one: kept for one, kept in self._minutes.items() if abs(at - one) < KEPT_MINUTES}
            minute = self._minutes[at] = _Minute()
        return minute


def _series(minutes: Iterable[tuple[int, Mapping[str, _Tally]]], first: int) -> list[Series]:
    """Of tallies by name and by the minute that their interval begins with."""
    by_name: dict[str, dict[int, _Tally]] = {}
    for at, tallies in minutes:
        for name, tally in tallies.items():
            by_name.setdefault(name, {}).setdefault(at, _Tally()).add(tally)
    found = []
    for name, intervals in by_name.items():
        total = _Tally()
        for tally in intervals.values():
            total.add(tally)
        told = [tally.interval(60 * at) for at, tally in intervals.items()]
        found.append(Series(name, total.interval(60 * first), dict(total.statuses), told))
    return found


def _bin(seconds: float) -> int:
    return min(_BINS - 1, max(0, math.floor(math.log(max(seconds, _SHORTEST) / _SHORTEST) / _STEP)))


def _latency(bins: Mapping[int, int]) -> Latency | None:
    count = sum(bins.values())
    if not count:
        return None

    def percentile(percent: int) -> float:
        rank = -(-count * percent // 100)  # the nearest rank, of 1 to count
        for number in sorted(bins):
            rank -= bins[number]
            if rank <= 0:
                break
        return _SHORTEST * math.exp((number + 0.5) * _STEP)

    return Latency(percentile(50), percentile(90), percentile(99))
