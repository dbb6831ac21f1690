"""Line charts as SVG: panels that share a title, a legend and a look."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from steeple.lab.drawing import svg
from steeple.lab.drawing.chart_ticks import linear_ticks, log_range, log_ticks

_MANY: Final = 4  # panels, from which on they are small
_SMALL: Final = (252, 214)  # pixels of a panel, axes and titles included
_LARGE: Final = (430, 336)
_COLUMNS: Final = (2, 4)  # of large panels, of small ones
_RIGHT: Final = 18
_BOTTOM: Final = 56
_LEGEND_ROW: Final = 22
_LEGEND_SAMPLE: Final = 34
_LABEL: Final = 11  # font size of ticks
_LABEL_HEIGHT: Final = 14
_UNREADABLE: Final = 1000  # points that a label may rather hide than another label

Position = tuple[float, float]
"""Right and down, pixels."""

Label = tuple[float, float, float]
"""Left end and baseline of a text, and its width, pixels."""


@dataclass(frozen=True)
class Axis:
    """What a direction of a panel stands for.

    Attributes:
        title: With the unit.
        log: Whether equal distances are equal factors; all values must be above 0 then.
        low: The axis begins here, or earlier where there are points.
        high: The axis ends here, or later.
        steps: If there are any, the axis has these values and no others, at equal distances.
    """

    title: str
    log: bool = False
    low: float | None = None
    high: float | None = None
    steps: tuple[float, ...] = ()


@dataclass(frozen=True)
class Series:
    """Points that belong together.

    Attributes:
        name: In the legend; the same name has the same look in all panels.
        points: float pairs (x, y), in the order of the line.
        dashed: Whether the line is.
        beside: Name of a series that this one is compared with: it gets that one's colour.
        joined: Whether there is a line.
        marked: Whether there is a mark at each point; lines of many points are clearer without.
        labels: What each point is, for whoever points at it; may be empty.
    """

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False
    beside: str = ""
    joined: bool = True
    marked: bool = True
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Mark:
    """A point that is pointed out.

    Attributes:
        x: As in a series.
        y: As in a series.
        label: What it is.
    """

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class Panel:
    """Axes and what is drawn between them.

    Attributes:
        title: Above it.
        x: To the right.
        y: Upwards.
        series: The first lies on top.
        marks: Points of interest.
    """

    title: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    marks: Sequence[Mark] = ()


def draw(panels: Sequence[Panel], title: str, detail: str, *, identifier: str = "title") -> str:
    """The chart.

    Args:
        panels: Up to three are large, more are small, four in a row.
        title: Heads the chart.
        detail: Facts below it, broken into lines.
        identifier: Of its title element; another for each chart on one page.

    Returns:
        An SVG document on white.

    Raises:
        ValueError: If a value has no place on its axis: at most 0 on a logarithmic one, or none of its steps.
    """
    numbers = _numbers(panels)
    size, most = (_SMALL, _COLUMNS[1]) if len(panels) >= _MANY else (_LARGE, _COLUMNS[0])
    columns = min(len(panels), most) or 1
    width = max(columns * size[0] + 2 * svg.MARGIN, math.ceil(svg.title_width(title)))
    size = ((width - 2 * svg.MARGIN) // columns, size[1])
    lines = svg.broken(detail, width)
    top = svg.header_height(lines)
    legend, rows = _legend(panels, numbers, width, top)
    top += rows * _LEGEND_ROW + 8
    body = list(legend)
    for number, panel in enumerate(panels):
        x, y = svg.MARGIN + number % columns * size[0], top + number // columns * size[1]
        body += [f'<g transform="translate({x} {y})">', *_Frame(panel, size).drawn(numbers), "</g>"]
    height = top + -(-len(panels) // columns) * size[1] + 4
    return svg.document(title, lines, width, height, body, identifier=identifier)


def _numbers(panels: Iterable[Panel]) -> dict[str, int]:
    """Colour and marker of each series."""
    series = [each for panel in panels for each in panel.series]
    numbers: dict[str, int] = {}
    for each in series:
        if not each.beside:
            numbers.setdefault(each.name, len(numbers))
    for each in series:
        if each.beside:
            numbers.setdefault(each.name, numbers.get(each.beside, len(numbers)))
    return numbers


def _legend(panels: Iterable[Panel], numbers: dict[str, int], width: float, top: float) -> tuple[list[str], int]:
    """Entries in rows, and the number of rows; those of one colour follow each other."""
    kinds = {each.name: each.dashed for panel in panels for each in panel.series}
    joined = {each.name for panel in panels for each in panel.series if each.joined}
    parts, x, row = [], float(svg.MARGIN), 0
    for name in sorted(kinds, key=lambda name: (numbers[name], kinds[name])):
        needed = _LEGEND_SAMPLE + svg.text_width(name, 12) + 18
        if x > svg.MARGIN and x + needed > width - svg.MARGIN:
            x, row = float(svg.MARGIN), row + 1
        y = top + 12 + row * _LEGEND_ROW
        if name in joined:
            parts.append(svg.line(numbers[name], [(x, y), (x + 28, y)], dashed=kinds[name]))
        parts += [
            svg.marker(numbers[name], x + 14, y, hollow=kinds[name]),
            svg.text(name, x + _LEGEND_SAMPLE, y + 4, size=12),
        ]
        x = round(x + needed, 1)
    return ["<g>", *parts, "</g>"], row + 1 if kinds else 0


class _Scale:
    """Where values of an axis lie.

    Args:
        axis: The axis.
        values: That are drawn.
        start: Pixels, of the low end.
        end: Pixels, of the high end.
        room: Pixels that a tick needs.
    """

    def __init__(self, axis: Axis, values: Iterable[float], start: float, end: float, room: float) -> None:
        self._axis = axis
        self._start, self._end = start, end
        span = abs(end - start)
        all_values = [*values, *(each for each in (axis.low, axis.high) if each is not None)]
        self._low, self._high = 0.0, 1.0
        if axis.steps:
            self.ticks = [*axis.steps]
        elif axis.log:
            self._low, self._high = log_range(all_values)
            self.ticks = log_ticks(self._low, self._high, max(2, int(span / room)))
        else:
            low, high = min(all_values, default=0.0), max(all_values, default=1.0)
            self.ticks = linear_ticks(low, high, max(1, int(span / room)))
            self._low, self._high = self.ticks[0], self.ticks[-1]

    def __call__(self, value: float) -> float:
        """Pixels."""
        return round(self._start + self._share(value) * (self._end - self._start), 1)

    def _share(self, value: float) -> float:
        if self._axis.steps:
            inset = 8 / abs(self._end - self._start)
            number = self._axis.steps.index(value)
            return inset + (1 - 2 * inset) * number / max(1, len(self._axis.steps) - 1)
        if self._axis.log:
            if value <= 0:
                raise ValueError(f"a logarithmic axis has no place for {value}")
            return math.log(value / self._low) / math.log(self._high / self._low)
        return (value - self._low) / (self._high - self._low)


class _Frame:
    """A panel with its scales."""

    def __init__(self, panel: Panel, size: tuple[int, int]) -> None:
        self._panel = panel
        marked = [(mark.x, mark.y) for mark in panel.marks]
        points = [point for each in panel.series for point in each.points] + marked
        self._top = 52 if panel.y.title else 34
        self._bottom = size[1] - _BOTTOM
        self._y = _Scale(panel.y, [y for _, y in points], self._bottom, self._top, 29)
        self._left = max(32.0, 10 + max(svg.text_width(svg.numeral(tick), _LABEL) for tick in self._y.ticks))
        self._right = size[0] - _RIGHT
        self._x = _Scale(panel.x, [x for x, _ in points], self._left, self._right, 44)

    def drawn(self, numbers: dict[str, int]) -> list[str]:
        """Its elements, with the number of each series' look."""
        panel, left, bottom, right = self._panel, self._left, self._bottom, self._right
        parts = [svg.text(panel.title, left, 20, size=14, weight=600)]
        if panel.y.title:
            parts.append(svg.text(panel.y.title, left, 38, colour=svg.QUIET))
        for tick in self._y.ticks:
            y = self._y(tick)
            parts.append(f'<path d="M{left:g} {y:g}H{right:g}" stroke="{svg.GRID}"/>')
            parts.append(svg.text(svg.numeral(tick), left - 6, y + 4, size=_LABEL, anchor="end", colour=svg.QUIET))
        for tick in self._x.ticks:
            x = self._x(tick)
            parts.append(f'<path d="M{x:g} {bottom:g}v4" stroke="{svg.QUIET}"/>')
        for tick, x in self._labelled():
            label = svg.text(svg.numeral(tick), x, bottom + 16, size=10, anchor="middle", colour=svg.QUIET)
            parts.append(label)
        middle = (left + right) / 2
        parts.append(svg.text(panel.x.title, middle, bottom + 34, anchor="middle", colour=svg.QUIET))
        for each in reversed(panel.series):  # the first lies on top
            points = [self._place(point) for point in each.points]
            if each.joined:
                parts.append(svg.line(numbers[each.name], points, dashed=each.dashed))
            labels = each.labels or [""] * len(points)
            if each.marked:
                parts += [
                    svg.marker(numbers[each.name], x, y, hollow=each.dashed, name=label)
                    for (x, y), label in zip(points, labels, strict=True)
                ]
        return parts + self._marked()

    def _place(self, point: tuple[float, float]) -> Position:
        return self._x(point[0]), self._y(point[1])

    def _labelled(self) -> list[tuple[float, float]]:
        """The ticks that have room for their numbers, and where they are."""
        found, free = [], -math.inf
        for tick in self._x.ticks:
            x, half = self._x(tick), svg.text_width(svg.numeral(tick), 10) / 2
            if x - half >= free:
                found.append((tick, x))
                free = x + half + 2
        return found

    def _marked(self) -> list[str]:
        """A ring around each mark, and its label where it covers least."""
        parts: list[str] = []
        taken: list[Label] = []
        for mark in self._panel.marks:
            x, y = self._place((mark.x, mark.y))
            width = svg.text_width(mark.label, 12, bold=True)
            # By rising distance: of places that hide as little, the nearest is taken.
            shifts = itertools.product((21, -11, 36, -26, 51, -41), (13, -13 - width, -width / 2))
            inside = [
                (
                    round(min(max(x + right, self._left), self._right - width), 1),
                    round(min(max(y + down, self._top + 12), self._bottom - 5), 1),
                )
                for down, right in shifts
            ]
            label_x, label_y = min(inside, key=lambda place: self._hidden((*place, width), taken))
            taken.append((label_x, label_y, width))
            parts += [
                f'<circle cx="{x:g}" cy="{y:g}" r="7.5" fill="none" stroke="{svg.TEXT}" stroke-width="1.6"/>',
                svg.text(mark.label, label_x, label_y, size=12, weight=600, halo=True),
            ]
        return parts

    def _hidden(self, label: Label, taken: Sequence[Label]) -> int:
        """Points of lines, marks and labels that a label would hide."""
        x, y, width = label
        ends = [[self._place(point) for point in each.points] for each in self._panel.series if each.joined]
        ends += [[self._place(point)] for each in self._panel.series if not each.joined for point in each.points]
        ends += [[self._place((mark.x, mark.y))] for mark in self._panel.marks]
        hidden = 0
        for points in ends:
            for one, other in zip(points, points[1:] or points, strict=False):
                steps = 1 + int(math.dist(one, other) / 3)
                for share in (number / steps for number in range(steps + 1)):
                    at = one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])
                    hidden += x - 5 < at[0] < x + width + 5 and y - 15 < at[1] < y + 7
        over = sum(
            abs(y - other_y) < _LABEL_HEIGHT and x < other_x + other_width + 4 and other_x < x + width + 4
            for other_x, other_y, other_width in taken
        )
        return hidden + _UNREADABLE * over
