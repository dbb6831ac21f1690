"""How frames are judged, and which is looked at."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from steeple.app.frames import TRACKED_SIDE, Frame, FrameChooser, FrameJudge, Quality, sharpness
from tests.scenes import scene


def grey(seed: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(scene(seed, 320, 240), cv2.COLOR_RGB2GRAY), np.uint8)


def moved(picture: NDArray[np.uint8], x: float, y: float) -> NDArray[np.uint8]:
    matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REFLECT), np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_sharpness_falls_with_blur_whatever_the_light(seed: int) -> None:
    picture = grey(seed)
    blurred = [sharpness(np.asarray(cv2.blur(picture, (width, 1)), np.uint8)) for width in (1, 5, 9, 15)]
    assert blurred == sorted(blurred, reverse=True)
    assert blurred[0] > 0.6
    assert blurred[-1] < 0.8 * blurred[0]
    upright = sharpness(np.asarray(cv2.blur(picture, (1, 9)), np.uint8))
    assert upright < 0.85 * blurred[0]
    dim = np.asarray(picture // 3 + 10, np.uint8)
    assert sharpness(dim) == pytest.approx(blurred[0], abs=0.05)
    assert sharpness(np.full((240, 320), 90, np.uint8)) == 0.0


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (12.0, 0.0), (0.0, -9.0), (16.0, 12.0)])
def test_motion_is_in_widths_a_second(x: float, y: float) -> None:
    picture, judge = scene(1), FrameJudge()
    assert judge.judge(picture, 5.0, 0.0).quality.motion == 0.0
    motion = judge.judge(moved(picture, x, y), 5.1, 0.0).quality.motion
    assert motion == pytest.approx(float(np.hypot(x, y)) / 640 / 0.1, abs=0.03)


def test_a_cut_is_a_great_motion_and_darkness_none() -> None:
    judge = FrameJudge()
    judge.judge(scene(1), 0.0, 0.0)
    assert judge.judge(scene(2), 0.03, 0.0).quality.motion > 2.0
    black = np.zeros((480, 640, 3), np.uint8)
    judge.judge(black, 0.06, 0.0)
    dark = judge.judge(black, 0.09, 0.0).quality
    assert (dark.motion, dark.brightness, dark.glare) == (0.0, 0.0, 0.0)
    assert judge.judge(np.full((480, 640, 3), 255, np.uint8), 0.12, 0.0).quality.glare == 1.0


@pytest.mark.parametrize(
    ("size", "tracked"), [((640, 480), (640, 480)), ((1280, 720), (640, 360)), ((480, 640), (480, 640))]
)
def test_large_frames_are_followed_in_a_smaller_picture(size: tuple[int, int], tracked: tuple[int, int]) -> None:
    frame = FrameJudge().judge(scene(1, *size), 1.0, 2.0)
    assert frame.size == size
    assert frame.grey.shape[::-1] == tracked
    assert max(frame.grey.shape) <= TRACKED_SIDE
    assert (frame.number, frame.time, frame.arrived) == (0, 1.0, 2.0)


# --- choosing ---

PIXELS = np.zeros((48, 64, 3), np.uint8)


def frame(time: float, *, sharp: float = 0.7, motion: float = 0.0) -> Frame:
    return Frame(round(time * 1000), PIXELS, PIXELS[..., 0], time, time, Quality(sharp, motion, 0.5, 0.0))


def test_the_newest_of_good_frames_wins_and_is_taken_once() -> None:
    chooser = FrameChooser()
    assert chooser.take(0.0) is None
    for number in range(5):
        chooser.offer(frame(0.03 * number))
    taken = chooser.take(0.2)
    assert taken is not None
    assert taken.time == 0.12
    assert chooser.take(9.0) is None


def test_a_blurred_frame_does_not_replace_a_sharp_one_of_a_moment_ago() -> None:
    chooser = FrameChooser(patience=0.2)
    chooser.offer(frame(0.0))
    chooser.offer(frame(0.03, sharp=0.4))
    chooser.offer(frame(0.06, motion=1.0))
    taken = chooser.take(0.06)
    assert taken is not None
    assert taken.time == 0.0


def test_a_better_frame_is_waited_for_but_not_for_ever() -> None:
    chooser = FrameChooser(patience=0.2)
    chooser.offer(frame(0.0))
    assert chooser.take(0.0) is not None
    chooser.offer(frame(0.3, motion=2.0))
    assert chooser.take(0.3) is None
    chooser.offer(frame(0.33, motion=0.6))
    chooser.offer(frame(0.36, motion=1.0))
    assert chooser.take(0.4) is None
    taken = chooser.take(0.5)
    assert taken is not None
    assert taken.time == 0.33  # the stillest of the bad


def test_what_is_called_sharp_follows_the_scene() -> None:
    chooser = FrameChooser(patience=10.0)
    chooser.offer(frame(0.0, sharp=0.8))
    chooser.take(0.0)
    chooser.offer(frame(0.1, sharp=0.5))
    assert chooser.take(0.1) is None
    chooser.offer(frame(2.0, sharp=0.5))  # a scene without detail
    assert chooser.take(2.0) is not None


def test_a_cleared_chooser_has_nothing() -> None:
    chooser = FrameChooser()
    chooser.offer(frame(0.0))
    chooser.clear()
    assert chooser.take(5.0) is None


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 2.0)), min_size=1, max_size=40))
def test_nobody_who_is_free_waits_longer_than_is_patient(frames: list[tuple[float, float]]) -> None:
    chooser, patience, free = FrameChooser(patience=0.2), 0.2, None
    for number, (sharp, motion) in enumerate(frames):
        now = number / 30
        chooser.offer(frame(now, sharp=sharp, motion=motion))
        free = now if free is None else free
        taken = chooser.take(now)
        assert (taken is not None) or now - free < patience
        if taken is not None:
            assert now - taken.time <= patience
            free = None
