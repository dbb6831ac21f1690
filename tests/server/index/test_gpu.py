"""A GPU against the processor. Distances there come from tables of float16, so they agree to about a thousandth."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.server.index import FaissIndex, gpu
from steeple.server.index.device import Device
from steeple.server.index.training import train
from steeple.server.index_factory import IndexFactory
from tests.server.index.descriptors import descriptors

pytestmark = pytest.mark.gpu

RELEASE = ModelRelease.load()
QUERIES = np.concatenate([descriptors(seed, 50) for seed in range(8)])


@pytest.fixture(scope="module")
def device() -> Device:
    found = gpu.find("gpu")
    assert found is not None
    return found


def assert_congruent(on_gpu: FaissIndex, on_cpu: FaissIndex, queries: NDArray[np.float32] = QUERIES) -> None:
    """Distances agree, and neighbours but for those about as far as each other."""
    ours, wanted = on_gpu.search(queries, 10), on_cpu.search(queries, 10)
    np.testing.assert_array_equal(ours.image_keys < 0, wanted.image_keys < 0)
    there = wanted.image_keys >= 0
    np.testing.assert_allclose(ours.distances[there], wanted.distances[there], atol=5e-3)
    same = 5000 * ours.image_keys + ours.feature_numbers == 5000 * wanted.image_keys + wanted.feature_numbers
    assert same[:, 0].mean() > 0.97


def pair(device: Device, factory: str | None, folder: Path) -> tuple[FaissIndex, FaissIndex]:
    """The same index on both, saved."""
    rows = descriptors(99, 12_000)
    codebook = None if factory is None else train(rows, IndexFactory.parse(factory), probes=8)
    indexes = FaissIndex(RELEASE, codebook=codebook), FaissIndex(RELEASE, codebook=codebook)
    indexes[0].serve_from(device)
    for number, index in enumerate(indexes):
        for key in range(40):
            index.add(key, descriptors(key, 300))
        index.snapshot(folder / str(number), 1)
    return indexes


@pytest.mark.parametrize("factory", [None, "IVF64,PQ20", "OPQ20,IVF64,PQ20", "IVF64_HNSW16,PQ8", "IVF64,PQ40"])
def test_a_gpu_finds_what_the_processor_finds(device: Device, factory: str | None, tmp_path: Path) -> None:
    on_gpu, on_cpu = pair(device, factory, tmp_path)
    assert on_gpu.stats().kind.endswith(f" on {device.name}")
    assert_congruent(on_gpu, on_cpu)


def test_adds_and_removes_are_seen_at_once(device: Device, tmp_path: Path) -> None:
    on_gpu, on_cpu = pair(device, None, tmp_path)
    for index in (on_gpu, on_cpu):
        index.add(100, descriptors(100, 300))
        index.remove(3)
    assert_congruent(on_gpu, on_cpu)
    assert (on_gpu.search(descriptors(100, 300), 1).image_keys == 100).mean() > 0.95
    assert not (on_gpu.search(descriptors(3, 300), 10).image_keys == 3).any()
    for number, index in enumerate((on_gpu, on_cpu)):
        index.snapshot(tmp_path / str(number), 2, whole=True)
    assert_congruent(on_gpu, on_cpu)


def test_codes_that_a_gpu_does_not_take_stay_on_the_processor(
    device: Device, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "steeple")
    on_gpu, on_cpu = pair(device, "IVF64,PQ10", tmp_path)
    assert on_gpu.stats().kind == "IVF64,PQ10 on CPU"
    assert "stays on the processor" in caplog.text
    assert_congruent(on_gpu, on_cpu)


def test_many_threads_may_search(device: Device, tmp_path: Path) -> None:
    on_gpu, _ = pair(device, None, tmp_path)
    on_gpu.batch(0.002, 16384)
    alone = {key: on_gpu.search(descriptors(key, 300), 10) for key in range(8)}
    failures: list[int] = []

    def search(key: int) -> None:
        for _ in range(10):
            found = on_gpu.search(descriptors(key, 300), 10)
            if not np.allclose(found.distances, alone[key].distances, atol=1e-4):
                failures.append(key)

    threads = [threading.Thread(target=search, args=(key,)) for key in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_the_longest_queries_fit(device: Device, tmp_path: Path) -> None:
    on_gpu, on_cpu = pair(device, None, tmp_path)
    assert_congruent(on_gpu, on_cpu, descriptors(7, 4096))
