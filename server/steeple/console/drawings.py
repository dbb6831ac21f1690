"""What pages draw over photos and beside them, as numbers for SVG: pages need no more than to put them in place.

Pixels: the centre of the top left pixel is (0, 0). An SVG of a photo begins half a pixel before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from steeple.delf.features import FeatureSet

MOST_LINES: Final = 60
"""Of one drawing of matches: more are a thicket."""

MOST_DOTS: Final = 600
"""Of one picture of features."""

_HEIGHT: Final = 600.0  # of two photos beside each other
_GAP: Final = 24.0
_BAR: Final = 1000.0  # width of a bar


@dataclass(frozen=True)
class Box:
    """Where a photo lies in a drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A match: a point of the one photo and its other end."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class MatchDrawing:
    """Two photos beside each other, and lines between them.

    Attributes:
        width: Of all.
        height: Of all.
        query: The photo that is asked about.
        reference: The reference image.
        lines: Matches.
        total: Matches that there are; lines are the first of them.
        outline: Corners of where the reference image's matched part lies in the query, as SVG has them; may be empty.
    """

    width: float
    height: float
    query: Box
    reference: Box
    lines: tuple[Line, ...]
    total: int
    outline: str = ""


def match_drawing(
    query_size: tuple[int, int],
    reference_size: tuple[int, int],
    query_points: NDArray[np.float32],
    reference_points: NDArray[np.float32],
    outline: NDArray[np.float32] | None = None,
) -> MatchDrawing:
    """Draws matches between two photos of any size, each as high as the other.

    Args:
        query_size: Width and height, pixels.
        reference_size: The same; 0 where it is not known: as far as its points reach.
        query_points: float32[I, 2], pixels; the best first.
        reference_points: float32[I, 2]: their other ends.
        outline: float32[M, 2], pixels of the query; None: there is none.
    """
    if min(reference_size) < 1:
        reach = reference_points.max(axis=0) + 1 if len(reference_points) else np.ones(2)
        reference_size = (max(1, round(float(reach[0]))), max(1, round(float(reach[1]))))
    left, right = _HEIGHT / query_size[1], _HEIGHT / reference_size[1]
    query = Box(0, 0, round(query_size[0] * left, 1), _HEIGHT)
    reference = Box(query.width + _GAP, 0, round(reference_size[0] * right, 1), _HEIGHT)
    here = (query_points[:MOST_LINES] + 0.5) * left
    there = (reference_points[:MOST_LINES] + 0.5) * right + [reference.x, 0]
    lines = (
        Line(*(round(float(value), 1) for value in (*one, *other))) for one, other in zip(here, there, strict=True)
    )
    return MatchDrawing(
        width=round(reference.x + reference.width, 1),
        height=_HEIGHT,
        query=query,
        reference=reference,
        lines=tuple(lines),
        total=len(query_points),
        outline="" if outline is None else polygon((outline + 0.5) * left),
    )


def polygon(points: NDArray[np.float32]) -> str:
    """Corners of an outline, float32[M, 2], as SVG has them; empty for fewer than three."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points) if len(points) >= 3 else ""


@dataclass(frozen=True)
class Part:
    """A part of a bar.

    Attributes:
        title: What it is.
        value: How much.
        x: Where it begins; all parts together are 1000 wide.
        width: Its own.
        number: Counted from 1, for its colour.
    """

    title: str
    value: float
    x: float
    width: float
    number: int


def stacked(parts: Sequence[tuple[str, float]]) -> list[Part]:
    """Parts of a whole as one bar; what is nothing has no part."""
    total = sum(value for _, value in parts) or 1.0
    drawn: list[Part] = []
    x = 0.0
    for number, (title, value) in enumerate(parts, start=1):
        if value <= 0:
            continue
        width = _BAR * value / total
        drawn.append(Part(title, value, round(x, 2), round(width, 2), number))
        x += width
    return drawn


def features_picture(features: FeatureSet) -> Markup:
    """A picture of features as an SVG file: a ring for each of the best, as large as what it sees.

    It shows what a phone has sent in place of a photo.
    """
    width, height = features.width, features.height
    strongest = float(features.scores.max(initial=0.0)) or 1.0
    thin = max(width, height) / 400
    rings = []
    for (x, y), scale, score in list(zip(features.keypoints, features.scales, features.scores, strict=True))[
        :MOST_DOTS
    ]:
        opacity = 0.25 + 0.75 * float(score) / strongest if features.scores.any() else 0.6
        radius = max(2 * thin, 8 * float(scale))
        rings.append(
            Markup('<circle cx="{:.1f}" cy="{:.1f}" r="{:.1f}" stroke-opacity="{:.2f}"/>').format(
                x + 0.5, y + 0.5, radius, opacity
            )
        )
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}">'
        '<rect width="{0}" height="{1}" fill="#232b37"/>'
        '<g fill="none" stroke="#ffb84d" stroke-width="{2:.2f}">{3}</g></svg>'
    ).format(width, height, thin, Markup("").join(rings))
