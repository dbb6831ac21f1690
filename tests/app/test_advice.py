"""What would help."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steeple.app.advice import Advice, advise
from steeple.app.frames import Quality
from steeple.client import Answer

from .answering import UNKNOWN, answer

GOOD = Quality(sharpness=0.7, motion=0.05, brightness=0.5, glare=0.0)


def guess(width: float, height: float, *, inliers: int = 6) -> Answer:
    outline = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return answer(("a", 0.4), identified=False, outline=outline, inliers=inliers)


@pytest.mark.parametrize(
    ("quality", "advice"),
    [
        (replace(GOOD, brightness=0.1), Advice.MORE_LIGHT),
        (replace(GOOD, glare=0.6, brightness=0.9), Advice.LESS_LIGHT),
        (replace(GOOD, motion=0.9, sharpness=0.3), Advice.STEADIER),
        (replace(GOOD, sharpness=0.3), Advice.FOCUS),
        (GOOD, Advice.ANOTHER_VIEW),
    ],
)
def test_a_bad_picture_comes_first(quality: Quality, advice: Advice) -> None:
    assert advise(quality, None) is advise(quality, UNKNOWN) is advice
    if quality is not GOOD:
        assert advise(quality, guess(60, 60)) is advice


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (guess(100, 100), Advice.CLOSER),
        (guess(300, 300), Advice.ANOTHER_VIEW),
        (guess(600, 450), Advice.FARTHER),
        (guess(100, 100, inliers=2), Advice.ANOTHER_VIEW),
        (answer(("a", 0.3), identified=False), Advice.ANOTHER_VIEW),
    ],
)
def test_a_guess_says_whether_to_go_closer(said: Answer, advice: Advice) -> None:
    assert advise(GOOD, said) is advice
