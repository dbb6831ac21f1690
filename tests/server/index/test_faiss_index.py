"""The embedded index: histories of changes and snapshots, each compared with an index that never had one."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS, ModelRelease
from steeple.errors import CancelledError, ReleaseError
from steeple.server.index import FaissIndex
from steeple.server.index.codebook import Codebook
from tests.server.index.descriptors import descriptors
from tests.server.index.host_device import HostDevice

RELEASE = ModelRelease.load()
QUERIES = np.concatenate([descriptors(seed, 12) for seed in range(4)])


def of(images: dict[int, NDArray[np.float32]]) -> FaissIndex:
    index = FaissIndex(RELEASE)
    for key, rows in images.items():
        index.add(key, rows)
    return index


def assert_same_answers(ours: FaissIndex, images: dict[int, NDArray[np.float32]], neighbours: int = 15) -> None:
    """Equally near neighbours, as ties may come in another order, of the right images."""
    ours_found, fresh_found = (index.search(QUERIES, neighbours) for index in (ours, of(images)))
    np.testing.assert_allclose(ours_found.distances, fresh_found.distances, rtol=1e-5, atol=1e-6)
    assert set(ours_found.image_keys[ours_found.image_keys >= 0].tolist()) <= set(images)
    pairs = zip(ours_found.image_keys.ravel().tolist(), ours_found.feature_numbers.ravel().tolist(), strict=True)
    for key, feature in pairs:
        assert (key < 0) == (feature < 0)
        assert key < 0 or feature < len(images[key])


class AnyHistory(RuleBasedStateMachine):
    """Adds, replacements, removes, snapshots and restarts in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.index = FaissIndex(RELEASE)
        self.images: dict[int, NDArray[np.float32]] = {}
        self.scratch = tempfile.TemporaryDirectory()
        self.saved: dict[int, NDArray[np.float32]] | None = None

    def teardown(self) -> None:
        self.scratch.cleanup()

    @rule(key=st.integers(0, 5), seed=st.integers(0, 20), count=st.integers(0, 30))
    def add(self, key: int, seed: int, count: int) -> None:
        self.images[key] = descriptors(seed, count)
        self.index.add(key, self.images[key])

    @rule(key=st.integers(0, 5))
    def remove(self, key: int) -> None:
        assert self.index.remove(key) == (self.images.pop(key, None) is not None)

    @rule()
    def snapshot(self) -> None:
        self.index.snapshot(Path(self.scratch.name), 7)
        self.saved = dict(self.images)

    @precondition(lambda self: self.saved is not None)
    @rule()
    def restart(self) -> None:
        self.index, sequence = FaissIndex.restore(Path(self.scratch.name), RELEASE)
        assert sequence == 7
        self.images = dict(self.saved or {})

    @invariant()
    def same(self) -> None:
        stats = self.index.stats()
        assert (stats.images, stats.descriptors) == (len(self.images), sum(map(len, self.images.values())))
        assert_same_answers(self.index, self.images)


class AnyHistoryOnADevice(AnyHistory):
    """The same, on an index whose files are searched by a device."""

    def __init__(self) -> None:
        super().__init__()
        self.device = HostDevice()
        self.index.serve_from(self.device)

    @precondition(lambda self: self.saved is not None)
    @rule()
    def restart(self) -> None:
        super().restart()
        self.device = HostDevice()
        self.index.serve_from(self.device)

    @invariant()
    def mirrored(self) -> None:
        sizes = [len(segment) for segment in self.index.sealed]
        assert self.device.held == sum(sizes)
        assert self.device.mirrors == sum(size > 0 for size in sizes)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistoryOnADevice = AnyHistoryOnADevice.TestCase
TestAnyHistoryOnADevice.settings = settings(max_examples=8, stateful_step_count=15, deadline=None)
TestAnyHistory.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def files(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in folder.glob("lists-*")}


def test_old_files_stay_until_newer_ones_have_grown(tmp_path: Path) -> None:
    index = of({key: descriptors(key, 100) for key in range(40)})
    index.snapshot(tmp_path, 1)
    first = files(tmp_path)
    assert len(first) == 1
    index.add(100, descriptors(100, 100))
    index.snapshot(tmp_path, 2)
    second = files(tmp_path)
    assert len(second) == 2
    assert set(first) < set(second), "a small addition does not write all of it again"
    index.snapshot(tmp_path, 3)
    assert files(tmp_path) == second, "nothing new, nothing written"
    for key in range(101, 106):
        index.add(key, descriptors(key, 100))
    index.snapshot(tmp_path, 4)
    assert len(files(tmp_path)) == 1, "an eighth as much is merged with it"


def test_what_was_removed_goes_when_it_is_a_tenth(tmp_path: Path) -> None:
    images = {key: descriptors(key, 100) for key in range(40)}
    index = of(images)
    index.snapshot(tmp_path, 1)
    (full,) = files(tmp_path).values()
    index.remove(0)
    index.snapshot(tmp_path, 2)
    assert list(files(tmp_path).values()) == [full]
    for key in range(1, 6):
        index.remove(key)
    index.snapshot(tmp_path, 3)
    (less,) = files(tmp_path).values()
    assert full - less == 600 * (Codebook.of(RELEASE).code_size + 8)
    assert_same_answers(index, {key: rows for key, rows in images.items() if key > 5})


