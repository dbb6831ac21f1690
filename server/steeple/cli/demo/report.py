"""Prints the demo's answers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from steeple.cli.demo.run import Result, Verdict
from steeple.cli.output import Cell, Column, Output

_STYLES: Final = {
    Verdict.RIGHT: "green",
    Verdict.NOT_YET: "magenta",
    Verdict.MISSED: "bold red",
    Verdict.WRONG: "bold red",
}

_COLUMNS: Final = (
    Column("query"),
    Column("answer"),
    Column("conf.", "right"),
    Column("inliers", "right"),
    Column("sent", "right"),
    Column("extract", "right"),
    Column("search", "right"),
    Column("verify", "right"),
    Column("total", "right"),
    Column("verdict"),
)


def print_results(output: Output, results: Sequence[Result]) -> None:
    """The table. For UNKNOWN, confidence and inliers are those of the closest candidate, in brackets."""
    output.table(_COLUMNS, [_row(result) for result in results])
    output.say(
        "sent: bytes of the request. extract (on the device), search and verify (on the server), total (photo to "
        "answer): ms. In brackets: the closest candidate, which is no identification.",
        "dim",
    )


def summary(results: Sequence[Result]) -> str:
    """How many answers were what."""
    counts = {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    parts = [f"{counts[Verdict.RIGHT]} of {len(results)} as expected"]
    parts += [
        f"{counts[verdict]} {text}"
        for verdict, text in (
            (Verdict.NOT_YET, "not recognised yet"),
            (Verdict.MISSED, "missed"),
            (Verdict.WRONG, "WRONG"),
        )
        if counts[verdict]
    ]
    return ", ".join(parts)


def _row(result: Result) -> tuple[str | Cell, ...]:
    answer, timings = result.answer, result.answer.timings
    best, landmark = answer.best, answer.landmark
    style = _STYLES[result.verdict]
    evidence = ("", "") if best is None else (f"{best.confidence:.3f}", str(best.inliers))
    if landmark is None and best is not None:
        evidence = (f"({evidence[0]})", f"({evidence[1]})")
    return (
        result.query.title,
        Cell(landmark.display_name if landmark else "UNKNOWN", "bold" if landmark else "yellow"),
        *evidence,
        f"{answer.request_bytes:,}",
        *(_milliseconds(value) for value in (timings.device_extract, timings.search, timings.verify)),
        _milliseconds(result.total_milliseconds),
        Cell(result.verdict.value, style),
    )


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}" if value < 10 else f"{value:.0f}"
