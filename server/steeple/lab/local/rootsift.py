"""RootSIFT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steeple.lab.features import LocalFeatures
from steeple.lab.local.assembled import checked_count, checked_threshold, no_features
from steeple.lab.local.opencv import SMALLEST, described, points
from steeple.server.robustness.rootsift import DIMENSIONS, RootSiftDetector


class RootSift:
    """SIFT whose descriptors are compared by Hellinger's distance (Arandjelovic and Zisserman, CVPR 2012, section 2).

    Args:
        count: Features kept, at most.
        contrast: Extrema of the difference of Gaussians below this contrast are dropped (Lowe, IJCV 2004, section 4).

    Raises:
        InvalidArgumentError: If a value makes no sense.
    """

    def __init__(self, count: int = 1000, contrast: float = 0.04) -> None:
        self._count = checked_count(count)
        self._detect = RootSiftDetector(self._count, checked_threshold("contrast", contrast))

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        """At most ``count`` features, float32[N, 128], of a photo uint8[H, W, 3]."""
        if min(image.shape[:2]) < SMALLEST:
            return no_features(image, DIMENSIONS)
        found, descriptors = self._detect(image)
        return described(found, points(found), descriptors, image, self._count)
