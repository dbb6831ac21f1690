"""Keypoints of OpenCV as local features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.lab.features import LocalFeatures
from steeple.lab.local.assembled import strongest_first

SMALLEST: Final = 16
"""Pixels. An image with a shorter side has no features: OpenCV's pyramids have nothing to find there, or fail."""


def grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8[H, W] of uint8[H, W, 3], RGB: its luma."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY), np.uint8)


def described(
    found: Sequence[cv2.KeyPoint],
    positions: NDArray[np.float32],
    descriptors: NDArray[np.float32] | NDArray[np.uint8],
    image: NDArray[np.uint8],
    count: int,
) -> LocalFeatures:
    """Keypoints as local features, the strongest first.

    Args:
        found: N keypoints.
        positions: float32[N, 2]; where they are.
        descriptors: One for each.
        image: uint8[H, W, 3].
        count: Features kept, at most.
    """
    return strongest_first(
        LocalFeatures(
            positions,
            np.array([point.size for point in found], np.float32),
            # Degrees, clockwise on the screen, as y runs down.
            np.deg2rad(np.array([point.angle for point in found], np.float32)),
            np.array([point.response for point in found], np.float32),
            descriptors,
            image.shape[1],
            image.shape[0],
        ),
        count,
    )


def points(found: Sequence[cv2.KeyPoint]) -> NDArray[np.float32]:
    """float32[N, 2]: x and y of keypoints."""
    return np.array([point.pt for point in found], np.float32).reshape(-1, 2)
