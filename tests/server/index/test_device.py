"""An index whose files are searched by a device, on one whose memory is the host's."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import faiss
import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.errors import FailedPreconditionError
from steeple.recognition.neighbours import Neighbours
from steeple.server.index import FaissIndex, gpu
from steeple.server.index.training import train
from steeple.server.index_factory import IndexFactory
from tests.server.index.descriptors import descriptors
from tests.server.index.host_device import HostDevice, HostMirror

RELEASE = ModelRelease.load()
QUERIES = np.concatenate([descriptors(seed, 20) for seed in range(6)])


def filled(images: range, device: HostDevice | None = None) -> FaissIndex:
    index = FaissIndex(RELEASE)
    if device is not None:
        index.serve_from(device)
    for key in images:
        index.add(key, descriptors(key, 100))
    return index


def assert_same(one: Neighbours, other: Neighbours) -> None:
    np.testing.assert_array_equal(one.image_keys, other.image_keys)
    np.testing.assert_array_equal(one.feature_numbers, other.feature_numbers)
    np.testing.assert_array_equal(one.distances, other.distances)


def test_files_are_searched_by_the_device_and_what_is_new_beside_it(tmp_path: Path) -> None:
    device = HostDevice()
    index, plain = filled(range(20), device), filled(range(20))
    index.search(QUERIES, 10)
    assert device.searches == 0, "nothing is in a file yet"
    index.snapshot(tmp_path / "one", 1)
    plain.snapshot(tmp_path / "two", 1)
    assert_same(index.search(QUERIES, 10), plain.search(QUERIES, 10))
    assert device.searches == 1
    for each in (index, plain):
        each.add(50, descriptors(5, 100))
        assert (each.search(descriptors(5, 100), 2).image_keys == 50).any(axis=1).mean() > 0.95, "at once"
    assert_same(index.search(QUERIES, 10), plain.search(QUERIES, 10))
    assert index.stats().kind == "IVF1024,PQ20 on host memory"


def test_searches_with_a_selector_stay_on_the_processor(tmp_path: Path) -> None:
    device = HostDevice()
    index = filled(range(20), device)
    index.snapshot(tmp_path, 1)
    found = index.search(descriptors(3, 100), 5, within=[3, 4])
    assert device.searches == 0
    assert set(np.unique(found.image_keys)) <= {-1, 3, 4}
    index.remove(3)
    found = index.search(descriptors(3, 100), 5)
    assert device.searches == 1, "the first look"
    assert not (found.image_keys == 3).any()
    assert_same(found, filled_without(tmp_path / "other", 3).search(descriptors(3, 100), 5))
    index.search(QUERIES, HostMirror.limit + 1)
    assert device.searches == 1, "more neighbours than a device gives"


def filled_without(folder: Path, key: int) -> FaissIndex:
    index = filled(range(20))
    index.remove(key)
    index.snapshot(folder, 1, whole=True)
    return index


def test_old_copies_go_before_new_ones_come(tmp_path: Path) -> None:
    device = HostDevice()
    index = filled(range(20), device)
    index.snapshot(tmp_path, 1)
    index.add(100, descriptors(100, 100))
    index.snapshot(tmp_path, 2)
    assert (device.mirrors, device.held) == (2, 2100)
    index.snapshot(tmp_path, 3, whole=True)
    assert (device.mirrors, device.held, device.most_held) == (1, 2100, 2100)


def test_a_file_that_the_device_refuses_stays_on_the_processor(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "steeple")
    device = HostDevice(room=500)
    index = filled(range(20), device)
    index.snapshot(tmp_path, 1)
    assert (index.search(descriptors(7, 100), 1).image_keys == 7).mean() > 0.95
    assert (device.mirrors, device.searches) == (0, 0)
    assert index.stats().kind == "IVF1024,PQ20 on CPU"
    (record,) = caplog.records
    assert "stays on the processor" in record.message
    assert "room for 500, not for 2000" in str(vars(record)["facts"])
    index.add(30, descriptors(30, 100))
    index.snapshot(tmp_path, 2)
    assert index.stats().kind == "IVF1024,PQ20 on host memory and CPU"
    assert len(caplog.records) == 1, "it is not asked again"


def test_a_device_that_fails_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    device = HostDevice()
    index = filled(range(20), device)
    index.snapshot(tmp_path, 1)
    before = index.search(QUERIES, 10)
    device.broken = True
    assert_same(index.search(QUERIES, 10), before)
    assert device.mirrors == 0
    assert "fell off the bus" in str(vars(caplog.records[0])["facts"])
    device.broken = False
    assert_same(index.search(QUERIES, 10), before)
    assert device.searches == 1


def test_a_restored_index_and_one_that_was_adopted_are_mirrored(tmp_path: Path) -> None:
    filled(range(20)).snapshot(tmp_path / "old", 1)
    device = HostDevice()
    index, _ = FaissIndex.restore(tmp_path / "old", RELEASE)
    index.serve_from(device)
    assert device.held == 2000
    fresh = filled(range(5))
    fresh.snapshot(tmp_path / "new", 1)
    index.adopt(fresh)
    assert (device.held, device.most_held) == (500, 2000)
    assert_same(index.search(QUERIES, 10), filled(range(5)).search(QUERIES, 10))


@pytest.mark.parametrize("factory", ["IVF16_HNSW8,PQ10", "OPQ4,IVF16,PQ4"])
def test_devices_get_all_codebooks_with_flat_centroids(factory: str, tmp_path: Path) -> None:
    rows = descriptors(1, 2000)
    index = FaissIndex(RELEASE, codebook=train(rows, IndexFactory.parse(factory), probes=16))
    index.serve_from(HostDevice())
    for key in range(4):
        index.add(key, rows[500 * key : 500 * (key + 1)])
    before = index.search(rows[:200], 5)
    index.snapshot(tmp_path, 1)
    assert_same(index.search(rows[:200], 5), before)
    flat = index.sealed[0].over_flat_centroids()
    assignment = index.codebook.assign(rows[:200], 16)
    distances, _ = flat.quantizer.search(assignment.rows, 16)
    np.testing.assert_allclose(distances, assignment.distances, atol=1e-5)


def test_searches_go_on_while_files_come_and_go(tmp_path: Path) -> None:
    device = HostDevice()
    index = filled(range(2), device)
    failures: list[float] = []
    done = threading.Event()

    def search() -> None:
        while not done.is_set():
            share = (index.search(descriptors(0, 100), 1).image_keys == 0).mean()
            if share < 0.9:
                failures.append(share)

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(8):
        index.add(2 + number % 3, descriptors(number + 2, 50))
        index.snapshot(tmp_path, number, whole=number % 2 == 0)
    done.set()
    for reader in readers:
        reader.join()
    assert not failures
    assert device.searches
    assert device.mirrors == len(index.sealed)


def test_where_there_is_no_gpu_one_is_missed_only_if_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 0, raising=False)
    assert gpu.find("cpu") is None
    assert gpu.find("auto") is None
    with pytest.raises(FailedPreconditionError, match=r"install an NVIDIA driver|steeple\[server,gpu\]"):
        gpu.find("gpu")
