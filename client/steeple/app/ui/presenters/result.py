"""What the result sheet shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.app.found import Origin
from steeple.app.ui.language import Translator, message
from steeple.app.ui.presenters import words
from steeple.app.ui.services import Looked
from steeple.client import Candidate, LatLng

TIPS: Final = (
    message("Go closer, or zoom in."),
    message("Hold the camera still for a moment."),
    message("More light helps, and the sun behind you."),
)
"""What helps with most photos that nobody knows."""

_WORTH_SAYING: Final = 0.02  # confidence from which on another candidate is shown


@dataclass(frozen=True)
class CandidateModel:
    """A landmark that it may be: its resource name, what it is called, and how likely it is."""

    name: str
    title: str
    percent: str


@dataclass(frozen=True, eq=False)
class ResultModel:
    """What the result sheet shows.

    Attributes:
        kind: ``found``, ``unknown``, ``waiting``, ``asking`` or ``failed``.
        title: The landmark's name, or what is the matter.
        detail: In a sentence.
        description: What the landmark is; empty for nothing.
        confidence: 0 to 1; None where there is none.
        percent: The same as text.
        facts: Short lines on how it was found.
        tips: What would help.
        candidates: What else it may be.
        outline: float32[P, 2], pixels of the photo as it is shown; None for none.
        reference: Thumbnail (JPEG) of the reference image; empty for none.
        photo_points: float32[N, 2], pixels of the photo as it is shown: inlier matches.
        reference_points: float32[N, 2]: their other ends, as fractions of the reference image's sides.
        place: Where the landmark is; None if that is not known.
        landmark: Its resource name; empty for none.
        share: What is shared of it; empty for nothing.
        may_tell: Whether the person can say whether it is right.
        may_propose: Whether the photo can be proposed to the catalogue.
    """

    kind: str
    title: str
    detail: str = ""
    description: str = ""
    confidence: float | None = None
    percent: str = ""
    facts: tuple[str, ...] = ()
    tips: tuple[str, ...] = ()
    candidates: tuple[CandidateModel, ...] = ()
    outline: NDArray[np.float32] | None = None
    reference: bytes = b""
    photo_points: NDArray[np.float32] | None = None
    reference_points: NDArray[np.float32] | None = None
    place: LatLng | None = None
    landmark: str = ""
    share: str = ""
    may_tell: bool = False
    may_propose: bool = False


def present(
    looked: Looked, tr: Translator, *, now: datetime, place: LatLng | None = None, asking: bool = False
) -> ResultModel:
    """What is shown of a photo.

    Args:
        looked: The photo, and what is known of it.
        tr: The person's language.
        now: With a time zone.
        place: Where the device is; None if that is not known.
        asking: Whether somebody is being asked about it.
    """
    answer = looked.answer
    if looked.problem is not None:
        return ResultModel("failed", tr("That did not work"), words.error_words(looked.problem, tr))
    if looked.waiting:
        detail = tr("The photo's features are kept on this device, and asked about as soon as a server answers.")
        return ResultModel("waiting", tr("Kept for later"), detail)
    if answer is None:
        return ResultModel("asking", tr("Looking …"), tr("The photo stays on this device."))
    facts = _facts(looked, tr, now)
    if answer.landmark is None:
        return ResultModel(
            "unknown",
            tr("I don't know this one"),
            tr("It may not be in the catalogue, or it looks too different here."),
            facts=facts,
            tips=tuple(map(tr, TIPS)),
            candidates=_candidates(answer.candidates),
            may_tell=looked.features is not None,
            may_propose=not asking and looked.features is not None,
        )
    best = answer.candidates[0]
    points, ends = _matches(looked, best)
    landmark = best.landmark
    where = ""
    if place is not None and landmark.location is not None:
        where = " · " + words.distance_words(words.distance_meters(place, landmark.location), tr)
    return ResultModel(
        "found",
        landmark.display_name,
        words.confidence_words(best.confidence, tr) + where,
        description=landmark.description,
        confidence=best.confidence,
        percent=words.percent(best.confidence),
        facts=facts,
        candidates=_candidates(answer.candidates[1:]),
        outline=_scaled(best.outline, looked),
        reference=best.thumbnail,
        photo_points=points,
        reference_points=ends,
        place=landmark.location,
        landmark=landmark.name,
        share=_share_text(best, tr),
        may_tell=looked.features is not None and not asking,
    )


def _facts(looked: Looked, tr: Translator, now: datetime) -> tuple[str, ...]:
    answer = looked.answer
    facts = [words.time_words(looked.time, now, tr)]
    if looked.origin is Origin.PACK:
        facts.append(tr("Answered on this device, by the pack {pack}", pack=looked.pack or ""))
    elif looked.origin is Origin.SERVER:
        facts.append(tr("Answered by the server"))
    if answer is None:
        return tuple(facts)
    if answer.candidates and answer.landmark is not None:
        facts.append(tr.count("{n} detail agrees", "{n} details agree", answer.candidates[0].inliers))
    if looked.origin is Origin.SERVER and answer.request_bytes:
        facts.append(tr("{size} sent, and not the photo", size=words.bytes_words(answer.request_bytes)))
    return tuple(facts)


def _candidates(candidates: tuple[Candidate, ...]) -> tuple[CandidateModel, ...]:
    return tuple(
        CandidateModel(item.landmark.name, item.landmark.display_name, words.percent(item.confidence))
        for item in candidates
        if item.confidence >= _WORTH_SAYING
    )


def _scaled(points: NDArray[np.float32], looked: Looked) -> NDArray[np.float32] | None:
    """Pixels of the photo that was asked about, as those of the photo that is shown."""
    answer = looked.answer
    if answer is None or not len(points):
        return None
    height, width = looked.photo.shape[:2]
    factors = np.array([width / max(1, answer.width), height / max(1, answer.height)], np.float32)
    return ((points + 0.5) * factors - 0.5).astype(np.float32)


def _matches(looked: Looked, best: Candidate) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    points = _scaled(best.query_points, looked)
    size = (best.reference_width, best.reference_height)
    if points is None or not all(size):
        return None, None
    # As fractions of the reference image: its thumbnail has another size.
    ends = (best.reference_points + 0.5) / np.array(size, np.float32)
    return points, ends.astype(np.float32)


def _share_text(best: Candidate, tr: Translator) -> str:
    text = tr("{name}, recognised with Steeple", name=best.landmark.display_name)
    if best.landmark.location is not None:
        at = best.landmark.location
        text += f"\ngeo:{at.latitude:.6f},{at.longitude:.6f}"
    return text
