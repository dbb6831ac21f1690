"""The chart of ``steeple benchmark robustness``: a small panel for each transformation, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from steeple.server.robustness import CORRECT, Curves, Point

_COLUMNS: Final = 4
_PANEL: Final = (236, 214)  # pixels, axes and titles included
_PLOT: Final = (38, 34, 184, 124)  # left, top, width and height within a panel
_MARGIN: Final = 14
_HEADER: Final = 56
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # told apart by colour-blind eyes too
_TEXT: Final = "#24292f"
_QUIET: Final = "#57606a"
_GRID: Final = "#d8dee4"
_SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


def draw(curves: Sequence[Curves], title: str, detail: str) -> str:
    """The chart.

    Args:
        curves: A panel each; all of the same methods.
        title: Heads the chart.
        detail: A line of facts below it.
    """
    places = len(curves) + 1  # the last has the legend
    rows = -(-places // _COLUMNS)
    width = 2 * _MARGIN + _COLUMNS * _PANEL[0]
    height = _MARGIN + _HEADER + rows * _PANEL[1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'role="img" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
        _text(title, _MARGIN + 4, 32, size=17, weight=600),
        _text(detail, _MARGIN + 4, 53, size=12, colour=_QUIET),
    ]
    for number, curve in enumerate(curves):
        parts += [_group(number), *_panel(curve), "</g>"]
    parts += [_group(len(curves)), *_legend([*curves[0].points] if curves else []), "</g>", "</svg>"]
    return "\n".join(parts) + "\n"


def _group(number: int) -> str:
    x = _MARGIN + number % _COLUMNS * _PANEL[0]
    y = _MARGIN + _HEADER + number // _COLUMNS * _PANEL[1]
    return f'<g transform="translate({x} {y})">'


def _panel(curve: Curves) -> list[str]:
    left, top, width, height = _PLOT
    strengths = curve.transformation.strengths
    parts = [_text(curve.transformation.name, left, top - 14, size=14, weight=600)]
    for share in _SHARES:
        y = top + (1 - share) * height
        parts.append(f'<path d="M{left} {y:g}h{width}" stroke="{_GRID}"/>')
        parts.append(_text(f"{share:g}", left - 6, y + 4, anchor="end", colour=_QUIET))
    for number, strength in enumerate(strengths):
        x = _x(number, len(strengths))
        parts.append(f'<path d="M{x:g} {top + height}v4" stroke="{_QUIET}"/>')
        parts.append(_text(f"{strength:g}", x, top + height + 16, anchor="middle", size=10, colour=_QUIET))
    parts.append(_text(curve.transformation.unit, left + width / 2, top + height + 32, anchor="middle", colour=_QUIET))
    for colour, points in reversed([*zip(_COLOURS, curve.points.values(), strict=False)]):  # the first lies on top
        parts += _lines(points, colour)
    return parts


def _lines(points: Sequence[Point], colour: str) -> list[str]:
    recognised = [(_x(number, len(points)), _y(point.recognised)) for number, point in enumerate(points)]
    correct = [(_x(number, len(points)), _y(point.correct_share)) for number, point in enumerate(points)]
    return [
        f'<polyline points="{_path(correct)}" fill="none" stroke="{colour}" stroke-width="1.6" '
        'stroke-dasharray="4 3"/>',
        f'<polyline points="{_path(recognised)}" fill="none" stroke="{colour}" stroke-width="2.4"/>',
        *(f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="{colour}"/>' for x, y in recognised),
    ]


def _legend(methods: Sequence[str]) -> list[str]:
    left, top, *_ = _PLOT
    parts = [_text("share of", left, top - 14, size=14, weight=600)]
    entries = [("photos recognised", ""), (f"matches within {CORRECT:g} px", ' stroke-dasharray="4 3"')]
    for number, (label, dashes) in enumerate(entries):
        y = top + 8 + 22 * number
        parts.append(f'<path d="M{left} {y}h28" stroke="{_TEXT}" stroke-width="2"{dashes}/>')
        parts.append(_text(label, left + 36, y + 4, size=12))
    for number, (name, colour) in enumerate(zip(methods, _COLOURS, strict=False)):
        y = top + 68 + 22 * number
        parts.append(f'<rect x="{left}" y="{y - 6}" width="28" height="12" rx="2" fill="{colour}"/>')
        parts.append(_text(name, left + 36, y + 4, size=12))
    return parts


def _x(number: int, count: int) -> float:
    """Strengths stand at equal distances: those of interest lie close together, and far apart on no one scale."""
    left, _, width, _ = _PLOT
    inset = 8
    return round(left + inset + number * (width - 2 * inset) / max(count - 1, 1), 1)


def _y(share: float) -> float:
    _, top, _, height = _PLOT
    return round(top + (1 - share) * height, 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _text(
    text: str,
    x: float,
    y: float,
    *,
    size: int = 11,
    weight: int = 400,
    anchor: str = "start",
    colour: str = _TEXT,
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(text)}</text>'
    )
