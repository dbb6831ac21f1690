from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.recognition.matching import mutual_nearest_neighbours


def unit(seed: int, count: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, 40))
    result: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return result


def test_a_permutation_is_undone() -> None:
    reference = unit(1, 60)
    order = np.random.default_rng(2).permutation(60)
    pairs, distinctiveness = mutual_nearest_neighbours(reference[order], reference)
    assert len(pairs) == 60
    np.testing.assert_array_equal(order[pairs[:, 0]], pairs[:, 1])
    np.testing.assert_allclose(distinctiveness, 1, atol=1e-5)


@pytest.mark.parametrize(("queries", "references"), [(80, 70), (400, 150)])  # in one go, and in several
def test_pairs_are_each_others_nearest_and_the_most_distinctive_come_first(queries: int, references: int) -> None:
    query, reference = unit(3, queries), unit(4, references)
    pairs, distinctiveness = mutual_nearest_neighbours(query, reference)
    squared = ((query[:, None] - reference[None]) ** 2).sum(axis=2)
    mutual = sum(squared[:, row].argmin() == number for number, row in enumerate(squared.argmin(axis=1)))
    assert len(pairs) == mutual > 0
    for (q, r), value in zip(pairs, distinctiveness, strict=True):
        assert squared[q].argmin() == r
        assert squared[:, r].argmin() == q
        nearest, second = np.sort(squared[q])[:2]
        assert abs(value - (1 - nearest / second)) < 1e-4
    assert (np.diff(distinctiveness) <= 0).all()


def test_a_feature_that_repeats_is_not_distinctive() -> None:
    """Windows of one facade: the match is right about the window, but not about which."""
    windows = unit(5, 10)
    seen = windows + 0.1 * unit(6, 10)
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    _, once = mutual_nearest_neighbours(seen, windows)
    _, repeated = mutual_nearest_neighbours(seen, np.repeat(windows, 2, axis=0))
    assert len(once) == len(repeated) == 10
    assert (once > 0.9).all()
    assert (repeated < 0.01).all()


def test_nothing_matches_nothing() -> None:
    for query, reference in ((unit(1, 0), unit(2, 5)), (unit(1, 5), unit(2, 0))):
        pairs, distinctiveness = mutual_nearest_neighbours(query, reference)
        assert pairs.shape == (0, 2)
        assert distinctiveness.shape == (0,)
