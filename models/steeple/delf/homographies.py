"""Homographies between pictures in pixels, and pictures seen through them."""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""uint8[H, W, 3], RGB."""

Homography: TypeAlias = NDArray[np.float64]
"""float64[3, 3]; maps pixels to pixels. The centre of the top left pixel is (0, 0), x runs right and y down."""

_OVERSAMPLING: Final = 2  # what shrinks, shrinks without aliasing down to half the size


def mapped(homography: Homography, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """float64[N, 2]: where a homography sends float[N, 2]; what it sends to infinity comes out as infinite or NaN."""
    homogeneous = np.column_stack([points, np.ones(len(points))]).astype(np.float64) @ homography.T
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled: NDArray[np.float64] = homogeneous[:, :2] / homogeneous[:, 2:]
    return scaled


def inverse(homography: Homography) -> Homography:
    """What maps back."""
    return np.asarray(np.linalg.inv(homography), np.float64)


def corners(width: int, height: int) -> NDArray[np.float64]:
    """float64[4, 2]: the corners of a picture, half a pixel outside the centres of its last pixels; clockwise."""
    right, bottom = width - 0.5, height - 0.5
    return np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]])


def scaling(x: float, y: float) -> Homography:
    """What resizing by these factors does to positions: edges stay edges, so centres of pixels move."""
    return np.array([[x, 0.0, (x - 1) / 2], [0.0, y, (y - 1) / 2], [0.0, 0.0, 1.0]])


def shifting(x: float, y: float) -> Homography:
    """A translation by pixels."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def about(centre: tuple[float, float], homography: Homography) -> Homography:
    """``homography``, which is about the origin, about another point."""
    x, y = centre
    return shifting(x, y) @ homography @ shifting(-x, -y)


def middle(width: int, height: int) -> tuple[float, float]:
    """x, y of the middle of a picture."""
    return (width - 1) / 2, (height - 1) / 2


def rotating(degrees: float) -> Homography:
    """A rotation about the origin, clockwise on the screen."""
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]])


def tilting(degrees: float, direction: float, distance: float) -> Homography:
    """A plane through the origin, turned out of the picture, as a camera above the origin sees it.

    Args:
        degrees: Between the plane and the picture; 0 to less than 90.
        direction: Of the axis that it is turned about, in degrees within the picture; 0 is the x axis.
        distance: Of the camera, pixels, at which the plane has its own size in the picture.
    """
    angle = np.radians(degrees)
    # Points (x, y cos, y sin) behind the picture; the camera divides by 1 + depth / distance.
    turned = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(angle), 0.0], [0.0, np.sin(angle) / distance, 1.0]])
    tilted: Homography = rotating(direction) @ turned @ rotating(-direction)
    return tilted


def framed(homography: Homography, width: int, height: int) -> tuple[Homography, tuple[int, int]]:
    """A homography moved so that the picture that it makes of another begins at the top left.

    Args:
        homography: Maps the other picture.
        width: Of the other picture, pixels.
        height: Of the other picture, pixels.

    Returns:
        The homography, and width and height of the smallest upright frame around what it makes.
    """
    outer = mapped(homography, corners(width, height))
    low, high = outer.min(axis=0), outer.max(axis=0)
    size = np.maximum(np.ceil(high - low - 1e-6), 1).astype(int)  # rounding must not add a row
    return shifting(-0.5 - low[0], -0.5 - low[1]) @ homography, (int(size[0]), int(size[1]))


def warped(image: Image, homography: Homography, size: tuple[int, int]) -> Image:
    """A picture seen through a homography; what it does not cover has its mean colour.

    Args:
        image: The picture.
        homography: Maps its pixels to those of the result.
        size: Width and height of the result, pixels.
    """
    large = cv2.warpPerspective(
        image,
        scaling(_OVERSAMPLING, _OVERSAMPLING) @ homography,
        (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=image.mean(axis=(0, 1)).tolist(),
    )
    return np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_AREA), np.uint8)


def resized(image: Image, width: int, height: int) -> tuple[Image, Homography]:
    """A picture in another size, and the homography that this is."""
    before = image.shape[1], image.shape[0]
    homography = scaling(width / before[0], height / before[1])
    if (width, height) == before:
        return image, homography
    shrinks = width * height < before[0] * before[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8), homography


def clipped(polygon: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float64]:
    """float64[P, 2]: the part of a convex polygon, float[N, 2], inside a picture; P is 0 if there is none.

    Args:
        polygon: Pixels of the picture.
        size: Width and height of the picture, pixels.
    """
    frame = corners(*size).astype(np.float32)
    _, inside = cv2.intersectConvexConvex(np.asarray(polygon, np.float32), frame)
    if inside is None or len(inside) < 3:
        return np.empty((0, 2))
    return np.asarray(inside[:, 0], np.float64)


def in_front(homography: Homography, points: NDArray[np.floating]) -> bool:
    """Whether a homography sends float[N, 2] to places on one side of its horizon: what lies beyond is not seen."""
    depths = np.column_stack([points, np.ones(len(points))]) @ homography[2]
    return bool((depths > 0).all() or (depths < 0).all())
