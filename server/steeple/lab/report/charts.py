"""The charts of a report: what accuracy costs, precision against recall, confidence against truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from steeple.lab.drawing import reliability_diagram
from steeple.lab.drawing.chart import Axis, Mark, Panel, Series, draw
from steeple.lab.report.model import Answers, RunResults, SystemResults
from steeple.lab.report.words import figure_title, group_title, milliseconds, share, size
from steeple.server.evaluation import Outcome, reliability

_CURVES: Final = 6  # more lines cannot be told apart
_NAMED: Final = 6  # systems with their names in a cloud
_POINTS: Final = 120  # of a curve


@dataclass(frozen=True)
class Drawn:
    """A chart and what it says.

    Attributes:
        title: For the heading above it.
        svg: The document.
        caption: What is to be seen, for those too who do not see it.
    """

    title: str
    svg: str
    caption: str


def featured(run: RunResults) -> tuple[SystemResults, ...]:
    """The best system of each group, in the order of groups; ties go to the first."""
    best: dict[str, SystemResults] = {}
    for system in run.systems:
        if math.isnan(_value(system, run.primary)):
            continue
        holder = best.get(system.group)
        if holder is None or _value(system, run.primary) > _value(holder, run.primary):
            best[system.group] = system
    return tuple(best.values())[:_CURVES]


def cost_charts(run: RunResults) -> Iterator[Drawn]:
    """Accuracy against bytes a photo and against time a query."""
    costs: list[tuple[str, Callable[[SystemResults], float], str, Callable[[float], str]]] = [
        ("bytes a photo of the gallery", lambda system: system.image_bytes, "bytes", size),
        ("milliseconds a query, median", lambda system: system.query_ms, "time", lambda ms: f"{milliseconds(ms)} ms"),
    ]
    names = dict.fromkeys([run.primary, "micro_ap", "recall_at_1"])
    for name in names:
        for axis, cost, what, shown in costs:
            rows = [
                (system, cost(system), _value(system, name))
                for system in run.systems
                if cost(system) > 0 and not math.isnan(_value(system, name))
            ]
            if rows:
                yield _cost_chart(name, axis, rows, f"cost-{name}-{what}", what, shown)


def _cost_chart(
    name: str,
    axis: str,
    rows: Sequence[tuple[SystemResults, float, float]],
    identifier: str,
    what: str,
    shown: Callable[[float], str],
) -> Drawn:
    series = []
    for group in dict.fromkeys(system.group for system, _, _ in rows):
        mine = [row for row in rows if row[0].group == group]
        labels = [f"{system.title}: {share(y)} at {shown(x)}" for system, x, y in mine]
        series.append(Series(group_title(group), [(x, y) for _, x, y in mine], joined=False, labels=labels))
    front = _front(rows)
    # The dearest of the front are the most accurate: these are named first.
    marks = [Mark(x, y, system.title) for system, x, y in front[-_NAMED:]]
    title = f"{figure_title(name)} against {what}"
    panel = Panel("", Axis(axis, log=True), Axis(figure_title(name)), series, marks)
    detail = "Ringed: no other system is both more accurate and cheaper. Point at a system for its name."
    said = ", ".join(f"{system.title} ({share(y)} at {shown(x)})" for system, x, y in front)
    return Drawn(
        title, draw([panel], title, detail, identifier=identifier), f"Not beaten on both, cheapest first: {said}."
    )


def _front(rows: Sequence[tuple[SystemResults, float, float]]) -> list[tuple[SystemResults, float, float]]:
    """Those than which none is cheaper and at least as accurate, the cheapest first."""
    front: list[tuple[SystemResults, float, float]] = []
    for row in sorted(rows, key=lambda row: (row[1], -row[2])):
        if not front or row[2] > front[-1][2]:
            front.append(row)
    return front


def precision_chart(run: RunResults) -> Drawn | None:
    """Precision against recall as the threshold on the score falls; None without systems."""
    systems = featured(run)
    series = [Series(system.title, points) for system in systems if (points := precision_recall(system.answers))]
    if not series:
        return None
    title = "Precision against recall"
    panel = Panel("", Axis("recall", low=0.0, high=1.0), Axis("precision", low=0.0, high=1.0), _bare(series))
    detail = "First answers to all queries, distractors too, by falling score. The best system of each group."
    said = ", ".join(f"{system.title}: micro-AP {share(_value(system, 'micro_ap'))}" for system in systems)
    return Drawn(title, draw([panel], title, detail, identifier="precision"), f"{said}.")


def precision_recall(answers: Answers) -> list[tuple[float, float]]:
    """Recall and precision of first answers, by falling score; equal scores are answered together.

    Thinned to a number of points that a chart can show; the last is always there.
    """
    known = int(answers.known.sum())
    found = np.isfinite(answers.score)
    if not known or not found.any():
        return []
    order = np.argsort(-answers.score[found], kind="stable")
    score, right = answers.score[found][order], np.cumsum(answers.right[found][order])
    last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    recall, precision = right[last] / known, right[last] / (last + 1)
    places = np.unique(np.linspace(0, len(last) - 1, min(_POINTS, len(last))).round().astype(int))
    return [(round(float(recall[each]), 4), round(float(precision[each]), 4)) for each in places]


def _bare(series: Sequence[Series]) -> list[Series]:
    return [replace(each, marked=False) for each in series]


def reliability_charts(run: RunResults) -> Iterator[Drawn]:
    """Share of right answers by confidence, of the featured systems."""
    for number, system in enumerate(featured(run)):
        answers = system.answers
        if not len(answers.known):
            continue
        columns = zip(answers.known, answers.right, answers.confidence, strict=True)
        outcomes = [
            Outcome(known=bool(known), right=bool(right), confidence=float(confidence), identified=False)
            for known, right, confidence in columns
        ]
        bins = reliability(outcomes)
        ece = _value(system, "ece")
        detail = f"{len(outcomes):,} queries; whiskers: 95 %"
        filled = [each for each in bins if each.answers]
        worst = max(filled, key=lambda each: each.answers * abs(each.right - each.confidence))
        said = (
            f"What adds most to the error: {worst.answers:,} answers with a mean confidence of {worst.confidence:.2f}, "
            f"of which {worst.right:.2f} are right"
        )
        yield Drawn(
            f"{system.title}: reliability",
            reliability_diagram.draw(bins, ece, system.title, detail, identifier=f"reliability-{number}"),
            f"{said}.",
        )


def _value(system: SystemResults, name: str) -> float:
    figure = system.figures.get(name)
    return math.nan if figure is None else figure.value
