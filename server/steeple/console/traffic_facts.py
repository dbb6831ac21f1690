"""What pages show of a server's traffic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from steeple.client import Latency, MethodTraffic, Traffic, TrafficInterval
from steeple.console import charts
from steeple.console.charts import Chart, Span
from steeple.console.links import deed
from steeple.console.rendering import number, seconds

PERIODS: Final[Mapping[str, tuple[str, int, int]]] = {
    "60": ("1 hour", 60, 1),
    "180": ("3 hours", 180, 2),
    "360": ("6 hours", 360, 5),
}
"""By what stands in the address: title, minutes, and minutes that are shown together."""

_SEARCH: Final = "VisualSearchService/Identify"


@dataclass(frozen=True)
class MethodRow:
    """A method of a table.

    Attributes:
        method: As the server has it.
        title: In words.
        traffic: Its calls.
    """

    method: str
    title: str
    traffic: MethodTraffic


@dataclass(frozen=True)
class Board:
    """Traffic as a page shows it.

    Attributes:
        calls: Drawn over time.
        told: The same in a sentence.
        latency: Of one method, drawn over time; None: none was called.
        latency_told: The same in a sentence.
        method: Whose latency it is.
        methods: All that were called.
        stages: Name, times, and their latency.
        totals: Calls, refusals and errors of all methods.
        answers: Drawn over time; None: there were none.
    """

    calls: Chart
    told: str
    latency: Chart | None
    latency_told: str
    method: MethodRow | None
    methods: Sequence[MethodRow]
    stages: Sequence[tuple[str, int, Latency | None, Chart]]
    totals: tuple[int, int, int]
    answers: Chart | None


def board(traffic: Traffic, chosen: str = "") -> Board:
    """Traffic as a page shows it.

    Args:
        traffic: As the server tells it.
        chosen: Method whose latency is drawn; one that was not called: that of queries, or the one called most.
    """
    length = (traffic.end_time - traffic.start_time).total_seconds()
    span = Span(traffic.start_time, traffic.interval, max(1, math.ceil(length / traffic.interval - 1e-6)))
    rows = [MethodRow(each.method, deed(each.method), each) for each in traffic.methods]
    by_name = {row.method: row for row in rows}
    row = by_name.get(chosen) or by_name.get(_SEARCH) or (rows[0] if rows else None)
    every = [interval for each in traffic.methods for interval in each.intervals]
    counts = _sums(span, ((each, each.count) for each in every))
    refused = _sums(span, ((each, each.refusals) for each in every))
    failed = _sums(span, ((each, each.errors) for each in every))
    good = [all_ - no - bad for all_, no, bad in zip(counts, refused, failed, strict=True)]
    totals = (int(sum(counts)), int(sum(refused)), int(sum(failed)))
    layers = (("fill", "answered", good), ("edge", "refused", refused), ("bad", "errors", failed))
    return Board(
        calls=charts.bars(span, layers, _count),
        told=f"{number(totals[0])} calls, {number(totals[1])} refused, {number(totals[2])} errors; at most "
        f"{number(int(max(counts)))} in one interval.",
        latency=None if row is None else _latency(span, row.traffic.intervals),
        latency_told="" if row is None else f"{row.title}: {_told(row.traffic.latency)}",
        method=row,
        methods=rows,
        stages=[
            (each.stage, each.count, each.latency, _latency(span, each.intervals))
            for each in traffic.stages
            if each.count
        ],
        totals=totals,
        answers=_answers(span, traffic),
    )


def _answers(span: Span, traffic: Traffic) -> Chart | None:
    if not traffic.answers:
        return None
    named, unknown = [0.0] * span.count, [0.0] * span.count
    for each in traffic.answers:
        if 0 <= (place := span.place(each.start_time)) < span.count:
            named[place] += each.identified
            unknown[place] += each.unknown
    return charts.bars(span, (("good", "identified", named), ("edge", "unknown", unknown)), _count)


def _latency(span: Span, intervals: Iterable[TrafficInterval]) -> Chart:
    found: dict[str, list[float | None]] = {name: [None] * span.count for name in ("p99", "p90", "p50")}
    for each in intervals:
        place = span.place(each.start_time)
        if each.latency is not None and 0 <= place < span.count:
            for name, values in found.items():
                values[place] = getattr(each.latency, name)
    titles = {"p99": "99 of 100", "p90": "9 of 10", "p50": "half"}
    return charts.lines(span, [(f"line {name}", titles[name], values) for name, values in found.items()], _time)


def _sums(span: Span, counts: Iterable[tuple[TrafficInterval, int]]) -> list[float]:
    sums = [0.0] * span.count
    for interval, count in counts:
        if 0 <= (place := span.place(interval.start_time)) < span.count:
            sums[place] += count
    return sums


def _told(latency: Latency | None) -> str:
    if latency is None:
        return "none ended well."
    return f"half took at most {_time(latency.p50)}, 9 of 10 {_time(latency.p90)}, 99 of 100 {_time(latency.p99)}."


def _count(value: float) -> str:
    return number(int(value)) if float(value).is_integer() else number(value)


def _time(milliseconds: float) -> str:
    return "0" if not milliseconds else seconds(milliseconds / 1000) if milliseconds >= 1 else f"{milliseconds:.2g} ms"
