"""What a run of ``steeple benchmark load`` amounts to, and whether that is good enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

TIMES_IDLE: Final = 3.0
"""Accepted calls may take so many times the idle median at the 99th percentile, beside the stated queue delay."""

MOST_GROWTH: Final = 1.0
"""Megabytes a minute."""

_LEAST_POINTS: Final = 3
_FLOORS: Final = 10

ALLOWED: Final = frozenset({"OK", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"})
"""Statuses that calls may end with."""


@dataclass(frozen=True)
class Sent:
    """A call, and how it ended.

    Attributes:
        client: Number of the client.
        seconds: From when it was due, which may be before it was sent, to its end.
        status: Name of the gRPC status.
    """

    client: int
    seconds: float
    status: str


@dataclass(frozen=True)
class Bar:
    """Something that must hold.

    Attributes:
        name: What.
        value: Measured; None: there is nothing to measure it by.
        most: Allowed.
        passed: Whether it holds.
    """

    name: str
    value: float | None
    most: float
    passed: bool


@dataclass(frozen=True)
class LoadFigures:
    """A run of many clients.

    Attributes:
        idle_p50_ms: Median of single queries, one after the other, before.
        capacity: Queries a second that the server answered with all threads busy, before.
        offered: Queries a second that were sent.
        accepted: Queries a second that were answered.
        p50_ms: Of accepted calls, from when they were due.
        p90_ms: As well.
        p99_ms: As well.
        queue_delay_ms: That the server states.
        statuses: Calls by the status that they ended with.
        fewest: Answers to the client with the fewest.
        most: Answers to the client with the most.
        growth_mb_per_minute: Of the server's resident memory, as :func:`growth_of` estimates it.
        server_cpu: Processors that the server kept busy.
        load_cpu: Processors that the clients kept busy, of the same machine.
        worst: How the calls with the worst photos ended, by status; empty if there were none.
        bars: What must hold.
    """

    idle_p50_ms: float
    capacity: float
    offered: float
    accepted: float
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    queue_delay_ms: float
    statuses: dict[str, int]
    fewest: int
    most: int
    growth_mb_per_minute: float | None
    server_cpu: float | None
    load_cpu: float
    worst: dict[str, int]
    bars: tuple[Bar, ...]

    @property
    def passed(self) -> bool:
        """Whether all bars hold."""
        return all(bar.passed for bar in self.bars)


def figures(
    sent: Sequence[Sent],
    worst: Sequence[Sent],
    memory: Sequence[tuple[float, float]],
    *,
    idle_seconds: Sequence[float],
    capacity: float,
    seconds: float,
    clients: int,
    queue_delay_ms: float,
    server_cpu: float | None,
    load_cpu: float,
) -> LoadFigures:
    """The figures of a run.

    Args:
        sent: Calls with features.
        worst: Calls with the worst photos.
        memory: When, in seconds, and how many bytes the server had in memory.
        idle_seconds: Of single queries before.
        capacity: Queries a second.
        seconds: Of the run.
        clients: That sent features.
        queue_delay_ms: That the server states.
        server_cpu: Processors that it kept busy.
        load_cpu: Processors that the clients kept busy.
    """
    accepted = [call.seconds for call in sent if call.status == "OK"]
    answers = Counter(call.client for call in sent if call.status == "OK")
    counts = [answers[number] for number in range(clients)]
    p50, p90, p99 = (
        (round(1000 * float(value), 1) for value in np.percentile(accepted, (50, 90, 99)))
        if accepted
        else (None, None, None)
    )
    idle = 1000 * float(np.median(idle_seconds))
    errors = sum(call.status not in ALLOWED for call in (*sent, *worst))
    growth, most_p99 = growth_of(memory), TIMES_IDLE * idle + queue_delay_ms
    bars = (
        Bar("errors but RESOURCE_EXHAUSTED and DEADLINE_EXCEEDED", errors, 0, errors == 0),
        Bar(
            f"p99 of accepted calls, ms ({TIMES_IDLE:g} x idle p50 + queue delay)",
            p99,
            round(most_p99, 1),
            p99 is not None and p99 <= most_p99,
        ),
        Bar("growth of memory, MB a minute", growth, MOST_GROWTH, growth is not None and growth < MOST_GROWTH),
    )
    return LoadFigures(
        idle_p50_ms=round(idle, 1),
        capacity=round(capacity, 2),
        offered=round(len(sent) / seconds, 2),
        accepted=round(len(accepted) / seconds, 2),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        queue_delay_ms=queue_delay_ms,
        statuses=dict(Counter(call.status for call in sent)),
        fewest=min(counts),
        most=max(counts),
        growth_mb_per_minute=growth,
        server_cpu=server_cpu,
        load_cpu=round(load_cpu, 2),
        worst=dict(Counter(call.status for call in worst)),
        bars=bars,
    )


def growth_of(memory: Sequence[tuple[float, float]]) -> float | None:
    """Megabytes a minute: the least-squares slope of seconds and bytes, without the first quarter; None without any.

    Of each tenth of what remains, the least counts: what is held for one large photo, and given back, is no growth.
    It is an estimate by ten points at most. Where they scatter, as with the worst photos, so does the slope, by several
    times :data:`MOST_GROWTH` over five minutes: one run then finds a large leak, and shows the absence of none.
    """
    if not memory:
        return None
    begin = memory[0][0] + (memory[-1][0] - memory[0][0]) / 4
    settled = np.array([point for point in memory if point[0] >= begin])
    if len(settled) < _LEAST_POINTS:
        return None
    tenths = np.array_split(settled, min(_FLOORS, len(settled)))
    floors = np.array([tenth[tenth[:, 1].argmin()] for tenth in tenths])
    slope, _ = np.polyfit(floors[:, 0] - begin, floors[:, 1], 1)
    return round(float(slope) * 60 / 1e6, 3)
