"""Codebooks trained on descriptors."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS, ModelRelease
from steeple.errors import CancelledError, InvalidArgumentError
from steeple.server.index import ExactIndex, FaissIndex
from steeple.server.index.training import lists_for, train
from steeple.server.index_factory import IndexFactory
from tests.server.index.descriptors import descriptors

RELEASE = ModelRelease.load()


def clustered(seed: int, count: int) -> NDArray[np.float32]:
    """float32[count, 40]: unit vectors near one of 500 centres."""
    rng = np.random.default_rng(seed)
    vectors = descriptors(99, 500)[rng.integers(0, 500, count)] + 0.05 * rng.standard_normal((count, DIMENSIONS))
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


@pytest.mark.parametrize(
    ("count", "lists"), [(0, 16), (1, 16), (1_000_000, 16384), (10_000_000, 65536), (10**9, 1 << 18), (10**12, 1 << 18)]
)
def test_lists_grow_with_the_root_of_the_catalogue(count: int, lists: int) -> None:
    assert lists_for(count) == lists


@pytest.mark.parametrize(("lists", "kind"), [(100, faiss.IndexFlatL2), (4096, faiss.IndexHNSWFlat)])
def test_a_codebook_has_as_many_lists_as_asked_for(lists: int, kind: type) -> None:
    codebook = train(clustered(1, 20_000), IndexFactory.automatic(lists, 10), probes=8)
    assert codebook.lists == lists
    assert codebook.code_size == 10
    index = faiss.deserialize_index(np.frombuffer(codebook.data, np.uint8))
    assert isinstance(faiss.downcast_index(faiss.extract_index_ivf(index).quantizer), kind)


def test_lists_are_about_equally_full() -> None:
    rows = clustered(1, 30_000)
    codebook = train(rows, IndexFactory(256, 10), probes=8)
    sizes = np.bincount(codebook.assign(clustered(2, 30_000), 1).lists[:, 0], minlength=256)
    imbalance = 256 * (sizes.astype(float) ** 2).sum() / sizes.sum() ** 2  # FAISS: imbalance_factor
    assert imbalance < 2.5


def test_the_same_descriptors_give_the_same_codebook() -> None:
    one, other = (train(clustered(1, 5000), IndexFactory(64, 10), probes=8) for _ in range(2))
    assert one.sha256 == other.sha256


def test_a_codebook_of_ones_own_finds_more_of_the_exact_neighbours_than_a_foreign_one() -> None:
    rows = clustered(3, 20_000)
    queries = clustered(4, 200)
    own = FaissIndex(RELEASE, codebook=train(clustered(5, 20_000), IndexFactory(128, 20), probes=8))
    foreign, exact = FaissIndex(RELEASE), ExactIndex(RELEASE.name)
    for index in (own, foreign, exact):
        for key in range(20):
            index.add(key, rows[1000 * key : 1000 * (key + 1)])

    def numbers(index: FaissIndex | ExactIndex, count: int) -> NDArray[np.int64]:
        found = index.search(queries, count)
        return 1000 * found.image_keys + found.feature_numbers

    nearest = numbers(exact, 1)
    recall = {
        name: (numbers(index, 10) == nearest).any(axis=1).mean() for name, index in [("own", own), ("f", foreign)]
    }
    assert recall["own"] > 0.9
    assert recall["own"] > recall["f"]


@pytest.mark.parametrize(("lists", "least"), [(300, 300), (16, 256)])
def test_too_few_descriptors_are_refused(lists: int, least: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"IVF{lists},PQ10 takes at least {least} descriptors"):
        train(clustered(1, least - 1), IndexFactory(lists, 10), probes=8)


def test_training_can_be_interrupted() -> None:
    with pytest.raises(CancelledError):
        train(clustered(1, 5000), IndexFactory(64, 10), probes=8, stopped=lambda: True)
