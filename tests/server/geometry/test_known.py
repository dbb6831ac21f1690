"""Outlines beside known homographies, through the real index and recogniser."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.delf.homographies import corners, mapped, scaling, shifting, warped
from steeple.errors import ImageError
from steeple.server.geometry import Finder, KnownPair, measure_pairs, measure_views
from steeple.server.geometry.known import outlined, random_homography
from tests.scenes import encoded, scene

TILT = np.array([[0.9, 0.08, 25], [-0.03, 0.92, 30], [1.5e-4, 5e-5, 1]])


@pytest.fixture(scope="module")
def finder() -> Finder:
    return Finder(ModelRelease.load())


def test_a_photo_lies_on_itself(finder: Finder) -> None:
    found = outlined(finder, scene(1), scene(1), np.eye(3))
    assert found.verified
    assert found.identified
    assert found.inliers > 200
    assert found.outline_error < 1
    assert found.photo_error < 1


def test_a_tilted_photo_is_outlined_within_a_cell_or_two(finder: Finder) -> None:
    found = outlined(finder, warped(scene(1), TILT, (640, 480)), scene(1), TILT)
    assert 0.5 < found.outline_error < 24
    assert found.outline_error < found.photo_error < 40


def test_the_error_is_that_of_the_truth_that_was_stated(finder: Finder) -> None:
    """The same answer, and a truth that is 30 pixels off."""
    found = outlined(finder, scene(1), scene(1), shifting(30, 0))
    assert found.outline_error == pytest.approx(30, abs=1)


def test_pixels_are_those_of_640x480(finder: Finder) -> None:
    """As before, in pictures of half the size: 15 pixels there are 30 here."""
    small = scene(1, 320, 240)
    assert outlined(finder, small, small, shifting(15, 0)).outline_error == pytest.approx(30, abs=1)


def test_what_is_not_there_has_no_error(finder: Finder) -> None:
    found = outlined(finder, np.full((240, 320, 3), 90, np.uint8), scene(1), np.eye(3))
    assert found.verified or math.isnan(found.outline_error)
    assert not found.identified


def test_beyond_the_horizon_nothing_is_compared(finder: Finder) -> None:
    behind = np.array([[1, 0, 0], [0, 1, 0], [-0.01, 0, 1.0]])
    found = outlined(finder, scene(1), scene(1), behind)
    assert found.verified
    assert math.isnan(found.photo_error)


def test_views_differ_as_second_photos_do() -> None:
    scales = []
    for seed in range(60):
        homography = random_homography(np.random.default_rng(seed), 640, 480)
        seen = mapped(homography, corners(640, 480))
        sides = np.linalg.norm(np.roll(seen, -1, axis=0) - seen, axis=1)
        scales.append(float(sides.mean() / 560))
        assert np.abs(seen.mean(axis=0) - [319.5, 239.5]).max() < 150
        assert 0.45 < scales[-1] < 1.8
    assert min(scales) < 0.7
    assert max(scales) > 1.3


def test_the_same_photos_are_seen_alike(finder: Finder, tmp_path: Path) -> None:
    photos = [tmp_path / f"{seed}.png" for seed in (1, 2, 3)]
    for seed, path in enumerate(photos):
        path.write_bytes(encoded(scene(seed, 480, 360), ".png"))
    steps: list[tuple[str, int, int]] = []
    first = measure_views(photos, finder, lambda *step: steps.append(step))
    assert first == measure_views(photos, finder, lambda *_: None)
    assert steps == [("known views", done, 3) for done in range(4)]
    assert all(result.verified and result.outline_error < 40 for result in first)
    assert len({result.outline_error for result in first}) == 3


def test_pairs_are_files_as_large_as_they_are(finder: Finder, tmp_path: Path) -> None:
    """A query of twice the size: errors are still those of 640x480."""
    query, reference = tmp_path / "query.png", tmp_path / "reference.png"
    query.write_bytes(encoded(warped(scene(1), scaling(2, 2), (1280, 960)), ".png"))
    reference.write_bytes(encoded(scene(1), ".png"))
    right, wrong = (KnownPair(query, reference, shifting(x, 0) @ scaling(2, 2)) for x in (0, 100))
    results = measure_pairs([right, wrong], finder, lambda *_: None)
    assert results[0].outline_error < 5
    assert results[1].outline_error == pytest.approx(50, abs=5)


def test_a_photo_that_cannot_be_used_is_named(finder: Finder, tmp_path: Path) -> None:
    good, bad, small = (tmp_path / name for name in ("good.png", "bad.png", "small.png"))
    good.write_bytes(encoded(scene(1, 320, 240), ".png"))
    bad.write_bytes(b"no picture")
    small.write_bytes(encoded(scene(1, 20, 20), ".png"))
    for path in (bad, small):
        with pytest.raises(ImageError, match=path.name):
            measure_pairs([KnownPair(good, path, np.eye(3))], finder, lambda *_: None)
        with pytest.raises(ImageError, match=path.name):
            measure_views([path], finder, lambda *_: None)