def test_changes_during_a_snapshot_are_in_the_index_and_not_in_the_snapshot(tmp_path: Path) -> None:
    images = {key: descriptors(key, 100) for key in range(10)}
    index = of(images)
    asked: list[bool] = []

    def meanwhile() -> bool:
        if not asked:
            index.add(50, descriptors(50))
            index.remove(3)
            index.add(4, descriptors(44))
        asked.append(True)
        return False

    index.snapshot(tmp_path, 5, meanwhile)
    now = {**images, 50: descriptors(50), 4: descriptors(44)}
    del now[3]
    assert_same_answers(index, now)
    assert index.stats().descriptors == 900 - 100 + 50 + 50
    restored, _ = FaissIndex.restore(tmp_path, RELEASE)
    assert_same_answers(restored, images)
    index.snapshot(tmp_path, 6)
    restored, _ = FaissIndex.restore(tmp_path, RELEASE)
    assert_same_answers(restored, now)


def test_an_interrupted_snapshot_leaves_the_old_one_and_a_whole_index(tmp_path: Path) -> None:
    index = of({1: descriptors(1)})
    index.snapshot(tmp_path, 1)
    index.add(2, descriptors(2))
    with pytest.raises(CancelledError):
        index.snapshot(tmp_path, 2, lambda: True)
    assert not list(tmp_path.glob("*.partial"))
    assert_same_answers(index, {1: descriptors(1), 2: descriptors(2)})
    restored, sequence = FaissIndex.restore(tmp_path, RELEASE)
    assert sequence == 1
    assert_same_answers(restored, {1: descriptors(1)})
    index.snapshot(tmp_path, 3)
    restored, sequence = FaissIndex.restore(tmp_path, RELEASE)
    assert sequence == 3
    assert_same_answers(restored, {1: descriptors(1), 2: descriptors(2)})


def test_searches_go_on_while_it_is_saved(tmp_path: Path) -> None:
    """An image that stays is found by every search, whatever is added, removed, merged and saved beside it."""
    index = of({0: descriptors(0)})
    failures: list[float] = []
    done = threading.Event()

    def search() -> None:
        while not done.is_set():
            share = (index.search(descriptors(0), 1).image_keys == 0).mean()
            if share < 0.9:
                failures.append(share)

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(12):
        index.add(1 + number % 3, descriptors(number))
        if number % 4 == 3:
            index.remove(1 + number % 3)
        index.snapshot(tmp_path, number)
    done.set()
    for reader in readers:
        reader.join()
    assert not failures


def test_a_snapshot_may_go_to_another_folder(tmp_path: Path) -> None:
    index = of({1: descriptors(1)})
    index.snapshot(tmp_path / "one", 1)
    index.snapshot(tmp_path / "two", 2)
    restored, sequence = FaissIndex.restore(tmp_path / "two", RELEASE)
    assert sequence == 2
    assert_same_answers(restored, {1: descriptors(1)})
    assert files(tmp_path / "one")


@pytest.mark.parametrize("factory", ["IVF16,PQ8np", "OPQ8,IVF16,PQ8np", "IVF16_HNSW8,PQ10np", "IVF16,PQ20x4np"])
def test_codebooks_of_all_kinds_find_what_faiss_finds(factory: str, tmp_path: Path) -> None:
    """Beside the index that FAISS itself makes of the same factory string."""
    rows = descriptors(1, 4000)
    reference = faiss.index_factory(DIMENSIONS, factory)
    reference.train(rows)
    codebook = Codebook(faiss.serialize_index(reference).tobytes(), 5, "a test")
    reference.add(rows)
    faiss.extract_index_ivf(reference).nprobe = 5
    index = FaissIndex(RELEASE, codebook=codebook)
    for key in range(8):
        index.add(key, rows[500 * key : 500 * (key + 1)])
    index.snapshot(tmp_path, 1)
    restored, _ = FaissIndex.restore(tmp_path, RELEASE)
    expected, numbers = reference.search(QUERIES, 10)
    found = index.search(QUERIES, 10)
    np.testing.assert_allclose(found.distances, expected, rtol=1e-4, atol=1e-5)
    assert (500 * found.image_keys + found.feature_numbers == numbers).mean() > 0.98
    assert restored.stats() == index.stats()


@pytest.mark.parametrize("factory", ["Flat", "IVF16,Flat", "HNSW8"])
def test_codebooks_that_are_none_are_refused(factory: str) -> None:
    index = faiss.index_factory(DIMENSIONS, factory)
    index.train(descriptors(1, 1000))
    with pytest.raises(ReleaseError, match="IVF-PQ"):
        Codebook(faiss.serialize_index(index).tobytes(), 5, "a test")
    with pytest.raises(ReleaseError, match="not a FAISS index"):
        Codebook(b"nothing of the kind", 5, "a test")


def test_several_images_at_once_are_as_one_after_the_other() -> None:
    images = {key: descriptors(key, count) for key, count in ((7, 30), (3, 1), (9, 200))}
    together, alone = FaissIndex(RELEASE), FaissIndex(RELEASE)
    together.add_many(images)
    for key, rows in images.items():
        alone.add(key, rows)
    together.add_many({})
    assert together.keys() == alone.keys() == (3, 7, 9)
    assert together.stats() == alone.stats()
    ours, theirs = (index.search(images[9], 5) for index in (together, alone))
    np.testing.assert_array_equal(ours.image_keys, theirs.image_keys)
    np.testing.assert_array_equal(ours.feature_numbers, theirs.feature_numbers)
    together.add_many({7: images[3]})  # instead of what was there
    assert together.stats().descriptors == 1 + 1 + 200
