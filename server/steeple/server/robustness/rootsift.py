"""RootSIFT, of OpenCV's SIFT."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.homographies import Image

DIMENSIONS: Final = 128

_CONTRAST: Final = 0.04  # OpenCV's default


def exact_sift(count: int, contrast: float = _CONTRAST) -> cv2.SIFT:
    """OpenCV's SIFT (Lowe, IJCV 2004).

    Args:
        count: Keypoints found, about: those of most contrast.
        contrast: Keypoints of less are dropped (section 4).
    """
    # Without the precise way to enlarge the first octave, keypoints are a quarter of a pixel off.
    return cv2.SIFT.create(nfeatures=count, contrastThreshold=contrast, enable_precise_upscale=True)


class RootSiftDetector:
    """SIFT with the descriptors of RootSIFT (Arandjelović and Zisserman, CVPR 2012, section 2).

    Args:
        count: Keypoints found, at most.
        contrast: Keypoints of less contrast are dropped.
    """

    def __init__(self, count: int, contrast: float = _CONTRAST) -> None:
        self._count, self._sift = count, exact_sift(count, contrast)

    def __call__(self, image: Image) -> tuple[list[cv2.KeyPoint], NDArray[np.float32]]:
        """Keypoints of a picture, uint8[H, W, 3], RGB, by falling contrast, and a unit float32[N, 128] for them."""
        keypoints, descriptors = self._sift.detectAndCompute(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None)
        best = sorted(range(len(keypoints)), key=lambda row: -keypoints[row].response)[: self._count]
        if not best:
            return [], np.empty((0, DIMENSIONS), np.float32)
        histograms = np.asarray(descriptors, np.float32)[best]
        # The square root of a histogram that sums to 1 has length 1.
        sums = np.maximum(histograms.sum(axis=1, keepdims=True), np.float32(1e-9))
        return [keypoints[row] for row in best], np.sqrt(histograms / sums)
