from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steeple.server.recognition.matching import mutual_nearest_neighbours


def unit(seed: int, count: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, 40))
    result: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return result


def test_a_permutation_is_undone() -> None:
    reference = unit(1, 60)
    order = np.random.default_rng(2).permutation(60)
    pairs, similarity = mutual_nearest_neighbours(reference[order], reference)
    assert len(pairs) == 60
    np.testing.assert_array_equal(order[pairs[:, 0]], pairs[:, 1])
    np.testing.assert_allclose(similarity, 1, atol=1e-5)


def test_pairs_are_each_others_nearest_and_sorted() -> None:
    query, reference = unit(3, 80), unit(4, 70)
    pairs, similarity = mutual_nearest_neighbours(query, reference)
    table = query @ reference.T
    assert 0 < len(pairs) < 70
    for (q, r), value in zip(pairs, similarity, strict=True):
        assert table[q].argmax() == r
        assert table[:, r].argmax() == q
        assert value == table[q, r]
    assert (np.diff(similarity) <= 0).all()


def test_nothing_matches_nothing() -> None:
    for query, reference in ((unit(1, 0), unit(2, 5)), (unit(1, 5), unit(2, 0))):
        pairs, similarity = mutual_nearest_neighbours(query, reference)
        assert pairs.shape == (0, 2)
        assert similarity.shape == (0,)
