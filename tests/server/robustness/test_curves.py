"""Curves of both methods on scenes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steeple.delf import ModelRelease
from steeple.errors import InvalidArgumentError
from steeple.server.robustness import TRANSFORMATIONS, Curves, Release, RootSift, measure
from tests.scenes import scene

PHOTOS = [scene(seed, 320, 240) for seed in (1, 2)]
STRENGTHS = {"rotation": (0.0, 180.0), "blur": (2.0, 8.0), "occlusion": (0.5, 0.99)}
SOME = [replace(each, strengths=STRENGTHS[each.name]) for each in TRANSFORMATIONS if each.name in STRENGTHS]


@pytest.fixture(scope="module")
def curves() -> dict[str, Curves]:
    steps: list[tuple[str, int, int]] = []
    measured = measure(PHOTOS, [Release(ModelRelease.load()), RootSift()], SOME, lambda *step: steps.append(step))
    assert steps == [("photos", done, 2) for done in (0, 1, 2)]
    return {curve.transformation.name: curve for curve in measured}


def test_a_photo_matches_itself(curves: dict[str, Curves]) -> None:
    for points in curves["rotation"].points.values():
        same = points[0]
        assert (same.strength, same.recognised, same.correct_share) == (0, 1, 1)
        assert same.correct == same.matches > 100


def test_rootsift_carries_over_half_a_turn(curves: dict[str, Curves]) -> None:
    turned = curves["rotation"].points["RootSIFT"][1]
    assert turned.recognised == 1
    assert turned.correct_share > 0.9
    assert turned.correct_share > curves["rotation"].points["delf-lite2-v1"][1].correct_share + 0.2


def test_blur_takes_more_from_rootsift(curves: dict[str, Curves]) -> None:
    ours, theirs = (curves["blur"].points[name] for name in ("delf-lite2-v1", "RootSIFT"))
    assert [point.correct for point in theirs] == sorted((point.correct for point in theirs), reverse=True)
    assert ours[1].correct > 2 * theirs[1].correct


def test_nothing_is_recognised_behind_another_photo(curves: dict[str, Curves]) -> None:
    for name, points in curves["occlusion"].points.items():
        assert points[0].recognised == 1
        assert points[1].recognised == 0
        assert points[1].correct_share < 0.1
        assert curves["occlusion"].mean(name) == 0.5


def test_shares_are_shares(curves: dict[str, Curves]) -> None:
    for curve in curves.values():
        for points in curve.points.values():
            assert [point.strength for point in points] == list(curve.transformation.strengths)
            assert all(0 <= point.near_share <= point.correct_share <= 1 for point in points)


def test_the_same_photos_give_the_same_curves() -> None:
    night = [replace(each, strengths=(8.0,)) for each in TRANSFORMATIONS if each.name == "darkness"]
    first, again = (measure(PHOTOS, [RootSift()], night, lambda *_: None) for _ in range(2))
    assert first == again


def test_one_photo_is_too_few() -> None:
    with pytest.raises(InvalidArgumentError, match="at least 2 photos"):
        measure(PHOTOS[:1], [RootSift()], SOME, lambda *_: None)
