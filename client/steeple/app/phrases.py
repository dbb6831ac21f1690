"""What is said to people, in English: the messages that the windows translate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from steeple.app.advice import Advice
from steeple.app.states import State

CONFIDENCES: Final = (
    (0.97, "almost certain"),
    (0.9, "very likely"),
    (0.66, "likely"),
    (0.5, "perhaps"),
    (0.2, "unlikely"),
    (0.0, "very unlikely"),
)
"""Confidence from which each phrase holds, and the phrase. Confidence is a calibrated probability, so the words can
mean what they mean to others: "likely" from two thirds and "very likely" from 0.9 are the IPCC's (note of 2010)."""

ADVICE: Final[Mapping[Advice, str]] = {
    Advice.MORE_LIGHT: "It is dark. More light would help.",
    Advice.LESS_LIGHT: "It is very bright. Turn away from the light.",
    Advice.STEADIER: "Hold the camera still for a moment.",
    Advice.FOCUS: "The picture is blurred. Tap to focus, or wipe the lens.",
    Advice.CLOSER: "Go closer, or zoom in.",
    Advice.FARTHER: "Step back, so that more of it is seen.",
    Advice.ANOTHER_VIEW: "Try another side, or a part with more detail.",
}
"""A sentence for each piece of advice."""

STATES: Final[Mapping[State, str]] = {
    State.IDLE: "Paused",
    State.LOOKING: "Looking …",
    State.CERTAIN: "Found",
    State.UNKNOWN: "Not in the catalogue",
    State.OFFLINE: "Offline",
}
"""A word or two for each state."""

MESSAGES: Final = (*(phrase for _, phrase in CONFIDENCES), *ADVICE.values(), *STATES.values())
"""All of the above, for catalogues of translations."""


def confidence_phrase(confidence: float) -> str:
    """How sure an answer is, in words.

    Args:
        confidence: 0 to 1.
    """
    return next(phrase for least, phrase in CONFIDENCES if confidence >= least)


def percent(confidence: float) -> int:
    """How sure an answer is, in whole per cent: never 100, since nothing is certain, and never more than it is."""
    return min(99, int(100.0 * max(0.0, confidence) + 1e-9))
