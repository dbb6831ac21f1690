"""Why an answer is what it is: every image that was weighed, and what decided about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from steeple.delf.release import Calibration
from steeple.recognition.verification import MIN_MATCHES


class Verdict(StrEnum):
    """Why an image is the answer, or is not; as in the contract."""

    ANSWER = "answer"
    SAME_LANDMARK = "same_landmark"
    OUTRANKED = "outranked"
    BELOW_THRESHOLD = "below_threshold"
    TOO_FEW_MATCHES = "too_few_matches"
    GEOMETRY_REFUSED = "geometry_refused"
    NOT_VERIFIED = "not_verified"


@dataclass(frozen=True)
class Evidence:
    """What speaks for a landmark.

    Attributes:
        name: Such as ``inliers``.
        value: Of the evidence.
        weight: In the calibration; 0 if that leaves it out.
    """

    name: str
    value: float
    weight: float

    @property
    def contribution(self) -> float:
        """To the logit."""
        return self.weight * self.value


@dataclass(frozen=True)
class VotedImage:
    """A reference image that descriptors of the query voted for, and how far it came.

    Attributes:
        image_key: Its key.
        landmark_id: Its landmark.
        tried: Whether it was verified.
        votes: Descriptors that voted for it.
        matches: Matches tried.
        distinct: Sum of the distinctiveness of the exact matches that agree with its geometry; 0 if it was no finalist.
        query_points: float32[inliers, 2]; the inliers' keypoints in the query, pixels.
        reference_points: float32[inliers, 2]; the same in the reference image, pixels.
    """

    image_key: int
    landmark_id: str
    tried: bool
    votes: int
    matches: int
    distinct: float
    query_points: NDArray[np.float32]
    reference_points: NDArray[np.float32]

    @property
    def inliers(self) -> int:
        """Matches that agree on one geometry."""
        return len(self.query_points)


@dataclass(frozen=True)
class ExplainedImage:
    """An image and what decided about it.

    Attributes:
        voted: The image, and how far it came.
        verdict: Why it is the answer, or is not.
        evidence: For its landmark, if this is the landmark's best image; else empty.
        confidence: Of its landmark, likewise; else None.
        outline: float32[P, 2]; as of a candidate, likewise; else empty.
    """

    voted: VotedImage
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    confidence: float | None
    outline: NDArray[np.float32]


@dataclass(frozen=True)
class Judged:
    """A landmark that was judged by its best image.

    Attributes:
        image_key: Of that image.
        confidence: Calibrated probability.
        evidence: That it was computed from, by name.
        outline: float32[P, 2]; where the image lies in the query, pixels.
    """

    image_key: int
    confidence: float
    evidence: Mapping[str, float]
    outline: NDArray[np.float32]


def explained(
    voted: Sequence[VotedImage], judged: Sequence[Judged], calibration: Calibration
) -> tuple[ExplainedImage, ...]:
    """What decided about each image.

    Args:
        voted: The images.
        judged: The landmarks, by falling confidence.
        calibration: That they were judged by.

    Returns:
        The best image of each landmark, by falling confidence, then the others by falling inliers and votes.
    """
    order = {landmark.image_key: place for place, landmark in enumerate(judged)}
    found = []
    for image in voted:
        place = order.get(image.image_key)
        if place is None:
            found.append(ExplainedImage(image, _refusal(image), (), None, np.empty((0, 2), np.float32)))
            continue
        landmark = judged[place]
        reaches = landmark.confidence >= calibration.threshold
        first = Verdict.OUTRANKED if place else Verdict.ANSWER
        verdict = first if reaches else Verdict.BELOW_THRESHOLD
        evidence = tuple(
            Evidence(name, value, calibration.weights.get(name, 0.0)) for name, value in landmark.evidence.items()
        )
        found.append(ExplainedImage(image, verdict, evidence, landmark.confidence, landmark.outline))
    last = len(judged)
    found.sort(key=lambda each: (order.get(each.voted.image_key, last), -each.voted.inliers, -each.voted.votes))
    return tuple(found)


def _refusal(image: VotedImage) -> Verdict:
    if not image.tried:
        return Verdict.NOT_VERIFIED
    if image.inliers:
        return Verdict.SAME_LANDMARK
    return Verdict.TOO_FEW_MATCHES if image.matches < MIN_MATCHES else Verdict.GEOMETRY_REFUSED
