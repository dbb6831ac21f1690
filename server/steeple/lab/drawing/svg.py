"""What charts are made of: text, colours, markers, and the SVG document around them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Of Okabe and Ito: colour-blind eyes tell them apart too."""

TEXT: Final = "#24292f"
QUIET: Final = "#57606a"
GRID: Final = "#d8dee4"
PAPER: Final = "#ffffff"

MARGIN: Final = 18
"""Pixels around everything."""

_TITLE: Final = 17
_DETAIL: Final = 12
_NARROW: Final = "fijlrtI.,:;|'!()[] "
_WIDE: Final = "mwMWOQ%@—"
_DASHES: Final = ' stroke-dasharray="5 3"'


def document(
    title: str, detail: Sequence[str], width: float, height: float, body: Iterable[str], *, identifier: str = "title"
) -> str:
    """The file.

    Args:
        title: Heads the chart, and is what screen readers say.
        detail: Lines of facts below the title, as :func:`broken` makes them.
        width: Pixels.
        height: Pixels.
        body: Elements.
        identifier: Of the title element; another for each chart on one page.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{identifier}" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        f'<title id="{identifier}">{escape(title)}</title>',
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="{PAPER}"/>',
        text(title, MARGIN, 34, size=_TITLE, weight=600),
        *(text(line, MARGIN, 55 + 16 * number, size=_DETAIL, colour=QUIET) for number, line in enumerate(detail)),
        *body,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def header_height(detail: Sequence[str]) -> int:
    """Pixels that title and detail take from the top."""
    return 46 + 16 * len(detail)


def title_width(title: str) -> float:
    """Pixels that a chart needs for its title, margins included."""
    return text_width(title, _TITLE, bold=True) + 2 * MARGIN


def broken(detail: str, width: float) -> list[str]:
    """The detail in lines that fit a chart of that width; none if it is empty."""
    lines: list[str] = []
    for word in detail.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, _DETAIL) <= width - 2 * MARGIN:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def text(
    content: str,
    x: float,
    y: float,
    *,
    size: int = 11,
    weight: int = 400,
    anchor: str = "start",
    colour: str = TEXT,
    halo: bool = False,
) -> str:
    """A line of text.

    Args:
        content: Anything; it is escaped.
        x: Of its ``anchor``, pixels.
        y: Of its baseline, pixels.
        size: Of the font, pixels.
        weight: Of the font.
        anchor: ``start``, ``middle`` or ``end``.
        colour: Of the letters.
        halo: Whether to keep lines behind it away from the letters.
    """
    around = f' stroke="{PAPER}" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}"{around}>{escape(content)}</text>'
    )


def text_width(content: str, size: int, *, bold: bool = False) -> float:
    """Pixels that a text needs, at most, in the fonts that browsers choose for a chart."""
    letters = 0.0
    for letter in content:
        if unicodedata.east_asian_width(letter) in "WF":
            letters += 1.0
        else:
            letters += 0.36 if letter in _NARROW else 0.92 if letter in _WIDE else 0.7 if letter.isupper() else 0.62
    return letters * size * (1.07 if bold else 1.0)


def shortened(content: str, size: int, width: float) -> str:
    """The text, with its end left out where it needs more pixels than there are."""
    if text_width(content, size, bold=True) <= width:
        return content
    while content and text_width(content + "…", size, bold=True) > width:
        content = content[:-1]
    return content.rstrip() + "…"


def marker(number: int, x: float, y: float, *, hollow: bool = False, name: str = "") -> str:
    """The mark of a series at a point: colour and shape tell it from others.

    Args:
        number: Of the series.
        x: Pixels.
        y: Pixels.
        hollow: Whether it is of a dashed line.
        name: What the point is; browsers show it to whoever points at it.
    """
    if name:
        return f"<g><title>{escape(name)}</title>{marker(number, x, y, hollow=hollow)}</g>"
    colour = COLOURS[number % len(COLOURS)]
    paint = f'fill="{PAPER}" stroke="{colour}" stroke-width="1.6"' if hollow else f'fill="{colour}"'
    match number % 4:
        case 0:
            return f'<circle cx="{x:g}" cy="{y:g}" r="3.2" {paint}/>'
        case 1:
            return f'<rect x="{x - 3:g}" y="{y - 3:g}" width="6" height="6" {paint}/>'
        case 2:
            return f'<path d="M{x:g} {y - 4:g}l4 7h-8z" {paint}/>'
        case _:
            return f'<path d="M{x:g} {y - 4.4:g}l4.4 4.4l-4.4 4.4l-4.4 -4.4z" {paint}/>'


def line(number: int, points: Iterable[tuple[float, float]], *, dashed: bool = False) -> str:
    """The line of a series through points, in pixels."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    width = 1.6 if dashed else 2.4
    dashes = _DASHES if dashed else ""
    colour = COLOURS[number % len(COLOURS)]
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>'


def numeral(value: float) -> str:
    """A number as axes and labels have it: 0.25, 1,500, 20 k, 10 M, 1 G."""
    for least, unit, name in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / unit:g} {name}"
    return f"{value:,.10g}" if abs(value) >= 1000 else f"{value:g}"
