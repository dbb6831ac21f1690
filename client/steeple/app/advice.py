"""What a person can do when nothing is recognised."""

from __future__ import annotations

import enum
from typing import Final

import cv2

from steeple.app.frames import Quality
from steeple.client.types import Answer

DARK: Final = 0.18
"""Mean grey value below which a picture is too dark."""

GLARING: Final = 0.4
"""Share of white pixels from which a picture is too bright."""

SHAKING: Final = 0.4
"""Motion, in widths of the frame a second, from which a hand is unsteady."""

BLURRED: Final = 0.5
"""Sharpness below which a picture is blurred."""

SMALL: Final = 0.08
"""Share of the frame that a landmark covers which is too far away."""

CLOSE: Final = 0.6
"""Share of the frame from which the matched part of a landmark shows too little around it."""

_FEW: Final = 3  # inliers that a candidate needs to be worth going closer for


class Advice(enum.Enum):
    """What would help.

    MORE_LIGHT, LESS_LIGHT: too dark, too bright. STEADIER: the hand moves. FOCUS: blurred though the hand is still.
    CLOSER, FARTHER: the landmark is small, or not all of it is seen. ANOTHER_VIEW: nothing is wrong with the picture.
    """

    MORE_LIGHT = "more-light"
    LESS_LIGHT = "less-light"
    STEADIER = "steadier"
    FOCUS = "focus"
    CLOSER = "closer"
    FARTHER = "farther"
    ANOTHER_VIEW = "another-view"


def advise(quality: Quality, answer: Answer | None) -> Advice:
    """What would most help to recognise what the camera sees.

    Args:
        quality: Of the last frames, on average.
        answer: The last one; None if there is none yet.
    """
    of_picture = (
        (quality.brightness < DARK, Advice.MORE_LIGHT),
        (quality.glare > GLARING, Advice.LESS_LIGHT),
        (quality.motion > SHAKING, Advice.STEADIER),
        (quality.sharpness < BLURRED, Advice.FOCUS),
    )
    for wrong, advice in of_picture:
        if wrong:
            return advice
    best = None if answer is None else answer.best
    if answer is None or best is None or best.inliers < _FEW or len(best.outline) < 3:
        return Advice.ANOTHER_VIEW
    covered = cv2.contourArea(best.outline) / (answer.width * answer.height)
    if covered < SMALL:
        return Advice.CLOSER
    return Advice.FARTHER if covered > CLOSE else Advice.ANOTHER_VIEW
