"""RootSIFT."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import l2_normalised
from steeple.lab.features import LocalFeatures
from steeple.lab.local.assembled import checked_count, no_features
from steeple.lab.local.opencv import SMALLEST, described, grey, points, sift

DIMENSIONS: Final = 128


class RootSift:
    """SIFT whose descriptors are compared by Hellinger's distance (Arandjelovic and Zisserman, CVPR 2012, section 3).

    Args:
        count: Features kept, at most.
        contrast: Extrema of the difference of Gaussians below this contrast are dropped (Lowe, IJCV 2004, section 4).

    Raises:
        InvalidArgumentError: If ``count`` makes no sense.
    """

    def __init__(self, count: int = 1000, contrast: float = 0.04) -> None:
        self._count = checked_count(count)
        self._sift = sift(self._count, contrast)

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        """At most ``count`` features, float32[N, 128], of a photo uint8[H, W, 3]."""
        if min(image.shape[:2]) < SMALLEST:
            return no_features(image, DIMENSIONS)
        found, histograms = self._sift.detectAndCompute(grey(image), None)
        if not found:
            return no_features(image, DIMENSIONS)
        # Roots of L1-normalised histograms have an L2 norm of 1: normalising the roots alone is the same.
        return described(found, points(found), l2_normalised(np.sqrt(histograms)), image, self._count)
