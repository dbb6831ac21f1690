"""Losses of networks of whole photos, against numbers worked out by hand."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest

from tests.tiny_training import NEEDS_TENSORFLOW

pytestmark = NEEDS_TENSORFLOW


@pytest.fixture(scope="module")
def losses() -> Any:
    return importlib.import_module("steeple.baselines.training.global_losses")


def at(*degrees: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Unit vectors of one tuple, on a circle."""
    turns = np.radians(degrees)
    return np.stack([np.cos(turns), np.sin(turns)], axis=-1)[None].astype(np.float32)


def apart(degrees: float) -> float:
    return 2 * math.sin(math.radians(degrees) / 2)


def test_contrastive_is_half_of_squares(losses: Any) -> None:
    # The match is 30 degrees off; of the others one is nearer than the margin of 0.7, one farther.
    made = float(losses.contrastive(at(0, 30, 20, 90), 0.7))

    assert made == pytest.approx(0.5 * (apart(30) ** 2 + (0.7 - apart(20)) ** 2 + 0) / 3, abs=1e-6)


def test_contrastive_is_nothing_where_all_is_in_its_place(losses: Any) -> None:
    assert float(losses.contrastive(at(10, 10, 180, 90), 0.7)) == pytest.approx(0, abs=1e-6)


def test_contrastive_of_a_match_that_is_the_query_is_a_number(losses: Any) -> None:
    """The root of no distance at all must not spoil the mean."""
    assert float(losses.contrastive(at(0, 0, 0), 0.7)) == pytest.approx(0.5 * 0.7**2 / 2, abs=1e-5)


def test_triplet_counts_what_is_not_far_enough_beyond_the_match(losses: Any) -> None:
    vectors = np.concatenate([at(0, 30, 32), at(0, 10, 90)])

    made = float(losses.triplet(vectors, 0.1))

    assert made == pytest.approx(0.5 * (0.1 + apart(30) ** 2 - apart(32) ** 2) / 2, abs=1e-6)


def test_triplet_grows_as_the_negative_comes_nearer(losses: Any) -> None:
    made = [float(losses.triplet(at(0, 40, negative), 0.1)) for negative in (80, 45, 40, 20)]

    assert made[0] == 0
    assert made == sorted(made)
    assert made[2] == pytest.approx(0.05, abs=1e-6), "as far as the match: half the margin"
