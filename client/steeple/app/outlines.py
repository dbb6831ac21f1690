"""Where a landmark lies in a frame: from an answer's inlier matches, over several answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.client.types import Candidate
from steeple.delf.features import FeatureSet
from steeple.delf.homographies import Homography, mapped
from steeple.recognition.homography import refine_homography

_FEWEST: Final = 6  # matches that a placement is made of
_FAR: Final = 2.5  # deviations from its place, from which a match says nothing of how far the landmark reaches
_NEWEST_WEIGHS: Final = 0.3  # of a placement beside those before it
_SAME: Final = 0.08  # of the frame's diagonal: placements that differ by more are of different views


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a reference image lies in a frame.

    Attributes:
        reference_image: Its resource name.
        homography: float64[3, 3]; maps its pixels to those of the frame.
        points: float32[N, 2]; the inlier matches, pixels of the frame.
    """

    reference_image: str
    homography: Homography
    points: NDArray[np.float32]


def place(candidate: Candidate, features: FeatureSet, stride: int) -> Placement | None:
    """Where the reference image that supports a candidate lies in the frame.

    The model is the server's own, from the matches that the answer carries: a homography that weighs keypoints by the
    width of the cells that they are the centres of.

    Args:
        candidate: With its inlier matches.
        features: Of the frame.
        stride: Of the release: pixels of a pyramid level between cells.

    Returns:
        None if there are too few matches, or they lie on a line.
    """
    query, reference = candidate.query_points, candidate.reference_points
    if len(query) < _FEWEST or len(features) == 0:
        return None
    lifted = np.column_stack([reference, np.ones(len(reference))]).astype(np.float64)
    affine, _, rank, _ = np.linalg.lstsq(lifted, query.astype(np.float64), rcond=None)
    linear = affine[:2].T
    if rank < 3 or not np.isfinite(affine).all() or np.linalg.det(linear) <= 0:
        return None
    model = refine_homography(np.ascontiguousarray(affine.T), query, reference, deviations(query, features, stride))
    return Placement(candidate.reference_image, model, query)


def deviations(points: NDArray[np.float32], features: FeatureSet, stride: int) -> NDArray[np.float64]:
    """float64[N]: how far matches are expected to be off, pixels of the frame.

    Args:
        points: float32[N, 2]; their ends in the frame.
        features: Of the frame.
        stride: Of the release.
    """
    distances = ((points[:, None] - features.keypoints[None]) ** 2).sum(axis=2)
    scales = features.scales[distances.argmin(axis=1)].astype(np.float64)
    # Both ends of a match are centres of cells that show about as much of the scene.
    expected: NDArray[np.float64] = math.sqrt(2.0 / 12.0) * stride * scales
    return expected


class Outline:
    """The outline of one landmark, by one reference image, over the answers that show it.

    An answer's own outline is the hull of the matches that it happened to find, so it would jump from answer to answer.
    This one is the hull of all matches of all answers, in the reference image, and lies where the answers together say.

    Args:
        reference_image: Its resource name.
    """

    def __init__(self, reference_image: str) -> None:
        self.reference_image = reference_image
        self._hull = np.empty((0, 2), np.float32)
        self._answers = 0
        self._homography: Homography | None = None

    @property
    def homography(self) -> Homography | None:
        """float64[3, 3]: maps pixels of the reference image to those of the newest frame; None if it is not known."""
        return self._homography

    @property
    def hull(self) -> NDArray[np.float32]:
        """float32[P, 2]: what was matched so far, pixels of the reference image. P is 0 before the first matches."""
        return self._hull

    @property
    def polygon(self) -> NDArray[np.float32] | None:
        """float32[P, 2]: pixels of the newest frame, clockwise, also where it is outside; None if it is not known."""
        if self._homography is None or len(self._hull) < 3:
            return None
        return mapped(self._homography, self._hull).astype(np.float32)

    def add(self, placement: Placement, reference_points: NDArray[np.float32], errors: NDArray[np.float64]) -> None:
        """Matches of an answer.

        Args:
            placement: Where the image lies in the answer's frame.
            reference_points: float32[N, 2]; the matches' ends in the reference image.
            errors: float64[N]; how far they are expected to be off, see :func:`deviations`.
        """
        off = np.linalg.norm(mapped(placement.homography, reference_points) - placement.points, axis=1)
        sure = reference_points[off < _FAR * np.maximum(errors, 1.0)]
        if len(sure) >= 3:
            hull = cv2.convexHull(np.concatenate([self._hull, sure]), clockwise=False)
            self._hull = np.asarray(hull[:, 0], np.float32)

    def carry(self, motion: Homography | None) -> None:
        """The picture moved so, float64[3, 3] in pixels of the frame; None: nobody knows how."""
        if motion is None or self._homography is None:
            self._homography, self._answers = None, 0
        else:
            self._homography = motion @ self._homography

    def settle(self, homography: Homography, size: tuple[int, int]) -> None:
        """An answer says that the image lies so in the newest frame.

        Args:
            homography: float64[3, 3]; maps pixels of the reference image to those of the frame.
            size: Width and height of the frame.
        """
        before, self._homography = self._homography, homography
        self._answers += 1
        if before is None or len(self._hull) < 3:
            self._answers = 1
            return
        box = cv2.boxPoints(cv2.minAreaRect(self._hull)).astype(np.float32)
        old, new = mapped(before, box), mapped(homography, box)
        if not np.isfinite(old).all() or np.linalg.norm(new - old, axis=1).max() > _SAME * math.hypot(*size):
            self._answers = 1
            return
        weight = max(_NEWEST_WEIGHS, 1.0 / self._answers)
        settled = ((1.0 - weight) * old + weight * new).astype(np.float32)
        if cv2.isContourConvex(settled) and cv2.contourArea(box) > 1.0:
            self._homography = np.asarray(cv2.getPerspectiveTransform(box, settled), np.float64)
