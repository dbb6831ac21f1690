"""Search in a pack against FAISS's own and against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.packs import Pack, PackIndex
from steeple.recognition import Neighbours
from steeple.server.index import FaissIndex
from steeple.server.index.codebook import Codebook
from tests.packs.samples import RELEASE, decoded, features, release_codebook, small_codebook, written
from tests.packs.test_codebook import made
from tests.server.index.descriptors import descriptors


def brute_force(pack: Pack, queries: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """float32[Q, K]: squared distances of the nearest."""
    turned = pack.codebook.turned(queries)
    distances = ((turned[:, None].astype(np.float64) - decoded(pack)[None]) ** 2).sum(axis=2)
    found = np.full((len(queries), count), np.inf, np.float32)
    nearest = np.sort(distances, axis=1)[:, :count]
    found[:, : nearest.shape[1]] = nearest
    return found


def distances_of(pack: Pack, queries: NDArray[np.float32], found: Neighbours) -> NDArray[np.float64]:
    """float64[Q, K]: of the neighbours that were named, computed anew."""
    rows = pack.starts[found.image_keys] + found.feature_numbers
    turned = pack.codebook.turned(queries)
    distances: NDArray[np.float64] = ((turned[:, None].astype(np.float64) - decoded(pack)[rows]) ** 2).sum(axis=2)
    return distances


@pytest.mark.parametrize("factory", ["", "OPQ10,IVF32,PQ10"])
def test_neighbours_and_distances_are_those_of_faiss(factory: str, tmp_path: Path) -> None:
    codebook = made(factory) if factory else Codebook.of(RELEASE)
    photos = [features(seed, 900) for seed in range(10)]
    with Pack.open(written(tmp_path / "a.pack", {"one": photos}, codebook=codebook, exact=True)) as pack:
        index = FaissIndex(RELEASE, codebook=codebook)
        for key, image in pack.gallery(range(10)).items():
            index.add(key, image.features.unit_descriptors())
        queries = descriptors(5, 400)
        expected = index.search(queries, 20)
        found = PackIndex(pack, codebook.probes).search(queries, 20)
        np.testing.assert_allclose(found.distances, expected.distances, atol=2e-6)  # with FAISS's codes
        same = (found.image_keys == expected.image_keys) & (found.feature_numbers == expected.feature_numbers)
        assert same.mean() > 0.999, "but for those that are as far as each other"


@pytest.mark.parametrize("turned", [False, True])
def test_with_all_lists_the_nearest_are_those_of_brute_force(turned: bool, tmp_path: Path) -> None:
    book = small_codebook(turned=turned)
    photos = {"one": [features(1, 300), features(2, 1)], "two": [features(3, 500)]}
    with Pack.open(written(tmp_path / "a.pack", photos, codebook=book)) as pack:
        queries = descriptors(7, 60)
        found = PackIndex(pack, 8).search(queries, 15)
        np.testing.assert_allclose(found.distances, brute_force(pack, queries, 15), atol=2e-6)
        np.testing.assert_allclose(found.distances, distances_of(pack, queries, found), atol=2e-6)
        kinds = [array.dtype.name for array in (found.image_keys, found.feature_numbers, found.distances)]
        assert kinds == ["int64", "int32", "float32"]


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 60), max_size=5),
    queries=st.integers(0, 12),
    count=st.integers(1, 40),
    probes=st.integers(1, 9),
)
def test_what_is_found_is_near_sorted_and_never_found_twice(
    sizes: list[int], queries: int, count: int, probes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("packs") / "a.pack"
    photos = {f"landmark-{number}": [features(number, size)] for number, size in enumerate(sizes)}
    with Pack.open(written(path, photos)) as pack:
        rows = descriptors(9, queries)
        found = PackIndex(pack, probes).search(rows, count)
        there = found.image_keys >= 0
        assert found.distances.shape == (queries, count)
        assert (np.isfinite(found.distances) == there).all()
        assert (found.feature_numbers[~there] == -1).all()
        assert (np.sort(found.distances, axis=1) == found.distances).all()
        every = brute_force(pack, rows, count)
        assert (found.distances >= every - 2e-6).all()
        if probes >= 8:
            assert (there.sum(axis=1) == min(count, sum(sizes))).all()
        for keys, numbers in zip(found.image_keys, found.feature_numbers, strict=True):
            named = [(key, number) for key, number in zip(keys.tolist(), numbers.tolist(), strict=True) if key >= 0]
            assert len(set(named)) == len(named)
            assert all(number < sizes[key] for key, number in named)


def test_search_within_some_images_finds_them_alone(tmp_path: Path) -> None:
    photos = {"one": [features(1, 100), features(2, 100)], "two": [features(3, 100)]}
    with Pack.open(written(tmp_path / "a.pack", photos)) as pack:
        index = PackIndex(pack, 8)
        found = index.search(descriptors(1, 20), 150, within=[0, 2, 77, -1])
        assert set(np.unique(found.image_keys)) == {0, 2}
        assert (index.search(descriptors(1, 20), 150, within=[]).image_keys == -1).all()
        without = index.search(descriptors(1, 20), 300)
        assert set(np.unique(without.image_keys)) == {0, 1, 2}


def test_descriptors_that_are_none_are_refused(tmp_path: Path) -> None:
    with Pack.open(written(tmp_path / "a.pack", {"one": [features(1)]})) as pack:
        index = PackIndex(pack, 8)
        for bad in (np.ones((3, 39), np.float32), np.ones((3, 40)), np.full((1, 40), np.nan, np.float32)):
            with pytest.raises(InvalidArgumentError, match="descriptors must be"):
                index.search(bad.astype(bad.dtype), 5)


def test_the_release_codebook_serves_a_pack_that_is_larger_than_its_lists(tmp_path: Path) -> None:
    photos = {"one": [features(seed, 1000) for seed in range(12)]}
    with Pack.open(written(tmp_path / "a.pack", photos, codebook=release_codebook())) as pack:
        queries = np.stack([pack.gallery([key])[key].features.unit_descriptors()[key] for key in range(12)])
        found = PackIndex(pack, 16).search(queries, 20)
        assert np.array_equal(found.image_keys[:, 0], np.arange(12)), "each finds itself"
        assert np.array_equal(found.feature_numbers[:, 0], np.arange(12))
