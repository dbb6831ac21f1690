"""Frames and views are drawn together."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.app.states import State
from steeple.app.ui.pairing import FRAME_SECONDS, VIEW_SECONDS, Pairing

from .test_presenters import view as view_of

FRAMES = [np.full((2, 3, 3), shade, np.uint8) for shade in range(6)]


@pytest.fixture
def pairing() -> Pairing:
    return Pairing()


def test_a_frame_waits_for_its_view(pairing: Pairing) -> None:
    view = view_of(State.LOOKING, time=10.0)
    pairing.frame(FRAMES[0], 10.0, now=0.0)
    assert pairing.next(0.02) == (None, None)
    pairing.view(view, 0.03)
    assert pairing.next(0.04) == (FRAMES[0], view)
    assert pairing.next(1.0) == (None, None)


def test_a_frame_that_nobody_looks_at_is_shown_without(pairing: Pairing) -> None:
    pairing.frame(FRAMES[0], 10.0, now=0.0)
    pairing.frame(FRAMES[1], 10.03, now=0.03)
    assert pairing.next(FRAME_SECONDS - 0.01) == (None, None)
    pixels, view = pairing.next(FRAME_SECONDS)
    assert pixels is FRAMES[1], "the newest"
    assert view is None
    assert pairing.next(1.0) == (None, None), "the one before is over"


def test_a_frame_that_is_newer_than_the_view_waits_for_its_own(pairing: Pairing) -> None:
    first, second = view_of(State.LOOKING, time=10.0), view_of(State.LOOKING, time=10.03)
    pairing.frame(FRAMES[0], 10.0, now=0.0)
    pairing.frame(FRAMES[1], 10.03, now=0.03)
    pairing.view(first, 0.04)
    assert pairing.next(0.04)[0] is FRAMES[0]
    assert pairing.next(0.05) == (None, None)
    pairing.view(second, 0.06)
    assert pairing.next(0.06) == (FRAMES[1], second)


def test_news_of_a_frame_that_is_drawn_comes_with_the_next(pairing: Pairing) -> None:
    pairing.frame(FRAMES[0], 10.0, now=0.0)
    pairing.view(view_of(State.LOOKING, time=10.0), 0.0)
    assert pairing.next(0.0)[0] is FRAMES[0]
    answered = view_of(State.LOOKING, time=10.0)
    pairing.view(answered, 0.02)
    assert pairing.next(0.05) == (None, None)
    pairing.frame(FRAMES[1], 10.1, now=0.1)
    following = view_of(State.LOOKING, time=10.1)
    pairing.view(following, 0.11)
    assert pairing.next(0.11) == (FRAMES[1], following)


def test_without_a_next_frame_it_comes_soon(pairing: Pairing) -> None:
    pairing.view(view_of(State.LOOKING, time=10.0), 0.0)
    assert pairing.next(0.0)[1] is not None, "the first of all"
    news, newer = view_of(State.LOOKING, time=10.0), view_of(State.LOOKING, time=10.0)
    pairing.view(news, 0.0)
    pairing.view(newer, VIEW_SECONDS / 2)
    assert pairing.next(VIEW_SECONDS - 0.01) == (None, None)
    assert pairing.next(VIEW_SECONDS) == (None, newer), "as long after the first of them"


def test_another_state_is_told_at_once(pairing: Pairing) -> None:
    pairing.view(view_of(State.LOOKING, time=10.0), 0.0)
    pairing.next(0.0)
    found = view_of(State.CERTAIN, time=10.0)
    pairing.view(found, 0.01)
    assert pairing.next(0.01) == (None, found)


def test_few_frames_are_kept(pairing: Pairing) -> None:
    for number, frame in enumerate(FRAMES):
        pairing.frame(frame, 10.0 + number, now=0.0)
    pairing.view(view_of(State.LOOKING, time=11.0), 0.0)
    assert pairing.next(0.0)[0] is None, "the frame of that view was overtaken"
    assert pairing.next(FRAME_SECONDS)[0] is FRAMES[-1]
