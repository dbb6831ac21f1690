"""What every descriptor index does, asked of each implementation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.errors import InvalidArgumentError, SnapshotError
from steeple.server.index import DescriptorIndex, ExactIndex, FaissIndex, gpu
from steeple.server.index.device import Device
from steeple.server.index.protocol import MAX_IMAGE_KEY
from tests.server.index.descriptors import descriptors
from tests.server.index.host_device import HostDevice, SavedAtOnce

RELEASE = ModelRelease.load()

Make = Callable[[], DescriptorIndex]
Restore = Callable[[Path], tuple[DescriptorIndex, int]]

FindDevice = Callable[[], Device | None]


def on_gpu() -> Device | None:
    return gpu.find("gpu")


def on(find: FindDevice) -> tuple[Make, Restore]:
    """An index whose files a device searches, and that has nothing but files."""

    def device() -> Device:
        found = find()
        assert found is not None
        return found

    def restored(path: Path) -> tuple[DescriptorIndex, int]:
        index, sequence = FaissIndex.restore(path, RELEASE)
        index.serve_from(device())
        return index, sequence

    return lambda: SavedAtOnce(RELEASE, device()), restored


IMPLEMENTATIONS: dict[str, tuple[Make, Restore]] = {
    "exact": (lambda: ExactIndex(RELEASE.name), lambda path: ExactIndex.restore(path, RELEASE.name)),
    "faiss": (lambda: FaissIndex(RELEASE), lambda path: FaissIndex.restore(path, RELEASE)),
    "device": on(HostDevice),
    "gpu": on(on_gpu),
}


@pytest.fixture(params=[*list(IMPLEMENTATIONS)[:-1], pytest.param("gpu", marks=pytest.mark.gpu)])
def implementation(request: pytest.FixtureRequest) -> tuple[Make, Restore]:
    return IMPLEMENTATIONS[request.param]


@pytest.fixture(
    params=[
        *list(IMPLEMENTATIONS)[:-1],
        pytest.param("gpu", marks=pytest.mark.gpu),
        pytest.param("milvus", marks=pytest.mark.engines),
    ]
)
def index(request: pytest.FixtureRequest) -> DescriptorIndex:
    if request.param == "milvus":  # it has no snapshots: what is in it stays there
        found: DescriptorIndex = request.getfixturevalue("milvus_index")
        return found
    return IMPLEMENTATIONS[request.param][0]()


def test_an_empty_index_has_no_neighbours(index: DescriptorIndex) -> None:
    found = index.search(descriptors(1, 3), 4)
    assert found.image_keys.shape == found.feature_numbers.shape == found.distances.shape == (3, 4)
    assert (found.image_keys == -1).all()
    assert np.isinf(found.distances).all()
    assert index.stats().images == index.stats().descriptors == 0


def test_an_added_image_is_found_at_once(index: DescriptorIndex) -> None:
    for key in (3, 1, MAX_IMAGE_KEY):
        index.add(key, descriptors(key % 1000))
        found = index.search(descriptors(key % 1000), 1)
        assert (found.image_keys[:, 0] == key).mean() > 0.95
        assert (found.feature_numbers[:, 0] == np.arange(50)).mean() > 0.95
        assert key in index
    assert index.stats().images == 3
    assert index.stats().descriptors == 150


def test_neighbours_come_nearest_first(index: DescriptorIndex) -> None:
    for key in range(5):
        index.add(key, descriptors(key))
    distances = index.search(descriptors(9), 20).distances
    assert (np.diff(distances[np.isfinite(distances).all(axis=1)], axis=1) >= 0).all()


def test_a_removed_image_is_never_found(index: DescriptorIndex) -> None:
    for key in range(4):
        index.add(key, descriptors(key))
    assert index.remove(2)
    assert not index.remove(2)
    assert 2 not in index
    assert not (index.search(descriptors(2), 50).image_keys == 2).any()
    assert index.stats().descriptors == 150


def test_adding_again_replaces(index: DescriptorIndex) -> None:
    index.add(1, descriptors(1))
    index.add(1, descriptors(2, 30))
    assert index.stats().descriptors == 30
    assert (index.search(descriptors(2, 30), 1).image_keys == 1).all()
    assert index.search(descriptors(1), 1).distances.min() > 0.05


def test_an_image_without_descriptors_is_there(index: DescriptorIndex) -> None:
    index.add(5, descriptors(1, 0))
    assert 5 in index
    assert index.stats().images == 1
    assert index.remove(5)


def test_a_snapshot_brings_everything_back(implementation: tuple[Make, Restore], tmp_path: Path) -> None:
    make, restore = implementation
    index = make()
    for key in range(6):
        index.add(key, descriptors(key))
    index.remove(4)
    index.add(7, descriptors(7, 0))
    index.snapshot(tmp_path / "deep" / "index", sequence=99)
    restored, sequence = restore(tmp_path / "deep" / "index")
    assert sequence == 99
    assert restored.stats() == index.stats()
    assert 7 in restored
    assert 4 not in restored
    before, after = index.search(descriptors(3), 10), restored.search(descriptors(3), 10)
    np.testing.assert_array_equal(before.image_keys, after.image_keys)
    np.testing.assert_array_equal(before.distances, after.distances)
    restored.add(8, descriptors(8))
    assert (restored.search(descriptors(8), 1).image_keys == 8).mean() > 0.95


DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda content: None,
    "empty": lambda content: b"",
    "truncated": lambda content: content[:-100],
    "flipped": lambda content: content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 1])
    + content[len(content) // 2 + 1 :],
    "appended": lambda content: content + b"\x00",
    "foreign": lambda content: b"SQLite format 3\x00" + content,
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_snapshot_is_refused(implementation: tuple[Make, Restore], tmp_path: Path, damage: str) -> None:
    """Each of its files in turn."""
    make, restore = implementation
    index = make()
    index.add(1, descriptors(1))
    index.snapshot(tmp_path, sequence=1)
    files = sorted(tmp_path.iterdir())
    assert len(files) >= 3
    for file in files:
        content = file.read_bytes()
        damaged = DAMAGES[damage](content)
        file.unlink()
        if damaged is not None:
            file.write_bytes(damaged)
        with pytest.raises(SnapshotError, match=str(tmp_path)):
            restore(tmp_path)
        file.write_bytes(content)
    restored, _ = restore(tmp_path)
    assert 1 in restored


@pytest.mark.parametrize("damage", DAMAGES)
def test_saving_mends_a_damaged_snapshot(implementation: tuple[Make, Restore], tmp_path: Path, damage: str) -> None:
    """Files are named by their content, so the index that is built anew has some of the same names."""
    make, restore = implementation
    index = make()
    index.add(1, descriptors(1))
    index.snapshot(tmp_path, sequence=1)
    for file in sorted(tmp_path.iterdir()):
        damaged = DAMAGES[damage](file.read_bytes())
        file.unlink()
        if damaged is not None:
            file.write_bytes(damaged)
    again = make()
    again.add(1, descriptors(1))
    again.snapshot(tmp_path, sequence=1)
    restored, _ = restore(tmp_path)
    assert 1 in restored


def test_what_a_crash_left_behind_is_cleared_away(implementation: tuple[Make, Restore], tmp_path: Path) -> None:
    make, restore = implementation
    index = make()
    index.add(1, descriptors(1))
    index.snapshot(tmp_path, 1)
    (tmp_path / "lists-0123456789abcdef").write_bytes(b"half of it")
    (tmp_path / "manifest.json.partial").write_bytes(b"{")
    restored, _ = restore(tmp_path)
    restored.add(2, descriptors(2))
    restored.snapshot(tmp_path, 2)
    names = {file.name for file in tmp_path.iterdir()}
    assert not any("partial" in name or "0123" in name for name in names)
    again, sequence = restore(tmp_path)
    assert sequence == 2
    assert (again.search(descriptors(2), 1).image_keys == 2).mean() > 0.95


def test_the_snapshot_of_another_kind_is_refused(tmp_path: Path) -> None:
    ExactIndex(RELEASE.name).snapshot(tmp_path / "index", 1)
    with pytest.raises(SnapshotError, match="kind 'exact'; wanted 'faiss'"):
        FaissIndex.restore(tmp_path / "index", RELEASE)


def test_a_search_may_be_limited_to_some_images(index: DescriptorIndex) -> None:
    for key in range(6):
        index.add(key, descriptors(key))
    index.remove(4)
    for within in ([1], [1, 4, 5], {0, 3, 99}, [], range(6)):
        wanted = set(within) - {4, 99}
        found = index.search(descriptors(1), 500, within=within)
        assert set(found.image_keys[found.image_keys >= 0].tolist()) <= wanted
        if 1 in wanted:
            assert (found.image_keys[:, 0] == 1).mean() > 0.95


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((3, 39), np.float32),
        np.zeros((3, 40), np.float64),
        np.zeros(40, np.float32),
        np.full((3, 40), np.nan, np.float32),
        np.zeros((5000, 40), np.float32),
    ],
    ids=["39-D", "float64", "flat", "NaN", "too many"],
)
def test_malformed_descriptors_are_refused(index: DescriptorIndex, bad: NDArray[np.float32]) -> None:
    with pytest.raises(InvalidArgumentError):
        index.add(1, bad)
    assert 1 not in index
    with pytest.raises(InvalidArgumentError):
        index.search(bad, 1)


@pytest.mark.parametrize("key", [-1, MAX_IMAGE_KEY + 1])
def test_keys_out_of_range_are_refused(index: DescriptorIndex, key: int) -> None:
    with pytest.raises(InvalidArgumentError, match="key"):
        index.add(key, descriptors(1))


def test_searches_and_changes_may_run_together(index: DescriptorIndex) -> None:
    """An image that stays is found by every search, whatever comes and goes beside it."""
    index.add(0, descriptors(0))
    failures: list[str] = []
    done = threading.Event()

    def search() -> None:
        while not done.is_set():
            if (index.search(descriptors(0), 1).image_keys == 0).mean() < 0.9:
                failures.append("image 0 was not found")

    readers = [threading.Thread(target=search) for _ in range(3)]
    for reader in readers:
        reader.start()
    for round_number in range(8 if isinstance(index, SavedAtOnce) else 30):
        for key in (1, 2, 3):
            index.add(key, descriptors(key + round_number))
        for key in (1, 2, 3):
            index.remove(key)
    done.set()
    for reader in readers:
        reader.join()
    assert not failures
    assert index.stats().descriptors == 50
