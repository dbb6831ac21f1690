"""The reliability diagram of ``steeple calibrate`` and ``steeple evaluate``, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.server.evaluation import FalsePositives, ReliabilityBin

_SUFFIX: Final = ".svg"
_PLOT: Final = (72, 84, 460, 300)  # left, top, width and height
_SIZE: Final = (564, 452)
_MARGIN: Final = 14
_BAR: Final = "#0072b2"
_TRUTH: Final = "#d55e00"
_TEXT: Final = "#24292f"
_QUIET: Final = "#57606a"
_GRID: Final = "#d8dee4"
_SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


def check_diagram(path: Path) -> None:
    """Before minutes are spent on what could not be drawn.

    Raises:
        InvalidArgumentError: If the file is none of SVG, or its folder is not there.
    """
    if path.suffix.lower() != _SUFFIX:
        raise InvalidArgumentError(f"the diagram is drawn as SVG; end --diagram in {_SUFFIX}, not {path.name!r}")
    if not path.parent.is_dir():
        raise InvalidArgumentError(f"there is no folder {path.parent} to draw {path.name} into; make it first")


def save_diagram(path: Path, bins: Sequence[ReliabilityBin], ece: float, subject: str, detail: str) -> None:
    """Draws into ``path``; the other arguments are those of :func:`draw`.

    Raises:
        InvalidArgumentError: If it cannot be written.
    """
    try:
        path.write_text(draw(bins, ece, subject, detail), encoding="utf-8")
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be written: {error.strerror}") from error


def facts_of(part: ReliabilityBin | FalsePositives) -> dict[str, Any]:
    """A bin, or the count of false positives, as JSON: None for what is NaN, which JSON does not have."""
    return {
        name: [_number(end) for end in value] if isinstance(value, tuple) else _number(value)
        for name, value in asdict(part).items()
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


def draw(bins: Sequence[ReliabilityBin], ece: float, subject: str, detail: str) -> str:
    """The diagram: a bar for the share of right answers in each bin of confidence, and the diagonal to be met.

    Each bar has its interval as a whisker, its number of answers above that, and a point at its mean confidence.

    Args:
        bins: From 0 to 1, of equal width.
        ece: Expected calibration error; stands in the title.
        subject: Whose confidences they are; begins the title.
        detail: A line of facts below it.
    """
    left, top, width, height = _PLOT
    title = f"{subject}: reliability, ECE {ece:.3f}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIZE[0]}" height="{_SIZE[1]}" '
        f'viewBox="0 0 {_SIZE[0]} {_SIZE[1]}" '
        'role="img" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_SIZE[0]}" height="{_SIZE[1]}" rx="8" fill="#ffffff"/>',
        _text(title, _MARGIN + 4, 32, size=17, weight=600),
        _text(detail, _MARGIN + 4, 53, size=12, colour=_QUIET),
    ]
    for share in _SHARES:
        parts.append(f'<path d="M{left} {_y(share):g}h{width}" stroke="{_GRID}"/>')
        parts.append(_text(f"{share:g}", left - 8, _y(share) + 4, anchor="end", colour=_QUIET))
    for part in bins:
        parts += _bar(part)
    parts.append(
        f'<path class="diagonal" d="M{left} {top + height}L{left + width} {top}" stroke="{_TRUTH}" '
        'stroke-width="1.6" stroke-dasharray="6 4"/>'
    )
    for edge in sorted({0.0, *(part.high for part in bins)}):
        parts.append(_text(f"{edge:g}", _x(edge), top + height + 18, anchor="middle", colour=_QUIET))
    parts.append(_text("confidence", left + width / 2, top + height + 38, anchor="middle", size=12))
    middle = top + height / 2
    parts.append(
        f'<g transform="rotate(-90 24 {middle:g})">'
        + _text("share of right answers", 24, middle, anchor="middle", size=12)
        + "</g>"
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(part: ReliabilityBin) -> list[str]:
    """Bar, whisker, mean confidence and number of answers of a bin; nothing for one without answers."""
    if not part.answers:
        return []
    x, right = _x(part.low), _x(part.high)
    middle, y = (x + right) / 2, _y(part.right)
    low, high = (_y(end) for end in part.interval)
    base = _y(0.0)
    return [
        f'<rect class="bar" x="{x + 3:g}" y="{y:g}" width="{right - x - 6:g}" height="{base - y:g}" '
        f'fill="{_BAR}" fill-opacity="0.55"/>',
        f'<path class="whisker" d="M{middle:g} {low:g}V{high:g}M{middle - 4:g} {low:g}h8M{middle - 4:g} {high:g}h8" '
        f'stroke="{_TEXT}" stroke-width="1.4" fill="none"/>',
        f'<circle cx="{_x(part.confidence):g}" cy="{y:g}" r="3.2" fill="{_BAR}"/>',
        _text(f"{part.answers:,}", middle, high - 6, anchor="middle", colour=_QUIET),
    ]


def _x(confidence: float) -> float:
    left, _, width, _ = _PLOT
    return round(left + confidence * width, 1)


def _y(share: float) -> float:
    _, top, _, height = _PLOT
    return round(top + (1 - share) * height, 1)


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
