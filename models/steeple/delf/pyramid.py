"""Image pyramids and where the cells of their feature maps lie."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.release import ExtractionParameters


@dataclass(frozen=True)
class Level:
    """One level of a pyramid.

    Attributes:
        width: Pixels; a multiple of the stride.
        height: Pixels; a multiple of the stride.
        scale: Image pixels per pixel of the level (geometric mean of both axes).
    """

    width: int
    height: int
    scale: float


_MOST_ENLARGED: Final = 4.0


def working_scale(width: int, height: int, parameters: ExtractionParameters) -> float:
    """Image pixels per pixel of the working size, which is the image's own within ``min_pixels`` and ``max_pixels``."""
    pixels = width * height
    if pixels > parameters.max_pixels:
        return math.sqrt(pixels / parameters.max_pixels)
    if pixels < parameters.min_pixels:
        return max(1 / _MOST_ENLARGED, math.sqrt(pixels / parameters.min_pixels))
    return 1.0


def levels(width: int, height: int, parameters: ExtractionParameters) -> list[Level]:
    """The pyramid of an image of ``width`` x ``height`` pixels, largest level first.

    The first has the working size (:func:`working_scale`) times the first factor. Sides are rounded to multiples
    of the stride: then each stride-2 layer sees even sides and pads alike on every level, and cells lie on one exact
    grid. Levels that would repeat the one before are left out.
    """
    working = 1.0 / working_scale(width, height, parameters)
    found: list[Level] = []
    for factor in parameters.pyramid_scales:
        sides = [
            max(2, round(side * working * factor / parameters.stride)) * parameters.stride for side in (width, height)
        ]
        level = Level(sides[0], sides[1], math.sqrt(width * height / (sides[0] * sides[1])))
        if not found or (level.width, level.height) != (found[-1].width, found[-1].height):
            found.append(level)
    return found


def resized(image: NDArray[np.uint8], pyramid: list[Level]) -> Iterator[NDArray[np.uint8]]:
    """uint8[H, W, 3] of each level, each made from the image itself."""
    import cv2  # noqa: PLC0415 - who only asks where cells are does without it

    for level in pyramid:
        size = (level.width, level.height)
        if size == (image.shape[1], image.shape[0]):
            yield image
        else:
            shrinks = level.scale > 1
            yield np.asarray(
                cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8
            )


def cell_centres(columns: int, rows: int, width: int, height: int) -> NDArray[np.float32]:
    """float32[rows * columns, 2]: x, y of each cell's centre in an image of ``width`` x ``height`` pixels.

    A cell stands for the patch of ``stride`` x ``stride`` pixels that it covers; its receptive field is
    centred there to within 2 pixels, measured as the centroid of the squared gradient.
    """
    x = (np.arange(columns) + 0.5) * (width / columns) - 0.5
    y = (np.arange(rows) + 0.5) * (height / rows) - 0.5
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)
