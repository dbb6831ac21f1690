"""PCA of local features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.local.projected import PROJECTIONS, PrincipalComponents


def features(descriptors: NDArray[np.float32] | NDArray[np.uint8]) -> LocalFeatures:
    count = len(descriptors)
    line = np.arange(count, dtype=np.float32)
    return LocalFeatures(np.column_stack([line, line]), line + 1, line, -line, descriptors, 640, 480)


def unit(random: np.random.Generator, count: int, columns: int, rank: int) -> NDArray[np.float32]:
    made = random.normal(size=(count, rank)) @ np.linalg.qr(random.normal(size=(columns, rank)))[0].T
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def test_what_lies_in_few_dimensions_loses_nothing() -> None:
    random = np.random.default_rng(0)
    given_ones = unit(random, 3000, 64, 8)
    projection = PrincipalComponents(8)
    projection.fit([features(given_ones[:2000]), features(given_ones[2000:2000]), features(given_ones[2000:])])
    made = projection.apply(features(given_ones[:100]))
    assert made.descriptors.shape == (100, 8)
    assert made.descriptors.dtype == np.float32
    np.testing.assert_array_equal(made.positions, features(given_ones[:100]).positions)
    # The mean of many directions is nearly 0, so that angles stay.
    np.testing.assert_allclose(made.descriptors @ made.descriptors.T, given_ones[:100] @ given_ones[:100].T, atol=0.1)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.booleans(), st.integers(0, 5))
def test_new_descriptors_are_units_of_the_size_asked_for(dimensions: int, whiten: bool, count: int) -> None:
    random = np.random.default_rng(dimensions)
    projection = PrincipalComponents(dimensions, whiten)
    projection.fit([features(unit(random, 200, 16, 16))])
    made = projection.apply(features(unit(random, count, 16, 16)))
    assert made.descriptors.shape == (count, dimensions)
    np.testing.assert_allclose(np.linalg.norm(made.descriptors, axis=1), 1, atol=1e-5)


def test_fitting_again_gives_the_same() -> None:
    random = np.random.default_rng(1)
    training, asked = features(unit(random, 500, 32, 32)), features(unit(random, 20, 32, 32))
    one, other = PrincipalComponents(10), PrincipalComponents(10)
    one.fit([training])
    other.fit([training])
    np.testing.assert_array_equal(one.apply(asked).descriptors, other.apply(asked).descriptors)


def test_what_cannot_be_is_refused() -> None:
    random = np.random.default_rng(2)
    projection = PROJECTIONS["pca"].make(dimensions=10)
    some = features(unit(random, 50, 16, 16))
    with pytest.raises(FailedPreconditionError, match="not fitted"):
        projection.apply(some)
    with pytest.raises(InvalidArgumentError, match="10 components cannot be fitted on 0 descriptors"):
        projection.fit([])
    with pytest.raises(InvalidArgumentError, match="10 components cannot be fitted on 50 descriptors of 8"):
        projection.fit([features(unit(random, 50, 8, 8))])
    with pytest.raises(InvalidArgumentError, match="bits have no principal components"):
        projection.fit([features(np.zeros((50, 32), np.uint8))])
    projection.fit([some])
    with pytest.raises(InvalidArgumentError, match="on descriptors of 16 numbers; these have 8 numbers"):
        projection.apply(features(unit(random, 5, 8, 8)))
    with pytest.raises(InvalidArgumentError, match="1 or more, not 0"):
        PrincipalComponents(0)
