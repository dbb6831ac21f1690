"""``CatalogService.GetCoverage``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from steeple.delf.features import FeatureSet
from steeple.server.api import coverage
from steeple.v1.catalog_service_pb2 import GetCoverageRequest, UpdateReferenceImageRequest
from steeple.v1.coverage_pb2 import Coverage, CoverageGap
from steeple.v1.landmark_pb2 import LatLng, ReferenceImage

from .conftest import Refused, Running, Start

MakeFeatures = Callable[..., FeatureSet]


async def covered(running: Running, name: str = "landmarks/tower", **options: Any) -> Coverage:
    found: Coverage = (await running.catalog.GetCoverage(GetCoverageRequest(name=name), **options)).coverage
    return found


async def fill(running: Running, make_features: MakeFeatures) -> None:
    """Two photos that see the same, one that sees something else."""
    await running.add("tower", make_features(1), "a")
    await running.add_image("tower", make_features(1), "b")
    await running.add_image("tower", make_features(2), "c")


async def test_how_well_photos_cover_a_landmark(running: Running, make_features: MakeFeatures) -> None:
    await fill(running, make_features)
    place = LatLng(latitude=1, longitude=2)
    image = ReferenceImage(name="landmarks/tower/images/c", capture_location=place, capture_time="2024-05-01T12:30:00")
    await running.catalog.UpdateReferenceImage(UpdateReferenceImageRequest(reference_image=image))
    found = await covered(running)
    names = [f"landmarks/tower/images/{one}" for one in "abc"]
    assert (found.landmark, found.model, found.image_count) == ("landmarks/tower", "models/delf-lite2-v1", 3)
    assert (found.partial, found.compared_count) == (False, 3)
    assert [(one.reference_image, one.view, one.group) for one in found.images] == [
        (names[0], found.images[0].view, 1),
        (names[1], found.images[0].view, 1),
        (names[2], found.images[2].view, 0),
    ]
    assert [one.HasField("capture_location") for one in found.images] == [False, False, True]
    assert found.images[2].capture_location == place
    (match,) = found.matches
    assert (match.first, match.second, match.near_duplicate) == (0, 1, True)
    assert match.inliers > 100
    assert 0.99 < match.weight <= 1
    (group,) = found.groups
    assert (list(group.reference_images), group.view_count) == (names[:2], 1)
    assert list(found.single_images) == [names[2]]
    assert (found.placed_count, found.near_count, found.timed_count, list(found.sectors)) == (1, 0, 1, [])
    assert (len(found.hours), found.hours[12], len(found.months), found.months[4]) == (24, 1, 12, 1)
    single = next(gap for gap in found.gaps if gap.kind == CoverageGap.KIND_SINGLE_IMAGES)
    assert list(single.reference_images) == [names[2]]
    assert single.text.startswith("1 photo agrees with no other")


async def test_it_stops_in_time_says_so_and_remembers(
    running: Running, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(running, make_features)
    monkeypatch.setattr(coverage, "LONGEST_SECONDS", 0.0)
    found = await covered(running)
    assert (found.partial, found.compared_count, len(found.images)) == (True, 0, 3)
    monkeypatch.setattr(coverage, "LONGEST_SECONDS", 60.0)
    both = await asyncio.gather(covered(running), covered(running))
    assert both[0] == both[1]
    assert not both[0].partial
    monkeypatch.setattr(coverage, "LONGEST_SECONDS", 0.0)
    assert await covered(running) == both[0], "nothing is left to do"


async def test_queries_go_before_it(start: Start, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch) -> None:
    async with start(workers=1, max_concurrent_queries=1) as running:
        await fill(running, make_features)
        gate = threading.Event()
        pool = running.server._queries
        held = asyncio.create_task(pool.run(gate.wait, 30.0))
        await asyncio.sleep(0)
        monkeypatch.setattr(coverage, "LONGEST_SECONDS", 0.05)
        found = await covered(running)
        assert (found.partial, found.compared_count) == (True, 0), "no thread was free, and it was not refused"
        gate.set()
        await held
        monkeypatch.setattr(coverage, "LONGEST_SECONDS", 60.0)
        assert not (await covered(running)).partial


async def test_the_callers_deadline_counts(
    running: Running, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With less time than the answer is given, nothing is compared."""
    await fill(running, make_features)
    monkeypatch.setattr(coverage, "_ANSWER_SECONDS", 3600.0)
    assert (await covered(running, timeout=60.0)).partial
    assert not (await covered(running)).partial, "without a deadline, half a minute counts"


async def test_what_is_not_there_is_said(running: Running, refused: Refused) -> None:
    for name, code in (("landmarks/none", grpc.StatusCode.NOT_FOUND), ("none", grpc.StatusCode.INVALID_ARGUMENT)):
        assert (await refused(covered(running, name))).code is code
