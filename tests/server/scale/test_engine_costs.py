"""What engines cost is measured on real ones: PostgreSQL, Milvus, an S3 server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steeple.delf import ModelRelease
from steeple.errors import InvalidArgumentError
from steeple.server.scale.engine_milvus import measure_milvus
from steeple.server.scale.engine_stores import measure_catalogue, measure_images
from steeple.server.scale.processes import cpu_seconds, resident_bytes

pytestmark = pytest.mark.engines

RELEASE = ModelRelease.load("delf-lite2-v1")


def test_rows_in_postgresql(postgres_url: str) -> None:
    cost = measure_catalogue(postgres_url, RELEASE, 25, 3)
    assert (cost.engine, cost.images, cost.features, cost.read_images) == ("postgresql", 25, 1000, 20)
    assert 46_000 < cost.bytes_per_image < 100_000
    assert cost.server_cpu_ms is not None, "its processes are on this machine"
    assert cost.read_cpu_ms > 0
    assert cost.write_ms > 0
    with pytest.raises(InvalidArgumentError, match="give --database-url an empty one"):
        measure_catalogue(postgres_url, RELEASE, 25, 3)


def test_photos_in_a_bucket(bucket_url: str) -> None:
    cost = measure_images(bucket_url, 3)
    assert cost.store == "s3"
    assert min(cost.put_ms, cost.get_ms) > 0


def test_searches_in_milvus(milvus_uri: str) -> None:
    process = os.getpid()  # of some process: that of Milvus is its starter's alone to know
    single, spread = measure_milvus(milvus_uri, "", process, RELEASE, [10_000], 2, lambda *_: None, places=3)
    for points, size in (single, spread):
        assert size.descriptors == 10_000
        assert [point.query_descriptors for point in points] == [100, 500, 1000, 500, 500]
        assert min(point.wall_ms for point in points) > 0
        assert all(point.client_ms > 0 for point in points)
    assert single[0][0].parts < spread[0][0].parts <= 3, "regions are partitions, which have segments of their own"


def test_processes_that_are_not_there() -> None:
    assert cpu_seconds([os.getpid()]) is not None
    assert cpu_seconds([os.getpid()], "postgres") is None, "an id of another machine is somebody else's here"
    assert cpu_seconds([2**22 + 1]) is None
    assert resident_bytes(2**22 + 1) == 0
    assert resident_bytes() > 10_000_000
    assert Path("/proc/self").exists()
