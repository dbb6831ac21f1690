"""HardNet on SIFT's keypoints."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines import releases
from steeple.baselines.hardnet import HardNet
from steeple.baselines.patches import REGION, SIDE, cut
from steeple.lab.features import LocalFeatures
from steeple.lab.local.assembled import checked_count, checked_threshold, no_features
from steeple.lab.local.opencv import SMALLEST, described, grey, points
from steeple.lab.protocols import Kind, LocalExtractor
from steeple.server.robustness.rootsift import exact_sift


class HardNetOnSift:
    """HardNet (Mishchuk et al., NeurIPS 2017) in place of SIFT's histograms.

    Args:
        count: Features kept, at most.
        contrast: Extrema of the difference of Gaussians below this contrast are dropped (Lowe, IJCV 2004, section 4).

    Raises:
        InvalidArgumentError: If a value makes no sense.
        NotFoundError: If the network is not part of this installation.
    """

    def __init__(self, count: int = 1000, contrast: float = 0.04) -> None:
        self._count = checked_count(count)
        self._sift = exact_sift(self._count, checked_threshold("contrast", contrast))
        self._network = HardNet(releases.load("hardnet").weights)

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        """At most ``count`` features, float32[N, 128], of a photo uint8[H, W, 3]."""
        if min(image.shape[:2]) < SMALLEST:
            return no_features(image, self._network.dimensions)
        luma = grey(image)
        found = self._sift.detect(luma, None)
        positions = points(found)
        sizes = np.array([point.size for point in found])
        angles = np.deg2rad(np.array([point.angle for point in found]))
        patches = cut(luma, positions, REGION * sizes, angles, SIDE)
        return described(found, positions, self._network(patches), image, self._count)


KINDS: Final[dict[str, Kind[LocalExtractor]]] = {
    "hardnet": Kind(
        "HardNet",
        "Mishchuk, Mishkin, Radenovic and Matas, NeurIPS 2017",
        "On OpenCV's SIFT keypoints. Half of the paper's channels; trained by this project on two views of one photo "
        "each, in place of patches that structure from motion found.",
        HardNetOnSift,
    )
}
