"""What speaks for a landmark, and the probability that it amounts to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.release import Calibration
from steeple.errors import ReleaseError

_FULL: Final = 1000  # features of a whole query
_CHANCE_INLIERS: Final = 15.0  # of a whole query
_LEAST_CHANCE: Final = 5.0


def chance_inliers(features: int) -> float:
    """What the best of a few unrelated images reaches by chance with a query of so many features.

    A catalogue of one landmark has no rival for it; this is the least that one is taken to have, or every photo would
    win by a wide margin there.
    """
    return max(_LEAST_CHANCE, _CHANCE_INLIERS * math.sqrt(features / _FULL))


_SAME_VIEW: Final = 0.1  # of the side of a frame, at its corners


@dataclass(frozen=True, eq=False)
class ImageEvidence:
    """The outcome of verifying one reference image.

    Attributes:
        landmark_id: The image's landmark.
        inliers: Matches that agree on one geometry.
        matches: Matches tried.
        distinct: Sum of the distinctiveness of the exact matches that agree with that geometry; 0 if the
            image was no finalist.
        frame: float64[4, 2]; where the corners of its frame lie in the query, pixels; None: not known.
    """

    landmark_id: str
    inliers: int
    matches: int
    distinct: float = 0.0
    frame: NDArray[np.float64] | None = None


def landmark_evidence(images: Sequence[ImageEvidence], landmark_id: str, features: int) -> dict[str, float]:
    """The evidence for one landmark among all verified images.

    Args:
        images: All of them, at least one of the landmark's.
        landmark_id: The landmark.
        features: Of the query.

    Returns:
        Of the landmark's best image, the one of most inliers: ``inliers``, log(1 + its inliers); ``distinct``, log(1
        + its distinctiveness); ``ratio``, its inliers over its matches. ``support``: log(1 + inliers of the
        best of its images that were taken from elsewhere): a burst of photos says what one of them says, and of many
        references some always agree by chance. ``margin``: log of (1 + inliers of the best image) over (1 +
        inliers of the best image of any other landmark, or :func:`chance_inliers` if that is more). ``brevity``: log
        of how many times more features a whole query has: of few, as many inliers say more.
    """
    own = sorted((image for image in images if image.landmark_id == landmark_id), key=lambda image: -image.inliers)
    best = own[0]
    rival = max([chance_inliers(features), *(image.inliers for image in images if image.landmark_id != landmark_id)])
    return {
        "inliers": math.log1p(best.inliers),
        "distinct": math.log1p(best.distinct),
        "ratio": best.inliers / max(best.matches, 1),
        "support": math.log1p(max((image.inliers for image in own[1:] if not _same_view(best, image)), default=0)),
        "margin": math.log1p(best.inliers) - math.log1p(rival),
        "brevity": max(0.0, math.log(_FULL / max(features, 1))),
    }


def _same_view(one: ImageEvidence, other: ImageEvidence) -> bool:
    """Whether two reference images see the query alike: their frames lie on it in all but the same place."""
    if one.frame is None or other.frame is None:
        return False
    extent = math.sqrt(abs(cv2.contourArea(one.frame.astype(np.float32))))
    return bool(np.linalg.norm(one.frame - other.frame, axis=1).max() < _SAME_VIEW * extent)


def confidence(calibration: Calibration, evidence: Mapping[str, float]) -> float:
    """The calibrated probability that a landmark with this evidence is in the photo.

    Raises:
        ReleaseError: If the calibration asks for evidence that there is not.
    """
    missing = calibration.weights.keys() - evidence.keys()
    if missing:
        raise ReleaseError(f"the release's calibration uses unknown evidence: {', '.join(sorted(missing))}")
    logit = calibration.bias + sum(weight * evidence[name] for name, weight in calibration.weights.items())
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))
