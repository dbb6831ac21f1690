"""Brute force against plain sorting, on more descriptors than are compared at a time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS
from steeple.server.index import ExactIndex

QUERIES = 4096  # so many that not all distances are computed at a time
CHECKED = 40
COUNT = 12


def whole_numbers(seed: int, count: int) -> NDArray[np.float32]:
    """float32[count, 40] of small whole numbers: distances are exact, and many are equal."""
    return np.random.default_rng(seed).integers(-1, 2, (count, DIMENSIONS)).astype(np.float32)


def filled(images: dict[int, NDArray[np.float32]]) -> ExactIndex:
    index = ExactIndex("delf-lite2-v1")
    for key, rows in images.items():
        index.add(key, rows)
    return index


@pytest.mark.parametrize("order", ["random", "nearest last", "all alike"])
def test_the_nearest_are_found_and_of_equals_the_first(order: str) -> None:
    images = {key: whole_numbers(key, 2500) for key in (5, 9, 2, 7)}
    queries = whole_numbers(100, QUERIES)
    if order == "nearest last":  # every block has nearer ones than all before
        images = {key: rows * (20 - 5 * number) for number, (key, rows) in enumerate(images.items())}
    if order == "all alike":
        images = {key: np.zeros_like(rows) for key, rows in images.items()}
    found = filled(images).search(queries, COUNT)

    owners = np.repeat(list(images), 2500)
    numbers = np.tile(np.arange(2500), len(images))
    everything = np.concatenate(list(images.values()))
    for row in range(0, QUERIES, QUERIES // CHECKED):
        distances = ((everything - queries[row]) ** 2).sum(axis=1)
        nearest = np.argsort(distances, kind="stable")[:COUNT]
        np.testing.assert_array_equal(found.image_keys[row], owners[nearest])
        np.testing.assert_array_equal(found.feature_numbers[row], numbers[nearest])
        np.testing.assert_array_equal(found.distances[row], distances[nearest])


def test_fewer_descriptors_than_asked_for() -> None:
    rows = whole_numbers(1, 5)
    found = filled({3: rows[:2], 4: rows[2:]}).search(rows, 8)
    assert (found.distances[:, 0] == 0).all()
    assert (found.image_keys[:, :5] >= 0).all()
    assert (found.image_keys[:, 5:] == -1).all()
    assert np.isinf(found.distances[:, 5:]).all()
    nothing = filled({3: rows}).search(rows[:0], 8)
    assert nothing.distances.shape == (0, 8)


def test_no_distance_is_below_nothing() -> None:
    random = np.random.default_rng(1)
    rows = random.standard_normal((2000, DIMENSIONS)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = filled({1: rows}).search(rows, 1)
    assert (found.feature_numbers[:, 0] == np.arange(2000)).all()
    assert found.distances.min() >= 0
    assert found.distances.max() < 1e-5
