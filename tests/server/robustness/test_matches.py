"""Matches of a photo and its changed copy, judged by what is known."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.delf.homographies import Homography, mapped, scaling, shifting
from steeple.server.robustness import LocalFeatures
from steeple.server.robustness.matches import match

SIZE = (640, 480)
RADII = (8.0,)


def planted(homography: Homography, off: float, count: int = 100) -> tuple[LocalFeatures, LocalFeatures]:
    """Features of a copy and its photo that match one to one, the copy's off by so many pixels in all directions."""
    random = np.random.default_rng(0)
    descriptors = np.eye(count, 128, dtype=np.float32)
    points = random.uniform((20, 20), (620, 460), (count, 2))
    angles = random.uniform(0, 2 * np.pi, count)
    moved = mapped(homography, points) + off * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (
        LocalFeatures(moved.astype(np.float32), descriptors, RADII),
        LocalFeatures(points.astype(np.float32), descriptors, RADII),
    )


@pytest.mark.parametrize(("off", "near", "correct"), [(1, 100, 100), (9, 0, 100), (15.9, 0, 100), (16.1, 0, 0)])
def test_matches_count_by_how_close_they_land(off: float, near: int, correct: int) -> None:
    matched = match(*planted(shifting(10, 5), off), shifting(10, 5), SIZE, SIZE)
    assert (matched.matches, matched.near, matched.correct) == (100, near, correct)


def test_the_photo_is_recognised_where_it_is() -> None:
    homography = scaling(0.5, 0.5)
    matched = match(*planted(homography, 1), homography, SIZE, (320, 240))
    assert matched.inliers > 90
    assert matched.corner_error < 0.005
    assert matched.recognised


def test_a_consistent_geometry_in_the_wrong_place_is_no_recognition() -> None:
    matched = match(*planted(shifting(100, 0), 1), shifting(0, 0), SIZE, SIZE)
    assert matched.inliers > 90
    assert matched.corner_error == pytest.approx(100 / 800, rel=0.01), "of the diagonal"
    assert not matched.recognised


def test_too_few_inliers_are_no_recognition() -> None:
    matched = match(*planted(shifting(10, 5), 0.5, count=11), shifting(10, 5), SIZE, SIZE)
    assert matched.corner_error < 0.01
    assert not matched.recognised
    assert match(*planted(shifting(10, 5), 0.5, count=12), shifting(10, 5), SIZE, SIZE).recognised


def test_without_matches_there_is_nothing() -> None:
    nothing = LocalFeatures(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32), RADII)
    matched = match(nothing, planted(np.eye(3), 0)[1], np.eye(3), SIZE, SIZE)
    assert (matched.matches, matched.correct, matched.inliers, matched.recognised) == (0, 0, 0, False)


def test_the_radius_that_finds_the_photo_counts() -> None:
    """Positions 14 pixels off: a radius of 8 leaves few inliers."""
    view, photo = planted(shifting(10, 5), 14)
    assert match(view, photo, shifting(10, 5), SIZE, SIZE).inliers < 60
    both = LocalFeatures(view.keypoints, view.descriptors, (8.0, 24.0))
    assert match(both, photo, shifting(10, 5), SIZE, SIZE).corner_error < 0.01
