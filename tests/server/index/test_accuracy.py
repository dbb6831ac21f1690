"""The PQ index against exact nearest neighbours, on descriptors that the release's network makes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import Extractor, ModelRelease
from steeple.server.index import ExactIndex, FaissIndex
from tests.scenes import scene

IMAGES = 12


@pytest.fixture(scope="module")
def indexed() -> tuple[FaissIndex, ExactIndex, NDArray[np.float32]]:
    """Both indexes over the same pictures, and descriptors of a picture that shows parts of two of them."""
    release = ModelRelease.load()
    extractor = Extractor(release)
    approximate, exact = FaissIndex(release), ExactIndex(release.name)
    for key in range(IMAGES):
        descriptors = extractor.extract(scene(key, 320, 240)).unit_descriptors()
        approximate.add(key, descriptors)
        exact.add(key, descriptors)
    query = np.hstack([scene(3, 320, 240)[:, 40:200], scene(8, 320, 240)[:, 100:260]])
    return approximate, exact, extractor.extract(np.ascontiguousarray(query)).unit_descriptors()


def test_the_nearest_neighbour_is_among_the_first_found(
    indexed: tuple[FaissIndex, ExactIndex, NDArray[np.float32]],
) -> None:
    approximate, exact, queries = indexed
    nearest = exact.search(queries, 1)
    found = approximate.search(queries, 10)
    same = (found.image_keys == nearest.image_keys) & (found.feature_numbers == nearest.feature_numbers)
    assert same[:, 0].mean() > 0.6, "recall@1"
    assert same.any(axis=1).mean() > 0.9, "recall@10"


def test_distances_are_those_of_the_codes(indexed: tuple[FaissIndex, ExactIndex, NDArray[np.float32]]) -> None:
    approximate, exact, queries = indexed
    error = approximate.search(queries, 1).distances - exact.search(queries, 1).distances
    assert np.abs(error).mean() < 0.05


def test_every_list_probed_loses_nothing_but_quantization(
    indexed: tuple[FaissIndex, ExactIndex, NDArray[np.float32]],
) -> None:
    """Images vote the same as with exact search: what recognition needs of an index."""
    approximate, exact, queries = indexed
    votes = [np.bincount(index.search(queries, 1).image_keys[:, 0], minlength=IMAGES) for index in (approximate, exact)]
    assert set(np.argsort(votes[0])[-2:]) == set(np.argsort(votes[1])[-2:]) == {3, 8}
