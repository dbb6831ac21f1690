"""Drawings of numbers, as what SVG needs: paths and places of words. Units are those of the drawing's ``viewBox``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from steeple.client import ReliabilityBin

_WIDTH: Final = 520
_HEIGHT: Final = 190
_LEFT: Final = 52
_RIGHT: Final = 12
_TOP: Final = 12
_BOTTOM: Final = 24
_SIDE: Final = 300
_RING: Final = "m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0"
"""Of a point without neighbours, around where it is."""
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Label:
    """Words in a drawing.

    Attributes:
        x: Right.
        y: Down.
        text: The words.
    """

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Stroke:
    """A path.

    Attributes:
        kind: Its class in the style sheet.
        name: In the legend; empty: it is not in there.
        d: As SVG has it.
    """

    kind: str
    name: str
    d: str


@dataclass(frozen=True)
class Chart:
    """A drawing.

    Attributes:
        width: Of its ``viewBox``.
        height: The same.
        strokes: In the order in which they are drawn.
        grid: Heights of lines across, with their labels at the left.
        below: Labels under the axis.
        left: Where the axis begins.
        right: Where it ends.
        base: Height of the axis.
        beside: Labels within it.
    """

    width: int
    height: int
    strokes: Sequence[Stroke]
    grid: Sequence[Label]
    below: Sequence[Label]
    left: float
    right: float
    base: float
    beside: Sequence[Label] = ()

    @property
    def legend(self) -> list[Stroke]:
        """What has a name."""
        return [stroke for stroke in self.strokes if stroke.name]


@dataclass(frozen=True)
class Span:
    """The time that a chart is about: intervals of equal length.

    Attributes:
        start: Of the first.
        seconds: Of each.
        count: Of them.
    """

    start: datetime
    seconds: float
    count: int

    def place(self, time: datetime) -> int:
        """Which interval a time is in; outside of 0 to ``count`` - 1: in none."""
        return math.floor((time - self.start).total_seconds() / self.seconds + 1e-6)


def ticks(most: float, about: int = 4) -> list[float]:
    """Round numbers at equal distances, from 0 to at least ``most``."""
    if not most > 0:
        return [0.0, 1.0]
    wanted = most / about
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(power * each for each in _STEPS if power * each >= wanted * (1 - 1e-9))
    return [round(number * step, 10) for number in range(math.ceil(most / step - 1e-9) + 1)]


def bars(span: Span, layers: Sequence[tuple[str, str, Sequence[float]]], text: Callable[[float], str]) -> Chart:
    """Bars over time, layers on each other.

    Args:
        span: The time.
        layers: Class, name and a number for each interval; the first is the lowest.
        text: Writes the numbers of the axis.
    """
    sums = [sum(values) for values in zip(*(values for _, _, values in layers), strict=True)]
    scale = ticks(max(sums, default=0.0))
    if all(float(each).is_integer() for each in sums):
        scale = [each for each in scale if each.is_integer()]  # of things there is no half
    y = _down(scale[-1])
    step = (_WIDTH - _LEFT - _RIGHT) / span.count
    gap = min(2.0, step / 4)
    below = [0.0] * span.count
    strokes = []
    for kind, name, values in layers:
        parts = []
        for number, value in enumerate(values):
            if value > 0:
                low, high = y(below[number]), y(below[number] + value)
                left = _LEFT + number * step + gap / 2
                parts.append(f"M{left:.1f} {low:.1f}h{step - gap:.1f}V{high:.1f}h{gap - step:.1f}z")
                below[number] += value
        strokes.append(Stroke(kind, name, "".join(parts)))
    return _framed(strokes, scale, y, span, text)


def lines(span: Span, layers: Sequence[tuple[str, str, Sequence[float | None]]], text: Callable[[float], str]) -> Chart:
    """Lines over time; where there is no number, they are broken.

    Args:
        span: The time.
        layers: Class, name and a number for each interval, or None.
        text: Writes the numbers of the axis.
    """
    scale = ticks(max((value for _, _, values in layers for value in values if value is not None), default=0.0))
    y = _down(scale[-1])
    step = (_WIDTH - _LEFT - _RIGHT) / span.count
    strokes = []
    for kind, name, values in layers:
        parts: list[str] = []
        joined = False
        for number, value in enumerate(values):
            if value is None:
                joined = False
                continue
            x = _LEFT + (number + 0.5) * step
            alone = not joined and (number + 1 == len(values) or values[number + 1] is None)
            parts.append(f"{'L' if joined else 'M'}{x:.1f} {y(value):.1f}{_RING if alone else ''}")
            joined = True
        strokes.append(Stroke(kind, name, "".join(parts)))
    return _framed(strokes, scale, y, span, text)


def reliability(bins: Sequence[ReliabilityBin]) -> Chart:
    """A reliability diagram: a bar for the share of right answers of each confidence, and the diagonal to be met.

    Each bar has its 95 % interval as a whisker and the number of answers above.
    """
    left, base, side = 40.0, _SIDE - 28.0, _SIDE - 68.0

    def x(share: float) -> float:
        return left + share * side

    def y(share: float) -> float:
        return base - share * side

    columns, whiskers, counts = [], [], []
    for part in bins:
        if not part.answers:
            continue
        width, middle = x(part.high) - x(part.low), (x(part.low) + x(part.high)) / 2
        low, high = part.interval
        columns.append(f"M{x(part.low) + 1.5:.1f} {base:.1f}h{width - 3:.1f}V{y(part.right):.1f}h{3 - width:.1f}z")
        whiskers.append(f"M{middle:.1f} {y(low):.1f}V{y(high):.1f}m-3 0h6M{middle - 3:.1f} {y(low):.1f}h6")
        counts.append(Label(round(middle, 1), round(y(high) - 5, 1), _short(part.answers)))
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    return Chart(
        width=_SIDE,
        height=_SIDE,
        strokes=[
            Stroke("fill soft", "", "".join(columns)),
            Stroke("other", "", f"M{x(0):.1f} {y(0):.1f}L{x(1):.1f} {y(1):.1f}"),
            Stroke("whisker", "", "".join(whiskers)),
        ],
        grid=[Label(left - 6, round(y(share), 1), f"{100 * share:.0f} %") for share in shares],
        below=[Label(round(x(share), 1), base + 16, f"{100 * share:.0f} %") for share in shares],
        left=left,
        right=left + side,
        base=base,
        beside=counts,
    )


def _down(most: float) -> Callable[[float], float]:
    """Heights of numbers."""
    return lambda value: _HEIGHT - _BOTTOM - value / most * (_HEIGHT - _BOTTOM - _TOP)


def _framed(
    strokes: Sequence[Stroke],
    scale: Sequence[float],
    y: Callable[[float], float],
    span: Span,
    text: Callable[[float], str],
) -> Chart:
    width = _WIDTH - _LEFT - _RIGHT
    below = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        time = span.start + timedelta(seconds=share * span.count * span.seconds)
        below.append(Label(round(_LEFT + share * width, 1), _HEIGHT - 6, f"{time:%H:%M}"))
    return Chart(
        width=_WIDTH,
        height=_HEIGHT,
        strokes=strokes,
        grid=[Label(_LEFT - 6, round(y(value), 1), text(value)) for value in scale],
        below=below,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        base=_HEIGHT - _BOTTOM,
    )


def _short(count: int) -> str:
    return f"{count}" if count < 1000 else f"{count / 1000:.1f}k" if count < 10_000 else f"{count / 1000:.0f}k"
