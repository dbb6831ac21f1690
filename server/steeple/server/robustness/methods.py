"""Local features of pictures, by a model release and by the classic that it is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS, Extractor, ModelRelease
from steeple.delf.homographies import Image
from steeple.errors import ImageError
from steeple.recognition import inlier_radius
from steeple.server.robustness.rootsift import RootSiftDetector

ROOTSIFT_RADII: Final = (8.0, 24.0)
"""Pixels. SIFT's keypoints are precise, and a narrow radius keeps chance out; but an affine model of a tilted wall is
off by more. RootSIFT is given both, and whichever finds the photo counts."""

_ROOTSIFT_FEATURES: Final = 1000


@dataclass(frozen=True, eq=False)
class LocalFeatures:
    """Local features of one picture.

    Attributes:
        keypoints: float32[N, 2]; x, y, pixels of the picture.
        descriptors: float32[N, D], L2-normalised.
        inlier_radii: Reprojection errors, pixels, up to which matches of these features agree with a geometry;
            each is tried.
    """

    keypoints: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    inlier_radii: tuple[float, ...]


class Method(Protocol):
    """A way to find local features."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def features(self, image: Image) -> LocalFeatures:
        """The local features of a picture, uint8[H, W, 3], RGB; there may be none."""
        ...


class Release:
    """The features of a model release, as the server verifies them.

    Args:
        release: The release.
    """

    def __init__(self, release: ModelRelease) -> None:
        self.name = release.name
        self._release = release
        self._extractor = Extractor(release)

    def features(self, image: Image) -> LocalFeatures:
        """See :meth:`Method.features`. A picture that the extractor refuses, being too small or narrow, has none."""
        height, width = image.shape[:2]
        radius = inlier_radius(self._release, width, height)
        try:
            features = self._extractor.extract(image)
        except ImageError:
            return LocalFeatures(np.empty((0, 2), np.float32), np.empty((0, DIMENSIONS), np.float32), (radius,))
        return LocalFeatures(features.keypoints, features.unit_descriptors(), (radius,))


class RootSift:
    """OpenCV's SIFT with the descriptors of RootSIFT (Arandjelović and Zisserman 2012, section 2).

    Args:
        count: Features kept, those of most contrast.
    """

    name: Final = "RootSIFT"

    def __init__(self, count: int = _ROOTSIFT_FEATURES) -> None:
        self._detect = RootSiftDetector(count)

    def features(self, image: Image) -> LocalFeatures:
        """See :meth:`Method.features`."""
        keypoints, descriptors = self._detect(image)
        points = np.array([keypoint.pt for keypoint in keypoints], np.float32).reshape(-1, 2)
        return LocalFeatures(points, descriptors, ROOTSIFT_RADII)
