"""What the engine answers a query with."""

from __future__ import annotations

from dataclasses import dataclass

from steeple import recognition
from steeple.delf.release import Calibration
from steeple.server.catalogue import Landmark, ReferenceImage


@dataclass(frozen=True)
class Candidate:
    """A landmark that may be in the photo.

    Attributes:
        landmark: What it is.
        image: The reference image that supports it best.
        recognised: How well, and where in the query.
    """

    landmark: Landmark
    image: ReferenceImage
    recognised: recognition.Candidate


@dataclass(frozen=True)
class Identification:
    """The answer to a query.

    Attributes:
        identified: Whether the first candidate is what the photo shows.
        candidates: By falling confidence, at most one a landmark.
        model: Name of the release that served the query.
        width: Of the query image, pixels.
        height: Of the query image, pixels.
        feature_count: Features searched with.
        extract_seconds: Decoding and extracting; None if the query came as features.
        search_seconds: Nearest neighbours of all descriptors.
        verify_seconds: Votes, matching and RANSAC.
        certain: Whether more features of the query would hardly change the answer.
    """

    identified: bool
    candidates: tuple[Candidate, ...]
    model: str
    width: int
    height: int
    feature_count: int
    extract_seconds: float | None
    search_seconds: float
    verify_seconds: float
    certain: bool


@dataclass(frozen=True)
class Explanation:
    """Why the answer to a query is what it is.

    Attributes:
        identified: Whether the first image's landmark is what the photo shows.
        model: Name of the release that served the query.
        width: Of the query image, pixels.
        height: Of the query image, pixels.
        feature_count: Features searched with.
        calibration: That confidences are of.
        images: Those that descriptors voted for: what each is, its landmark, and what decided about it.
    """

    identified: bool
    model: str
    width: int
    height: int
    feature_count: int
    calibration: Calibration
    images: tuple[tuple[ReferenceImage, Landmark, recognition.ExplainedImage], ...]
