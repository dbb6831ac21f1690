"""Why an answer is what it is."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steeple.client.resources import Landmark
from steeple.client.types import pixels


class Verdict(enum.Enum):
    """Why an image is the answer, or is not.

    Attributes:
        ANSWER: It is the best image of the landmark that is identified.
        SAME_LANDMARK: Another image of its landmark has more inliers; it supports that one.
        OUTRANKED: Its landmark reaches the threshold, but another one's confidence is higher.
        BELOW_THRESHOLD: The confidence of its landmark does not reach the threshold.
        TOO_FEW_MATCHES: Too few descriptors voted for it to agree on anything.
        GEOMETRY_REFUSED: Too few of its matches agree on one geometry, or only on no view of the same scene.
        NOT_VERIFIED: It was left out: the answer was certain after images of more votes.
        OTHER: Something that this version of the SDK does not know.
    """

    ANSWER = "answer"
    SAME_LANDMARK = "same_landmark"
    OUTRANKED = "outranked"
    BELOW_THRESHOLD = "below_threshold"
    TOO_FEW_MATCHES = "too_few_matches"
    GEOMETRY_REFUSED = "geometry_refused"
    NOT_VERIFIED = "not_verified"
    OTHER = "other"


@dataclass(frozen=True)
class Evidence:
    """What speaks for a landmark.

    Attributes:
        name: Such as ``inliers``.
        value: Of the evidence.
        weight: In the calibration; 0 if that leaves it out.
        contribution: To the logit: weight times value.
    """

    name: str
    value: float
    weight: float
    contribution: float


@dataclass(frozen=True, eq=False)
class ExplainedImage:
    """A reference image that descriptors of the photo voted for.

    Attributes:
        reference_image: Its name.
        landmark: What it shows.
        verdict: Why it is the answer, or is not.
        votes: Descriptors that have one of its among their nearest neighbours.
        matches: Matches tried.
        inliers: Those of them that agree on one geometry.
        distinct: Sum of the distinctiveness of exact matches that agree with it; 0 if the image was no finalist.
        evidence: For its landmark, if this is the landmark's best image; else empty.
        confidence: Of its landmark, likewise; else None.
        outline: float32[M, 2], pixels of the photo, likewise; else M is 0.
        query_points: float32[I, 2], pixels of the photo: the inlier matches. I is 0 unless they were asked for.
        reference_points: float32[I, 2], pixels of the reference image: their other ends.
    """

    reference_image: str
    landmark: Landmark
    verdict: Verdict
    votes: int
    matches: int
    inliers: int
    distinct: float
    evidence: tuple[Evidence, ...]
    confidence: float | None
    outline: NDArray[np.float32]
    query_points: NDArray[np.float32]
    reference_points: NDArray[np.float32]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "reference_image": self.reference_image,
            "landmark": self.landmark.to_dict(),
            "verdict": self.verdict.value,
            "votes": self.votes,
            "matches": self.matches,
            "inliers": self.inliers,
            "distinct": round(self.distinct, 4),
            "evidence": [asdict(part) for part in self.evidence],
            "confidence": None if self.confidence is None else round(self.confidence, 6),
            "outline": pixels(self.outline),
            "query_points": pixels(self.query_points),
            "reference_points": pixels(self.reference_points),
        }


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why an answer is what it is.

    The confidence of a landmark is 1 / (1 + exp(-logit)); its logit is ``bias`` plus the contributions of its evidence.

    Attributes:
        identified: Whether the first image's landmark is what the photo shows.
        model: ``models/{model}``: the release that served the query.
        width: Of the photo, pixels.
        height: Of the photo, pixels.
        feature_count: Local features searched with.
        bias: Of the calibration.
        threshold: Confidence from which a landmark is identified.
        images: The best image of each landmark by falling confidence, then the others by falling inliers and votes.
    """

    identified: bool
    model: str
    width: int
    height: int
    feature_count: int
    bias: float
    threshold: float
    images: tuple[ExplainedImage, ...]

    def logit(self, image: ExplainedImage) -> float:
        """Of an image that has evidence."""
        return self.bias + sum(part.contribution for part in image.evidence)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "identified": self.identified,
            "model": self.model,
            "width": self.width,
            "height": self.height,
            "feature_count": self.feature_count,
            "bias": self.bias,
            "threshold": self.threshold,
            "images": [image.to_dict() for image in self.images],
        }
