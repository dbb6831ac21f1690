"""Two photos side by side, with lines between what matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.client import AsyncClient, Explanation
from steeple.errors import NotFoundError

WIDTH: Final = 1000.0
"""Of the drawing, in its own units."""
_GAP: Final = 12.0
_MOST_LINES: Final = 60


@dataclass(frozen=True)
class Box:
    """Where a photo is in the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """Between two places that match."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Matched:
    """The drawing.

    Attributes:
        height: Its height where it is :data:`WIDTH` wide.
        first: Where the first photo is.
        second: Where the other is.
        lines: At most sixty of the matches, spread over all of them.
        count: All of them.
    """

    height: float
    first: Box
    second: Box
    lines: tuple[Line, ...]
    count: int

    @property
    def width(self) -> float:
        """Of the drawing."""
        return WIDTH


def side_by_side(
    first: tuple[int, int],
    second: tuple[int, int],
    first_points: NDArray[np.float32],
    second_points: NDArray[np.float32],
) -> Matched:
    """Two photos of one height.

    Args:
        first: Width and height of the first photo, pixels.
        second: Of the other.
        first_points: float32[N, 2], pixels of the first photo.
        second_points: float32[N, 2], pixels of the other: what they match.
    """
    (width_1, height_1), (width_2, height_2) = ((max(1, w), max(1, h)) for w, h in (first, second))
    height = (WIDTH - _GAP) / (width_1 / height_1 + width_2 / height_2)
    left = Box(0.0, 0.0, round(height * width_1 / height_1, 1), round(height, 1))
    right = Box(round(left.width + _GAP, 1), 0.0, round(height * width_2 / height_2, 1), round(height, 1))
    count = len(first_points)
    shown = np.unique(np.linspace(0, max(count - 1, 0), min(count, _MOST_LINES)).round().astype(int))
    lines = tuple(
        Line(
            round(float(first_points[index][0]) * left.width / width_1, 1),
            round(float(first_points[index][1]) * left.height / height_1, 1),
            round(right.x + float(second_points[index][0]) * right.width / width_2, 1),
            round(float(second_points[index][1]) * right.height / height_2, 1),
        )
        for index in shown
    )
    return Matched(round(height, 1), left, right, lines, count)


async def matches(client: AsyncClient, photo: bytes, image: str) -> Matched:
    """A photo beside a reference image.

    Args:
        client: Of whoever looks.
        photo: Encoded; it need not be in the catalogue.
        image: ``landmarks/{landmark}/images/{image}``. Where the server did not weigh it, no lines are drawn.

    Raises:
        ImageError: If the photo cannot be used.
        NotFoundError: If there is no such image.
    """
    other = await client.get_reference_image(image)
    told: Explanation = await client.explain(photo, upload=True, include_matches=True)
    try:
        found = next(each for each in told.images if each.reference_image == image)
        points = found.query_points, found.reference_points
    except StopIteration:
        points = np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    return side_by_side((told.width, told.height), (other.width, other.height), *points)


async def matches_between(client: AsyncClient, first: str, second: str) -> Matched:
    """Two reference images, as :func:`matches` has it.

    Raises:
        NotFoundError: If one is not there, or of the first there is no photo.
    """
    if first == second:
        raise NotFoundError("that is one and the same photo", resource=first)
    photo = await client.download_reference_image(first)
    return await matches(client, photo.data, second)
