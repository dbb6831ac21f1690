"""What patch networks minimise, against numbers worked out by hand and references that go pair by pair."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.tiny_training import NEEDS_TENSORFLOW

pytestmark = NEEDS_TENSORFLOW

Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def losses() -> Any:
    return importlib.import_module("steeple.baselines.training.patch_losses")


def unit(rng: np.random.Generator, *shape: int) -> Array:
    vectors = rng.standard_normal(shape).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def apart(first: Array, second: Array) -> float:
    return float(np.linalg.norm(first - second))


def pairs(count: int = 12) -> tuple[Array, Array, NDArray[np.int32], NDArray[np.int32]]:
    """Of 3 photos, each seen in two scenes."""
    rng = np.random.default_rng(0)
    first = unit(rng, count, 6)
    second = first + 0.3 * unit(rng, count, 6)
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    scenes = np.arange(count) % 6
    return first, second, np.asarray(scenes % 3, np.int32), np.asarray(scenes, np.int32)


def others(i: int, photos: NDArray[np.int32], scenes: NDArray[np.int32]) -> list[int]:
    """What pair ``i`` is held against: of other photos, and of the same views."""
    return [j for j in range(len(photos)) if j != i and (photos[j] != photos[i] or scenes[j] == scenes[i])]


def test_the_hardest_of_the_batch_counts_from_either_side(losses: Any) -> None:
    first, second, photos, scenes = pairs()
    expected = []
    for i in range(len(first)):
        wrong = others(i, photos, scenes)
        nearest = min(min(apart(first[i], second[j]), apart(first[j], second[i])) for j in wrong)
        expected.append(max(0.0, 1 + apart(first[i], second[i]) - nearest))
    made = np.asarray(losses.hardest_in_batch(first, second, photos, scenes, 1.0))
    np.testing.assert_allclose(made, expected, atol=1e-3)
    assert np.asarray(losses.hardest_in_batch(first, second, photos, scenes, 0.0)).sum() < made.sum()


def test_another_view_of_the_photo_is_not_held_against_a_patch_and_the_same_view_is(losses: Any) -> None:
    first, second, _, _ = pairs(2)
    second[1] = first[0]  # as near as can be
    one = np.zeros(2, np.int32)
    held = np.asarray(losses.hardest_in_batch(first, second, one, one, 1.0))
    assert held[0] == pytest.approx(1 + apart(first[0], second[0]), abs=2e-3)
    np.testing.assert_array_equal(losses.hardest_in_batch(first, second, one, np.arange(2, dtype=np.int32), 1.0), 0)


def test_only_the_nearest_others_count_and_only_within_the_margin(losses: Any) -> None:
    first, second, photos, scenes = pairs()
    expected = []
    for i in range(len(first)):
        nearest = sorted(apart(first[i], second[j]) for j in others(i, photos, scenes))
        hinges = [max(0.0, 1.2 - distance) for distance in nearest[:3]]
        expected.append(apart(first[i], second[i]) + sum(hinges) / 3)
    made = np.asarray(losses.pairwise_hinge(first, second, photos, scenes, 1.2, 3))
    np.testing.assert_allclose(made, expected, atol=1e-3)


@pytest.mark.parametrize(("angle", "loss"), [(0.7, 0.0), (0.7 + math.pi, 2.0), (0.7 + math.pi / 2, 1.0)])
def test_orientations_should_differ_by_the_turn(losses: Any, angle: float, loss: float) -> None:
    first = np.array([[math.cos(0.2), math.sin(0.2)]], np.float32)
    second = np.array([[math.cos(angle), math.sin(angle)]], np.float32)
    made = losses.turned_apart(first, second, np.array([0.5], np.float32))
    np.testing.assert_allclose(np.asarray(made), [loss], atol=1e-6)


def test_a_soft_position_is_at_a_peak_and_between_two(losses: Any) -> None:
    scores = np.zeros((2, 9, 12), np.float32)
    scores[0, 3, 7] = scores[1, 3, 7] = scores[1, 5, 1] = 4
    made = np.asarray(losses.soft_position(scores, 10.0, 6))
    np.testing.assert_allclose(made, [[13, 9], [10, 10]], atol=1e-3)


def test_a_score_elsewhere_than_at_the_place_costs(losses: Any) -> None:
    scores = np.zeros((3, 9, 12), np.float32)
    scores[0, 3, 7] = scores[1, 3, 7] = 3
    made = np.asarray(losses.elsewhere(scores, np.array([[13, 9], [8, 14], [13, 9]], np.float32), 10.0, 6))
    assert made[0] < made[1]
    np.testing.assert_allclose(made[2], math.log(9 * 12), atol=1e-4)  # of 108 pixels, all alike
    # The place itself has 1 / (2 pi) of a Gaussian of one pixel; the rest is on pixels that lose by 30.
    np.testing.assert_allclose(made[0], 30 * (1 - 1 / (2 * math.pi)), rtol=0.01)


def test_positions_are_carried_by_affine_transforms(losses: Any) -> None:
    transform = np.array([[[0, -2, 5], [2, 0, 1]]], np.float32)
    np.testing.assert_allclose(np.asarray(losses.carried(np.array([[3.0, 4.0]], np.float32), transform)), [[-3, 7]])


def test_presence_wants_one_high_score_and_blank_places_none(losses: Any) -> None:
    flat = np.full((1, 10, 10), 0.4, np.float32)
    np.testing.assert_allclose(np.asarray(losses.presence(flat, 10.0, present=True)), 0.36, atol=1e-5)
    np.testing.assert_allclose(np.asarray(losses.presence(flat, 10.0, present=False)), 1.96, atol=1e-5)
    peak = np.full((1, 10, 10), -3, np.float32)
    peak[0, 4, 4] = 2  # of a hundred pixels: log(100) / 10 is 0.46 less
    assert float(np.asarray(losses.presence(peak, 10.0, present=True))[0]) == 0
    np.testing.assert_allclose(np.asarray(losses.presence(-flat * 5, 10.0, present=False)), 0, atol=1e-5)
