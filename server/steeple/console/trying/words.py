"""An answer in words: how sure it is, what would help, why the others lost."""

from __future__ import annotations

from typing import Final

from steeple.client import Answer, Candidate, ExplainedImage, Timings

_CONFIDENCES: Final = (
    (0.97, "Almost certain"),
    (0.9, "Very likely"),
    (0.66, "Likely"),
    (0.5, "Perhaps"),
    (0.2, "Unlikely"),
    (0.0, "Very unlikely"),
)
"""The app's phrases: confidence is a calibrated probability, and "likely" from two thirds and "very likely" from 0.9
are the IPCC's (note of 2010)."""

_VERDICTS: Final = {
    "answer": "It is the answer",
    "same_landmark": "Another photo of the same landmark agrees with it more",
    "outranked": "Another landmark is more likely",
    "below_threshold": "Its confidence is too low",
    "too_few_matches": "Too few features are alike",
    "geometry_refused": "Does not fit together as one view",
    "not_verified": "Left out: the answer was certain before",
    "other": "For a reason that this console does not know",
}

_EVIDENCE: Final = {
    "inliers": "Matches that fit together",
    "distinct": "How distinctive they are",
    "ratio": "Their share of all matches",
    "support": "Other photos of it agree",
    "margin": "How far ahead of other landmarks",
    "brevity": "How little was sent",
}

FEW_FEATURES: Final = 200
"""A photo of fewer shows little that could be recognised again."""

_CLOSE: Final = 0.6  # share of the threshold from which a candidate is worth another photo
_FEW_INLIERS: Final = 8
_SMALL: Final = 0.08  # share of the photo that a landmark covers which is too far away


def words_of(confidence: float) -> str:
    """A confidence, 0 to 1, in words."""
    return next(phrase for least, phrase in _CONFIDENCES if confidence >= least or least == 0)


def sure(confidence: float) -> str:
    """A confidence as a number: never 100 %, since nothing is certain, and never more than it is."""
    whole = min(99, int(100 * max(0.0, confidence) + 1e-9))
    return f"{whole}\u00a0%" if whole else "under 1\u00a0%"


def verdict_words(image: ExplainedImage) -> str:
    """Why an image is the answer, or is not."""
    return _VERDICTS[image.verdict.value]


def evidence_words(name: str) -> str:
    """What a piece of evidence is."""
    return _EVIDENCE.get(name, name.replace("_", " ").capitalize())


def advice(answer: Answer, *, all_features: int, threshold: float) -> list[str]:
    """What would help, where nothing was recognised; what is likely to help most comes first.

    Args:
        answer: That names no landmark.
        all_features: That the photo has, sent or not.
        threshold: Confidence that is needed.
    """
    best, told = answer.best, []
    if all_features < FEW_FEATURES:
        told.append(
            "The photo has little to go by: it may be dark, blurred, or show mostly sky or ground. Take it again."
        )
    if 0 < answer.feature_count < all_features / 2:
        told.append(
            f"Only {answer.feature_count:,} of the photo's {all_features:,} features were sent. Allow more data below."
        )
    if best is not None and best.confidence >= _CLOSE * threshold:
        told.append(
            f"It was nearly {best.landmark.display_name}. If it is, add a photo from this side or this distance to it."
        )
    elif best is not None and best.inliers >= _FEW_INLIERS:
        told.append(
            f"{best.landmark.display_name} looks a little like it. If it is that, its photos show another side, "
            "another distance or another season: add one like this."
        )
    else:
        told.append("No photo of the catalogue looks like it. If it is a landmark that you want recognised, add it.")
    if best is not None and 0 < _covered(answer, best) < _SMALL:
        told.append("What matches covers little of the photo. Go closer, or zoom in.")
    return told


def _covered(answer: Answer, candidate: Candidate) -> float:
    """Share of the photo that an outline covers; 0 without one."""
    corners = candidate.outline.astype(float)
    if len(corners) < 3:
        return 0.0
    following = [*corners[1:], corners[0]]
    doubled = sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(corners, following, strict=True))
    return float(abs(doubled)) / 2 / (answer.width * answer.height)


def stages(timings: Timings, extract: float | None) -> list[tuple[str, float]]:
    """Where the time went, in order, milliseconds.

    Args:
        timings: Of the answer.
        extract: Milliseconds that making the features took here; None: the server made them.
    """
    on_server = [timings.extract or 0.0, timings.search or 0.0, timings.verify or 0.0]
    total = timings.total or sum(on_server)
    way = max(0.0, (timings.round_trip or total) - total)
    return [
        ("Finding features", (extract or 0.0) + on_server[0]),
        ("On the way", way),
        ("Waiting for a turn", max(0.0, total - sum(on_server))),
        ("Searching", on_server[1]),
        ("Checking geometry", on_server[2]),
    ]
