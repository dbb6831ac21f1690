"""What the live screen shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steeple.app.live import LiveView
from steeple.app.states import State
from steeple.app.ui.language import Translator
from steeple.app.ui.presenters import words
from steeple.client import Answer, LatLng


@dataclass(frozen=True, eq=False)
class LiveModel:
    """What the live screen shows.

    Attributes:
        state: What the live view is doing.
        chip: A word on that.
        chip_icon: Beside it.
        icon: Of the card; empty where ``confidence`` is drawn instead.
        title: Of the card; empty for no card.
        detail: Below it.
        hint: What stands above the shutter where there is no card.
        confidence: 0 to 1; None where there is none.
        percent: The same as text.
        outline: float32[P, 2], pixels of the frame; None for none.
        answer: What tapping the card tells more of; None for nothing.
        spoken: What is said aloud when this begins to be shown; empty for nothing.
    """

    state: State
    chip: str
    chip_icon: str
    icon: str = ""
    title: str = ""
    detail: str = ""
    hint: str = ""
    confidence: float | None = None
    percent: str = ""
    outline: NDArray[np.float32] | None = None
    answer: Answer | None = None
    spoken: str = ""


def present(view: LiveView | None, tr: Translator, *, place: LatLng | None = None, waiting: int = 0) -> LiveModel:
    """What is shown of a view.

    Args:
        view: The newest; None before the first.
        tr: The person's language.
        place: Where the device is; None if that is not known.
        waiting: Queries that wait for somebody to answer.
    """
    state = State.IDLE if view is None else view.state
    advice = "" if view is None else words.advice_words(view.advice, tr)
    if view is not None and state is State.CERTAIN and view.answer is not None and view.answer.landmark is not None:
        return _certain(view, view.answer, tr, place)
    if view is not None and state is State.UNKNOWN:
        return LiveModel(
            state,
            tr("Unknown"),
            "question",
            icon="question",
            title=tr("I don't know this one"),
            detail=advice or tr("Tap to see what would help, or to propose it."),
            answer=view.answer,
            spoken=tr("I don't know this one"),
        )
    if state is State.OFFLINE:
        kept = tr.count("{n} photo waits for an answer.", "{n} photos wait for an answer.", waiting) if waiting else ""
        return LiveModel(
            state,
            tr("Offline"),
            "offline",
            icon="offline",
            title=tr("Nobody can answer now"),
            detail=kept or tr("Take a photo all the same: it is answered as soon as the server is back."),
            spoken=tr("Offline"),
        )
    if state is State.IDLE:
        return LiveModel(state, tr("Paused"), "pause", hint=tr("Tap play to go on"))
    return LiveModel(State.LOOKING, tr("Looking"), "eye", hint=advice or tr("Point at a landmark"))


def _certain(view: LiveView, answer: Answer, tr: Translator, place: LatLng | None) -> LiveModel:
    best = answer.candidates[0]
    confidence = best.confidence if view.confidence is None else view.confidence
    sure = words.confidence_words(confidence, tr)
    parts = [sure]
    if place is not None and best.landmark.location is not None:
        parts.append(words.distance_words(words.distance_meters(place, best.landmark.location), tr))
    if view.pack is not None:
        parts.append(tr("offline"))
    return LiveModel(
        State.CERTAIN,
        tr("Found"),
        "check",
        title=best.landmark.display_name,
        detail=" · ".join(parts),
        confidence=confidence,
        percent=words.percent(confidence),
        outline=view.outline,
        answer=answer,
        spoken=f"{best.landmark.display_name}. {sure}",
    )
