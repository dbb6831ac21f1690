from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.lab.pooling import Whitening


def correlated(count: int, dimensions: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(count, dimensions)) * np.geomspace(1.0, 0.05, dimensions)
    turned, _ = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))
    return np.asarray(mixed @ turned + 3.0, np.float32)


@settings(max_examples=15, deadline=None)
@given(st.integers(30, 80), st.integers(2, 12), st.integers(0, 1000))
def test_training_vectors_have_the_identity_for_covariance(count: int, dimensions: int, seed: int) -> None:
    vectors = correlated(count, dimensions, seed)
    whitening = Whitening(dimensions)
    whitening.fit(vectors)
    white = whitening.transform(vectors)
    np.testing.assert_allclose(np.cov(white.T), np.eye(dimensions), atol=0.02)
    np.testing.assert_allclose(white.mean(axis=0), 0.0, atol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(whitening.apply(vectors), axis=1), 1.0, atol=1e-5)


def test_without_whitening_distances_remain() -> None:
    vectors = correlated(40, 6)
    whitening = Whitening(6, whiten=False)
    whitening.fit(vectors)
    projected = whitening.transform(vectors)
    np.testing.assert_allclose(
        np.linalg.norm(projected[0] - projected[1:], axis=1),
        np.linalg.norm(vectors[0] - vectors[1:], axis=1),
        rtol=1e-3,
    )
    variances = projected.var(axis=0)
    assert (np.diff(variances) <= 0).all(), "the direction of largest variance first"


def test_one_vector_is_like_one_of_many() -> None:
    vectors = correlated(20, 5)
    whitening = Whitening(3)
    whitening.fit(vectors)
    assert whitening.dimensions == 3
    np.testing.assert_allclose(whitening.apply(vectors[4]), whitening.apply(vectors)[4], atol=1e-6)


@pytest.mark.parametrize(("count", "asked", "kept"), [(9, 64, 8), (9, None, 8), (200, 64, 40), (200, None, 40)])
def test_no_more_dimensions_are_kept_than_the_training_bears(count: int, asked: int | None, kept: int) -> None:
    """Nine vectors span eight dimensions about their mean; any number of 40 dimensions, 40."""
    rng = np.random.default_rng(1)
    whitening = Whitening(asked)
    whitening.fit(rng.normal(size=(count, 40)).astype(np.float32))
    assert whitening.dimensions == kept


def test_dimensions_without_variance_are_left_out() -> None:
    vectors = np.random.default_rng(2).normal(size=(50, 4)).astype(np.float32)
    whitening = Whitening(8)
    whitening.fit(np.concatenate([vectors, vectors[:, ::-1]], axis=1))
    assert whitening.dimensions == 4


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="at least one dimension"):
        Whitening(0)
    with pytest.raises(FailedPreconditionError, match="not been fitted"):
        Whitening(4).apply(np.ones(4, np.float32))
    with pytest.raises(InvalidArgumentError, match="give the experiment training photos"):
        Whitening(4).fit(np.ones((1, 4), np.float32))
    with pytest.raises(InvalidArgumentError, match="all training vectors are the same"):
        Whitening(4).fit(np.ones((9, 4), np.float32))
    whitening = Whitening(2)
    whitening.fit(correlated(9, 4))
    with pytest.raises(InvalidArgumentError, match="of 4 dimensions, not 5"):
        whitening.apply(np.ones((2, 5), np.float32))
