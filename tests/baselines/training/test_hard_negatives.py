"""Which photos are held against a query, and the figure by which an epoch is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.baselines.training.global_photos import Collection
from steeple.baselines.training.hard_negatives import HardNegatives, draw_tuples, hardest, leave_one_out

LABELS = np.array([0, 0, 1, 1, 2, -1, -1])


def unit(random: np.random.Generator, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    vectors = random.standard_normal((count, 4)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_the_most_alike_of_other_landmarks_come_first() -> None:
    likeness = np.array([1.0, 0.9, 0.8, 0.85, 0.1, 0.5, 0.6], np.float32)

    assert hardest(likeness, LABELS, 0, 4, one_a_landmark=False) == [3, 2, 6, 5]
    assert hardest(likeness, LABELS, 0, 4, one_a_landmark=True) == [3, 6, 5, 4]


def test_photos_of_no_landmark_are_not_held_against_each_other() -> None:
    likeness = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 1.0, 0.99], np.float32)

    assert hardest(likeness, LABELS, 5, 9, one_a_landmark=False) == [4, 3, 2, 1, 0]


def collection(count: int) -> Collection:
    labels = np.array([*LABELS, *[-1] * count])
    matches = {0: (1,), 1: (0,), 2: (3,), 3: (2,)}
    return Collection(tuple(Path(f"{number}.jpg") for number in range(len(labels))), labels, matches)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(0, 3), st.booleans())
def test_tuples_hold_a_query_its_match_and_others(seed: int, count: int, more: int, one: bool) -> None:
    photos = collection(12)
    vectors = unit(np.random.default_rng(seed), len(photos.paths))
    wanted = HardNegatives(count, count + more, one_a_landmark=one)

    drawn = draw_tuples(photos, vectors, wanted, np.random.default_rng(seed))

    assert drawn == draw_tuples(photos, vectors, wanted, np.random.default_rng(seed))
    assert {0, 1, 2, 3} <= {each[0] for each in drawn}, "every photo with a match is asked for"
    assert len(drawn) == 5, "and one in four that has none"
    for query, positive, *negatives in drawn:
        assert positive in photos.matches.get(query, (query,))
        assert len(set(negatives)) == count
        assert all(photos.labels[each] != photos.labels[query] for each in negatives)


def test_leave_one_out_by_hand() -> None:
    turns = np.radians([0, 10, 4, 90, 91])
    vectors = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)

    made = leave_one_out(vectors, np.array([0, 0, -1, 1, 0]))

    # Nearest to 0 is the stranger, then 1, then 3 (another landmark's), then 4. Photo 3 has no other of its landmark.
    assert made == pytest.approx([(1 / 2 + 2 / 4) / 2, (1 / 2 + 2 / 4) / 2, (1 / 2 + 2 / 4) / 2])


def test_leave_one_out_of_perfect_vectors_is_one() -> None:
    vectors = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 2]]

    assert leave_one_out(vectors, np.array([0, 0, 1, 1, -1])).tolist() == [1, 1, 1, 1]
