"""The reliability diagram, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from steeple.lab.drawing import svg

_PLOT: Final = (72, 84, 460, 300)  # left, top, width and height
_SIZE: Final = (564, 452)
_BAR, _TRUTH, *_ = svg.COLOURS
_SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


class Bin(Protocol):
    """Answers of about one confidence, measured here or told by a server."""

    @property
    def low(self) -> float:
        """Least confidence."""
        ...

    @property
    def high(self) -> float:
        """Confidence below which it ends."""
        ...

    @property
    def answers(self) -> int:
        """Their number."""
        ...

    @property
    def confidence(self) -> float:
        """Their mean confidence; NaN if there are none."""
        ...

    @property
    def right(self) -> float:
        """Share of them that is right; NaN if there are none."""
        ...

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of ``right``; NaN if there are none."""
        ...


def draw(bins: Sequence[Bin], ece: float, subject: str, detail: str, *, identifier: str = "title") -> str:
    """The diagram: a bar for the share of right answers in each bin of confidence, and the diagonal to be met.

    Each bar has its interval as a whisker, its number of answers above that, and a point at its mean confidence.

    Args:
        bins: From 0 to 1, of equal width.
        ece: Expected calibration error; stands in the title.
        subject: Whose confidences they are; begins the title.
        detail: A line of facts below it.
        identifier: Of its title element; another for each diagram on one page.
    """
    left, top, width, height = _PLOT
    parts: list[str] = []
    for share in _SHARES:
        parts.append(f'<path d="M{left} {_y(share):g}h{width}" stroke="{svg.GRID}"/>')
        parts.append(svg.text(f"{share:g}", left - 8, _y(share) + 4, anchor="end", colour=svg.QUIET))
    for part in bins:
        parts += _bar(part)
    parts.append(
        f'<path class="diagonal" d="M{left} {top + height}L{left + width} {top}" stroke="{_TRUTH}" '
        'stroke-width="1.6" stroke-dasharray="6 4"/>'
    )
    for edge in sorted({0.0, *(part.high for part in bins)}):
        parts.append(svg.text(f"{edge:g}", _x(edge), top + height + 18, anchor="middle", colour=svg.QUIET))
    parts.append(svg.text("confidence", left + width / 2, top + height + 38, anchor="middle", size=12))
    middle = top + height / 2
    parts.append(
        f'<g transform="rotate(-90 24 {middle:g})">'
        + svg.text("share of right answers", 24, middle, anchor="middle", size=12)
        + "</g>"
    )
    return svg.document(f"{subject}: reliability, ECE {ece:.3f}", [detail], *_SIZE, parts, identifier=identifier)


def _bar(part: Bin) -> list[str]:
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
        f'stroke="{svg.TEXT}" stroke-width="1.4" fill="none"/>',
        f'<circle cx="{_x(part.confidence):g}" cy="{y:g}" r="3.2" fill="{_BAR}"/>',
        svg.text(f"{part.answers:,}", middle, high - 6, anchor="middle", colour=svg.QUIET),
    ]


def _x(confidence: float) -> float:
    left, _, width, _ = _PLOT
    return round(left + confidence * width, 1)


def _y(share: float) -> float:
    _, top, _, height = _PLOT
    return round(top + (1 - share) * height, 1)
