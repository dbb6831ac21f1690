"""What recognition takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import FeatureSet

CERTAIN: Final = 0.95
"""Confidence of an answer that no more features of the query are waited for."""


@dataclass(frozen=True)
class GalleryImage:
    """A reference image as the recogniser sees it.

    Attributes:
        landmark_id: Whose photo it is.
        features: Its local features.
    """

    landmark_id: str
    features: FeatureSet


Gallery = Callable[[Sequence[int]], Mapping[int, GalleryImage]]
"""Reference images by key. A key whose image was removed in the meantime is left out."""


@dataclass(frozen=True)
class Candidate:
    """A landmark that may be in the photo.

    Attributes:
        landmark_id: Its id.
        image_key: The reference image that supports it best.
        confidence: Calibrated probability that it is in the photo.
        inliers: Matches with that image that agree on one geometry.
        matches: Matches with that image that were tried.
        evidence: What the confidence was computed from, by name.
        homography: float64[3, 3]; maps pixels of that image to those of the query.
        outline: float32[P, 2]; where the matched part of the reference image lies, query pixels, clockwise.
        query_points: float32[inliers, 2]; the inliers' keypoints in the query, pixels, by falling attention score.
        reference_points: float32[inliers, 2]; the same in the reference image, pixels.
    """

    landmark_id: str
    image_key: int
    confidence: float
    inliers: int
    matches: int
    evidence: Mapping[str, float]
    homography: NDArray[np.float64]
    outline: NDArray[np.float32]
    query_points: NDArray[np.float32]
    reference_points: NDArray[np.float32]


@dataclass(frozen=True)
class Recognition:
    """The answer to one query.

    Attributes:
        identified: Whether the first candidate's confidence reaches the release's threshold.
        candidates: At most one a landmark, by falling confidence.
        feature_count: Features searched with.
        search_seconds: Spent on nearest neighbours.
        verify_seconds: Spent on votes, matching and verification.
    """

    identified: bool
    candidates: tuple[Candidate, ...]
    feature_count: int
    search_seconds: float
    verify_seconds: float

    @property
    def certain(self) -> bool:
        """Whether more features of the query would hardly change the answer."""
        return self.identified and self.candidates[0].confidence >= CERTAIN
