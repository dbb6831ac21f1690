"""Square patches around keypoints, at their scale and orientation: what patch networks describe."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE: Final = 32
"""Pixels of a patch, as HardNet and the LIFT-like network take it."""

REGION: Final = 6.0
"""Side of the square that is described, in sizes of a keypoint as OpenCV's SIFT gives them: a size is two standard
deviations of the Gaussian, so the square is as wide as SIFT's own window of 4 x 4 histograms of 3 each."""

_MOST_ROWS: Final = 32_000  # cv2.remap makes pictures of fewer than 2^15 rows
_LEAST_DEVIATION: Final = 1.0  # grey levels: what a flat patch shows is noise


def cut(
    image: NDArray[np.uint8],
    positions: NDArray[np.floating],
    regions: NDArray[np.floating],
    angles: NDArray[np.floating],
    side: int,
) -> NDArray[np.uint8]:
    """Samples square regions of a picture, turned upright.

    Regions with pixels larger than those of the picture are taken from the picture halved as often as that needs.
    Beyond its border a picture goes on as it ends.

    Args:
        image: uint8[H, W], grey.
        positions: float[N, 2]; x, y of the regions' centres in pixels.
        regions: float[N]; sides of the squares in pixels.
        angles: float[N]; radians, clockwise on the screen: where the patch's x axis points in the picture.
        side: Pixels of a patch.

    Returns:
        uint8[N, side, side].
    """
    steps = np.asarray(regions, np.float64) / side
    levels = np.maximum(np.floor(np.log2(np.maximum(steps, 1.0))), 0).astype(int)
    patches = np.empty((len(steps), side, side), np.uint8)
    axis = np.arange(side) - (side - 1) / 2
    level_image = image
    for level in range(int(levels.max(initial=-1)) + 1):
        if level:
            level_image = np.asarray(cv2.pyrDown(level_image), np.uint8)  # its pixel i is pixel 2 i of the last
        chosen = np.flatnonzero(levels == level)
        for start in range(0, len(chosen), _MOST_ROWS // side):
            part = chosen[start : start + _MOST_ROWS // side]
            offsets = steps[part, None] * axis[None]
            cos, sin = np.cos(angles[part])[:, None, None], np.sin(angles[part])[:, None, None]
            right, down = offsets[:, None, :], offsets[:, :, None]
            xs = positions[part, 0][:, None, None] + cos * right - sin * down
            ys = positions[part, 1][:, None, None] + sin * right + cos * down
            sampled = cv2.remap(
                level_image,
                (xs / 2**level).reshape(-1, side).astype(np.float32),
                (ys / 2**level).reshape(-1, side).astype(np.float32),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            patches[part] = sampled.reshape(-1, side, side)
    return patches


def normalised(patches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32[N, 1, S, S]: patches uint8[N, S, S] of mean 0 and deviation 1 each (HardNet, section 3.3)."""
    values = patches.astype(np.float32)
    mean = values.mean(axis=(1, 2), keepdims=True)
    deviation = values.std(axis=(1, 2), keepdims=True)
    return np.asarray((values - mean) / np.maximum(deviation, _LEAST_DEVIATION), np.float32)[:, None]
