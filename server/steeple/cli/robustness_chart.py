"""The chart of ``steeple benchmark robustness``: a small panel for each transformation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from steeple.lab.drawing import chart
from steeple.lab.drawing.chart import Axis, Panel, Series
from steeple.server.robustness import CORRECT, Curves

_SHARE: Final = Axis("", low=0.0, high=1.0)


def draw(curves: Sequence[Curves], title: str, detail: str) -> str:
    """The chart, as SVG.

    Args:
        curves: A panel each; all of the same methods.
        title: Heads the chart.
        detail: Facts below it.
    """
    return chart.draw([_panel(curve) for curve in curves], title, detail)


def _panel(curve: Curves) -> Panel:
    transformation = curve.transformation
    series = []
    for name, points in curve.points.items():
        recognised = f"{name}: share of photos recognised"
        correct = f"{name}: share of matches within {CORRECT:g} px"
        series.append(Series(recognised, [(point.strength, point.recognised) for point in points]))
        at = [(point.strength, point.correct_share) for point in points]
        series.append(Series(correct, at, dashed=True, beside=recognised))
    # Strengths stand at equal distances: those of interest lie close together, and far apart on no one scale.
    return Panel(transformation.name, Axis(transformation.unit, steps=transformation.strengths), _SHARE, series)
