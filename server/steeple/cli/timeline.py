"""Timelines as SVG: stages that follow each other, each as a bar from its beginning to its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from steeple.lab.drawing import svg
from steeple.lab.drawing.chart_ticks import linear_ticks

_WIDTH: Final = 860
_ROW: Final = 24
_BAR: Final = 13
_HEAD: Final = 34  # of a lane: its title
_FOOT: Final = 46  # the axis
_RIGHT: Final = 78  # for the number behind the longest bar
_TICK_ROOM: Final = 70


@dataclass(frozen=True)
class Stage:
    """A part of the time.

    Attributes:
        name: Of the row.
        milliseconds: Its length.
        where: In the legend; the same place has the same colour.
    """

    name: str
    milliseconds: float
    where: str


@dataclass(frozen=True)
class Lane:
    """Stages of one thing, in their order.

    Attributes:
        title: Above them.
        stages: Each begins where the one before it ends.
    """

    title: str
    stages: Sequence[Stage]


def draw(lanes: Sequence[Lane], title: str, detail: str) -> str:
    """The timeline, on one scale for all lanes.

    Args:
        lanes: Below each other.
        title: Heads the chart.
        detail: Facts below it, broken into lines.

    Returns:
        An SVG document on white.
    """
    width = max(_WIDTH, math.ceil(svg.title_width(title)))
    lines = svg.broken(detail, width)
    stages = [stage for lane in lanes for stage in lane.stages]
    places = list(dict.fromkeys(stage.where for stage in stages))
    left = svg.MARGIN + max((svg.text_width(stage.name, 12) for stage in stages), default=0) + 12
    longest = max((sum(stage.milliseconds for stage in lane.stages) for lane in lanes), default=0.0)
    span = width - svg.MARGIN - _RIGHT - left
    ticks = linear_ticks(0.0, longest, int(span / _TICK_ROOM))
    scale = span / ticks[-1]
    top = svg.header_height(lines)
    body = _legend(places, top)
    top += 30
    bottom = top + sum(_HEAD + _ROW * len(lane.stages) for lane in lanes)
    for tick in ticks:
        x = round(left + tick * scale, 1)
        body.append(f'<path d="M{x:g} {top + 12:g}V{bottom:g}" stroke="{svg.GRID}"/>')
        body.append(svg.text(svg.numeral(tick), x, bottom + 16, anchor="middle", colour=svg.QUIET))
    middle = left + span / 2
    body.append(svg.text("milliseconds, medians", middle, bottom + 34, anchor="middle", colour=svg.QUIET))
    for lane in lanes:
        body.append(svg.text(svg.shortened(lane.title, 13, width - 2 * svg.MARGIN), svg.MARGIN, top + 24,
                             size=13, weight=600, halo=True))  # fmt: skip
        body += _bars(lane, places, left, top + _HEAD, scale)
        top += _HEAD + _ROW * len(lane.stages)
    return svg.document(title, lines, width, bottom + _FOOT, body)


def _bars(lane: Lane, places: Sequence[str], left: float, top: float, scale: float) -> list[str]:
    parts, passed = [], 0.0
    for number, stage in enumerate(lane.stages):
        y = top + number * _ROW
        x, length = round(left + passed * scale, 1), round(max(1.0, stage.milliseconds * scale), 1)
        colour = svg.COLOURS[places.index(stage.where) % len(svg.COLOURS)]
        parts += [
            svg.text(stage.name, left - 12, y + 16, size=12, anchor="end"),
            f'<rect x="{x:g}" y="{y + 5:g}" width="{length:g}" height="{_BAR}" fill="{colour}"/>',
            svg.text(f"{stage.milliseconds:.1f}", x + length + 6, y + 16, size=12, halo=True),
        ]
        passed += stage.milliseconds
    return parts


def _legend(places: Sequence[str], top: float) -> list[str]:
    parts, x = [], float(svg.MARGIN)
    for number, place in enumerate(places):
        colour = svg.COLOURS[number % len(svg.COLOURS)]
        parts.append(f'<rect x="{x:g}" y="{top + 5:g}" width="26" height="12" rx="2" fill="{colour}"/>')
        parts.append(svg.text(place, x + 34, top + 16, size=12))
        x = round(x + 34 + svg.text_width(place, 12) + 18, 1)
    return parts
