"""The PQ index against exact nearest neighbours, on descriptors that the release's network makes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import Extractor, ModelRelease
from steeple.recognition.neighbours import Neighbours
from steeple.server.index import DescriptorIndex, ExactIndex, FaissIndex
from steeple.server.index.milvus import MilvusIndex
from tests.scenes import scene

IMAGES = 12

IndexT = TypeVar("IndexT", bound=DescriptorIndex)


@dataclass(frozen=True)
class Indexed:
    """Pictures, their descriptors, and those of a picture that shows parts of two of them."""

    release: ModelRelease
    images: dict[int, NDArray[np.float32]]
    queries: NDArray[np.float32]

    def filled(self, index: IndexT) -> IndexT:
        for key, descriptors in self.images.items():
            index.add(key, descriptors)
        return index

    def probing(self, lists: int) -> FaissIndex:
        release = replace(self.release, index=replace(self.release.index, probes=lists))
        return self.filled(FaissIndex(release))

    @property
    def exact(self) -> ExactIndex:
        return self.filled(ExactIndex(self.release.name))


@pytest.fixture(scope="module")
def indexed() -> Indexed:
    release = ModelRelease.load()
    extractor = Extractor(release)
    images = {key: extractor.extract(scene(key, 320, 240)).unit_descriptors() for key in range(IMAGES)}
    query = np.hstack([scene(3, 320, 240)[:, 40:200], scene(8, 320, 240)[:, 100:260]])
    return Indexed(release, images, extractor.extract(np.ascontiguousarray(query)).unit_descriptors())


def recall(found: Neighbours, nearest: Neighbours) -> tuple[float, float]:
    """How often the exact nearest neighbour is found first, and at all."""
    same = (found.image_keys == nearest.image_keys) & (found.feature_numbers == nearest.feature_numbers)
    return float(same[:, 0].mean()), float(same.any(axis=1).mean())


def test_the_nearest_neighbour_is_among_those_found(indexed: Indexed) -> None:
    """Drawn pictures are unlike the photographs that the codebook was trained on: this is its hard case."""
    index = indexed.filled(FaissIndex(indexed.release))
    first, among_ten = recall(index.search(indexed.queries, 10), indexed.exact.search(indexed.queries, 1))
    assert first > 0.6
    assert among_ten > 0.8


def test_more_probes_find_more_and_all_lose_only_to_quantization(indexed: Indexed) -> None:
    nearest = indexed.exact.search(indexed.queries, 1)
    recalls = [recall(indexed.probing(lists).search(indexed.queries, 10), nearest)[1] for lists in (4, 32, 1024)]
    assert recalls == sorted(recalls)
    assert recalls[-1] > 0.97


def test_distances_are_those_of_the_codes(indexed: Indexed) -> None:
    nearest = indexed.exact.search(indexed.queries, 1).distances
    assert np.abs(indexed.probing(1024).search(indexed.queries, 1).distances - nearest).mean() < 0.05


def test_images_are_voted_for_as_with_exact_search(indexed: Indexed) -> None:
    """What recognition needs of an index."""
    for index in (indexed.filled(FaissIndex(indexed.release)), indexed.exact):
        votes = np.bincount(index.search(indexed.queries, 1).image_keys[:, 0], minlength=IMAGES)
        assert set(np.argsort(votes)[-2:]) == {3, 8}


@pytest.mark.engines
def test_milvus_finds_about_as_much_as_the_embedded_index(indexed: Indexed, milvus_index: MilvusIndex) -> None:
    """Half as many lists are visited of those that each segment trains for itself; codes are as long.

    On photographs, half of the lists lose nothing (docs/server/milvus.md); on drawn pictures a little.
    """
    nearest = indexed.exact.search(indexed.queries, 1)
    faiss_first, faiss_ten = recall(indexed.filled(FaissIndex(indexed.release)).search(indexed.queries, 10), nearest)
    index = indexed.filled(milvus_index)
    growing, _ = recall(index.search(indexed.queries, 10), nearest)  # lists of uncompressed descriptors
    assert growing > 0.97
    index.settled()
    found = index.search(indexed.queries, 10)
    first, among_ten = recall(found, nearest)
    assert first < 0.97, "by codes: once it has settled, nothing is searched as it was added"
    assert faiss_first - 0.05 < first
    assert faiss_ten - 0.05 < among_ten
    assert np.abs(found.distances[:, 0] - nearest.distances[:, 0]).mean() < 0.05
