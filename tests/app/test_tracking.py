"""Planes followed through films whose geometry is known."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.app.frames import Frame, Quality
from steeple.app.tracking import TRAIL, Tracker, Trail, carried, to_grey
from steeple.delf.homographies import Homography, about, corners, inverse, mapped, middle, rotating, scaling, shifting
from tests.scenes import scene

SIZE = (480, 360)
OUTLINE = np.array([[90, 70], [380, 60], [400, 300], [80, 290]], np.float32)
INLIERS = np.random.default_rng(1).uniform((100, 80), (370, 280), (50, 2)).astype(np.float32)


def motion(number: int, *, speed: float = 1.0) -> Homography:
    """Of a hand: it pans, zooms, turns and tilts a little."""
    time = speed * number / 30
    zoom = 1.0 + 0.2 * math.sin(1.3 * time)
    tilted = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [2e-4 * math.sin(time), 1e-4 * math.sin(2 * time), 1.0]])
    seen = about(middle(*SIZE), rotating(9.0 * math.sin(time)) @ scaling(zoom, zoom) @ tilted)
    return np.asarray(shifting(70.0 * math.sin(1.7 * time), 40.0 * math.sin(time)) @ seen, np.float64)


def shot(seed: int, homography: Homography, noise: int = 0) -> NDArray[np.uint8]:
    """Grey picture of a scene, with the noise of a sensor."""
    around = shifting(-120.0, -90.0)  # the scene goes on outside of the frame
    seen = cv2.warpPerspective(scene(seed, 720, 540), homography @ around, SIZE, borderMode=cv2.BORDER_REFLECT)
    grey = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY) + np.random.default_rng(noise).normal(0.0, 3.0, SIZE[::-1])
    return np.asarray(np.clip(grey, 0, 255), np.uint8)


def error(found: Homography | None, homography: Homography) -> float:
    """The largest error of the outline's corners, pixels."""
    assert found is not None
    return float(np.linalg.norm(mapped(found, OUTLINE) - mapped(homography, OUTLINE), axis=1).max())


@pytest.mark.parametrize("seed", range(4))
def test_the_outline_is_within_a_few_pixels_after_thirty_frames(seed: int) -> None:
    tracker = Tracker(shot(seed, motion(0)), INLIERS, OUTLINE)
    errors = [error(tracker.follow(shot(seed, motion(number), number)), motion(number)) for number in range(1, 31)]
    assert max(errors) < 4.0
    assert float(np.median(errors)) < 2.0


def test_it_goes_on_when_most_of_the_first_points_have_left_the_picture() -> None:
    outline, inliers = corners(*SIZE).astype(np.float32), np.random.default_rng(2).uniform((0, 0), SIZE, (80, 2))
    tracker = Tracker(shot(1, np.eye(3)), inliers.astype(np.float32), outline)
    pans = [shifting(-7.0 * number, 0.0) for number in range(1, 41)]  # up to 280 of 480 pixels
    found = [tracker.follow(shot(1, pan, number)) for number, pan in enumerate(pans)]
    assert found[-1] is not None
    assert float(np.linalg.norm(mapped(found[-1], outline) - mapped(pans[-1], outline), axis=1).max()) < 4.0


def test_what_passes_before_it_does_not_carry_it_away() -> None:
    tracker, passer = Tracker(shot(2, motion(0)), INLIERS, OUTLINE), scene(9, 100, 360)
    grey_passer = np.asarray(cv2.cvtColor(passer, cv2.COLOR_RGB2GRAY), np.uint8)
    for number in range(1, 31):
        frame = shot(2, motion(number), number)
        left = 16 * number - 100
        shown = slice(max(0, left), min(SIZE[0], left + 100))
        frame[:, shown] = grey_passer[:, shown.start - left : shown.stop - left]
        assert error(tracker.follow(frame), motion(number)) < 5.0


def test_a_cut_loses_it_for_good() -> None:
    tracker = Tracker(shot(3, motion(0)), INLIERS, OUTLINE)
    assert tracker.follow(shot(3, motion(1), 1)) is not None
    assert tracker.follow(shot(4, motion(2), 2)) is None
    assert tracker.follow(shot(3, motion(3), 3)) is None
    assert tracker.motion is None


def test_it_gives_up_when_it_is_covered() -> None:
    tracker, grey = Tracker(shot(3, motion(0)), INLIERS, OUTLINE), np.full(SIZE[::-1], 128, np.uint8)
    assert tracker.follow(grey) is None


def test_there_is_nothing_to_follow_on_a_blank_wall_or_without_an_outline() -> None:
    blank = np.full(SIZE[::-1], 128, np.uint8)
    assert Tracker(blank, INLIERS, OUTLINE).motion is None
    assert Tracker(shot(1, motion(0)), INLIERS, OUTLINE[:2]).motion is None
    assert Tracker(shot(1, motion(0)), INLIERS[:0], OUTLINE).motion is None


def test_frames_of_another_size_are_another_film() -> None:
    tracker = Tracker(shot(1, motion(0)), INLIERS, OUTLINE)
    assert tracker.follow(shot(1, motion(1))[:, :300].copy()) is None


# --- from an answer's frame to the newest ---


def frame(number: int, grey: NDArray[np.uint8], size: tuple[int, int] | None = None) -> Frame:
    pixels = np.zeros((*(size or SIZE)[::-1], 3), np.uint8)
    return Frame(number, pixels, grey, 0.0, 0.0, Quality(0.7, 0.0, 0.5, 0.0))


def test_an_answer_is_carried_over_the_frames_since() -> None:
    trail = Trail()
    for number in range(14):
        trail.add(frame(number, shot(5, motion(number), number)))
    greys = trail.since(2)
    assert 3 <= len(greys) <= 9
    found = carried(greys, INLIERS, OUTLINE).motion
    expected = motion(13) @ inverse(motion(2))
    assert error(found, expected) < 3.0
    assert len(trail.since(13)) == 1
    assert carried(trail.since(13), INLIERS, OUTLINE).motion is not None


def test_frames_that_are_kept_no_more_cannot_be_carried_from() -> None:
    trail, grey = Trail(), shot(5, motion(0))
    assert trail.since(0) == []
    for number in range(0, 2 * TRAIL + 20, 2):
        trail.add(frame(number, grey))
    assert trail.since(0) == []
    assert trail.since(2 * TRAIL + 17) == []  # never seen
    assert trail.since(2 * TRAIL + 18)
    trail.add(frame(500, grey[:, :200].copy()))
    assert trail.since(2 * TRAIL + 18) == []
    assert len(trail.since(500)) == 1
    trail.clear()
    assert trail.since(500) == []


def test_pixels_of_a_frame_are_found_in_its_grey_picture() -> None:
    large = frame(0, np.zeros((360, 640), np.uint8), (1280, 720))
    assert mapped(to_grey(large), np.array([[-0.5, -0.5], [1279.5, 719.5]])).tolist() == [[-0.5, -0.5], [639.5, 359.5]]
