"""What training minimises, against numbers worked out by hand and a reference that goes cell by cell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.tiny_training import NEEDS_TENSORFLOW, part

pytestmark = NEEDS_TENSORFLOW

Array = NDArray[np.float32]

STRIDE = 16
T = 0.25
E = math.exp(-1 / T)


@pytest.fixture(scope="module")
def losses() -> Any:
    return part("training.losses")


def unit(random: np.random.Generator, *shape: int) -> Array:
    vectors = random.standard_normal(shape).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def centres(side: int) -> Array:
    axis = np.arange(side) * STRIDE + 7.5
    return np.array([(x, y) for y in axis for x in axis], np.float32)


def crossing(likeness: list[float], right: float) -> float:
    """-log of the softmax of ``right`` among ``likeness``, of which it is one."""
    return math.log(sum(math.exp((each - right) / T) for each in likeness))


# --- matching ---


def matching_by_loops(first: Array, second: Array, targets: Any, positions: Array, scenes: list[int]) -> Array:
    pairs, cells, _ = first.shape
    places = centres(round(cells**0.5))
    near = 1.5 * STRIDE
    made = np.zeros((pairs, cells), np.float32)
    for p in range(pairs):
        for i in range(cells):
            t, forth, back = int(targets[p, i]), [], []
            for q in range(pairs):
                if q != p and scenes[q] == scenes[p]:
                    continue
                for j in range(cells):
                    if q != p or j == t or np.linalg.norm(positions[p, i] - places[j]) >= near:
                        forth.append(float(first[p, i] @ second[q, j]))
                    if q != p or j == i or np.linalg.norm(positions[p, i] - positions[p, j]) >= near:
                        back.append(float(second[p, t] @ first[q, j]))
            right = float(first[p, i] @ second[p, t])
            made[p, i] = 0.5 * (crossing(forth, right) + crossing(back, right))
    return made


def test_matching_is_the_loss_of_each_cell_in_turn(losses: Any) -> None:
    random = np.random.default_rng(1)
    first, second = unit(random, 4, 16, 6), unit(random, 4, 16, 6)
    positions = random.uniform(-8, 72, (4, 16, 2)).astype(np.float32)
    targets = np.linalg.norm(positions[:, :, None] - centres(4), axis=-1).argmin(axis=2).astype(np.int32)
    scenes = [3, -1, 3, 5]
    made = losses.matching(first, second, targets, positions, np.array(scenes, np.int32), T, STRIDE)
    expected = matching_by_loops(first, second, targets, positions, scenes)
    np.testing.assert_allclose(np.asarray(made), expected, rtol=1e-4, atol=1e-5)


def identical(losses: Any, pairs: int, scenes: list[int], side: int = 3) -> Array:
    """The loss where every cell has a direction of its own, the same in both views and in every pair."""
    cells = side**2
    vectors = np.tile(np.eye(cells, dtype=np.float32), (pairs, 1, 1))
    targets = np.tile(np.arange(cells, dtype=np.int32), (pairs, 1))
    positions = np.tile(centres(side), (pairs, 1, 1))
    made = losses.matching(vectors, vectors, targets, positions, np.array(scenes, np.int32), T, STRIDE)
    return np.asarray(made, np.float32)


def test_cells_beside_the_right_one_are_neither_right_nor_wrong(losses: Any) -> None:
    """Of 3 x 3 cells, 5 are not next to a corner, 3 not next to the middle of an edge, and none not to the centre."""
    corner, edge, centre = math.log(1 + 5 * E), math.log(1 + 3 * E), 0.0
    expected = [corner, edge, corner, edge, centre, edge, corner, edge, corner]
    np.testing.assert_allclose(identical(losses, 1, [0])[0], expected, atol=1e-5)


def test_other_pairs_are_wrong_unless_they_show_the_same_scene(losses: Any) -> None:
    alone = identical(losses, 1, [0])
    np.testing.assert_allclose(identical(losses, 2, [7, 7]), np.tile(alone, (2, 1)), atol=1e-5)
    # In the other pair, one cell is as good as the right one and 8 are wrong.
    others = identical(losses, 2, [0, 1])[0]
    assert others[0] == pytest.approx(math.log(1 + 5 * E + 1 + 8 * E), abs=1e-5)
    assert others[4] == pytest.approx(math.log(1 + 1 + 8 * E), abs=1e-5)
    mixed = identical(losses, 3, [0, 0, 1])
    np.testing.assert_allclose(mixed[:2], np.tile(others, (2, 1)), atol=1e-5)
    assert mixed[2][4] == pytest.approx(math.log(1 + 2 * (1 + 8 * E)), abs=1e-5)


# --- what is made of it ---


def test_forgiveness_gives_up_on_what_is_hopeless(losses: Any) -> None:
    values = np.array([0.0, 0.1, 2.0, 50.0], np.float32)
    np.testing.assert_array_equal(np.asarray(losses.forgiving(values, 0)), values)
    np.testing.assert_allclose(np.asarray(losses.forgiving(values, 1e-3)), values, rtol=0.03)
    probabilities = np.exp(-values)
    np.testing.assert_allclose(np.asarray(losses.forgiving(values, 0.5)), 2 * (1 - np.sqrt(probabilities)), atol=1e-6)
    assert float(losses.forgiving(values, 0.5)[3]) == pytest.approx(2.0), "at most 1 / q"


def test_a_weighted_mean_passes_over_what_weighs_nothing(losses: Any) -> None:
    values = np.array([[1.0, 4.0], [100.0, 7.0]], np.float32)
    weights = np.array([[1.0, 2.0], [0.0, 1.0]], np.float32)
    assert float(losses.weighted_mean(values, weights)) == pytest.approx((1 + 8 + 7) / 4, rel=1e-5)
    assert float(losses.weighted_mean(values, 0 * weights)) == 0.0


def test_attention_leaks_only_its_gradient(losses: Any) -> None:
    import tensorflow as tf  # noqa: PLC0415 - only where these tests run

    values = tf.constant([-3.0, -0.5, 0.5, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        made = losses.leaking_relu(values)
    np.testing.assert_allclose(made.numpy(), [0, 0, 0.5, 2.0], atol=1e-7)
    np.testing.assert_allclose(tape.gradient(made, values).numpy(), [0.1, 0.1, 1, 1], atol=1e-6)


def test_unit_vectors_are_unit(losses: Any) -> None:
    vectors = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)
    np.testing.assert_allclose(np.asarray(losses.unit(vectors)), np.array([[0.6, 0.8], [0, 0]]), atol=1e-6)


# --- whole pictures and the teacher ---


def test_instances_by_hand(losses: Any) -> None:
    apart = np.eye(2, dtype=np.float32)
    scenes = np.array([0, 1], np.int32)
    assert float(losses.instance(apart, apart, scenes, T)) == pytest.approx(math.log(1 + E), abs=1e-6)
    assert float(losses.instance(apart, apart[::-1], scenes, T)) == pytest.approx(math.log(1 + 1 / E), abs=1e-5)
    together = np.array([4, 4], np.int32)
    assert float(losses.instance(apart, apart[::-1], together, T)) == pytest.approx(0.0, abs=1e-6)


def test_instances_are_found_both_ways(losses: Any) -> None:
    random = np.random.default_rng(2)
    first, second, scenes = unit(random, 5, 8), unit(random, 5, 8), [0, 1, 0, -2, -3]
    expected = []
    for p in range(5):
        rivals = [q for q in range(5) if q == p or scenes[q] != scenes[p]]
        right = float(first[p] @ second[p])
        forth = crossing([float(first[p] @ second[q]) for q in rivals], right)
        back = crossing([float(first[q] @ second[p]) for q in rivals], right)
        expected.append(0.5 * (forth + back))
    made = float(losses.instance(first, second, np.array(scenes, np.int32), T))
    assert made == pytest.approx(np.mean(expected), rel=1e-4)


def test_distillation_is_the_cross_entropy_with_the_teacher(losses: Any) -> None:
    random = np.random.default_rng(3)
    first, second = unit(random, 2, 9, 6), unit(random, 2, 9, 6)
    teacher = unit(random, 2, 9, 12), unit(random, 2, 9, 12)
    made = np.asarray(losses.similarity_distillation(first, second, teacher, T))
    assert made.shape == (2, 9)
    for p in range(2):
        for i in range(9):
            wanted = np.exp(teacher[1][p] @ teacher[0][p, i] / T)
            found = np.exp(second[p] @ first[p, i] / T)
            expected = -(wanted / wanted.sum() * np.log(found / found.sum())).sum()
            assert made[p, i] == pytest.approx(expected, rel=1e-4)
    entropy = np.asarray(losses.similarity_distillation(*teacher, teacher, T))
    assert (np.asarray(made) > entropy).all(), "nobody is nearer to the teacher than itself"
