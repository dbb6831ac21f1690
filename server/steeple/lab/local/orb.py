"""ORB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.lab.features import LocalFeatures
from steeple.lab.local.assembled import checked_count, no_features
from steeple.lab.local.opencv import SMALLEST, described, grey, points

BYTES: Final = 32

_LEVELS: Final = 8
_FACTOR: Final = 1.2


class Orb:
    """ORB (Rublee et al., ICCV 2011): corners of FAST with an orientation, and 256 comparisons of brightness.

    Args:
        count: Features kept, at most.

    Raises:
        InvalidArgumentError: If ``count`` makes no sense.
    """

    def __init__(self, count: int = 1000) -> None:
        self._count = checked_count(count)
        self._orb = cv2.ORB.create(nfeatures=self._count, scaleFactor=_FACTOR, nlevels=_LEVELS)

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        """At most ``count`` features, uint8[N, 32], of a photo uint8[H, W, 3]."""
        if min(image.shape[:2]) < SMALLEST:
            return no_features(image, BYTES, binary=True)
        found, bits = self._orb.detectAndCompute(grey(image), None)
        if not found:
            return no_features(image, BYTES, binary=True)
        return described(found, _exact(found, image), np.asarray(bits, np.uint8), image, self._count)


def _exact(found: Sequence[cv2.KeyPoint], image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32[N, 2]: where keypoints are.

    OpenCV multiplies a level's coordinates by the level's factor. But it makes levels by resizing to whole numbers of
    pixels, and their centres are at halves: left as it is, the position is off by 1.4 pixels in the median.
    """
    factors = np.array([_FACTOR**point.octave for point in found])[:, None]
    size = np.array([image.shape[1], image.shape[0]], np.float64)
    exact: NDArray[np.float64] = (points(found) / factors + 0.5) * size / np.rint(size / factors) - 0.5
    return exact.astype(np.float32)
