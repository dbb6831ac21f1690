"""Many landmarks changed at once, and shown on a map, through a real socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from steeple.delf.features import FeatureSet
from steeple.server.catalogue import audit
from steeple.v1 import catalog_service_pb2 as messages
from steeple.v1.landmark_pb2 import Landmark, LatLng

MakeFeatures = Callable[..., FeatureSet]
Refused = Callable[[Awaitable[object]], Awaitable[Any]]
BOTH = ("landmarks/a", "landmarks/b")


async def create(catalog: Any, **landmarks: Landmark) -> None:
    for landmark_id, landmark in landmarks.items():
        await catalog.CreateLandmark(messages.CreateLandmarkRequest(landmark=landmark, landmark_id=landmark_id))


async def test_landmarks_are_changed_alike_and_searches_heed_it(running: Any, make_features: MakeFeatures) -> None:
    catalog = running.catalog
    await create(catalog, a=Landmark(display_name="A", labels=["old"]), b=Landmark(display_name="B", active=False))
    await running.add_image("a", make_features(0), "one")
    request = messages.BatchUpdateLandmarksRequest(
        names=BOTH, add_labels=["new"], remove_labels=["old"], set_metadata={"k": "v"}, active=False
    )
    assert list((await catalog.BatchUpdateLandmarks(request)).updated) == list(BOTH)
    assert list((await catalog.BatchUpdateLandmarks(request)).updated) == []
    assert len((await running.ask(make_features(0))).candidates) == 0
    back = messages.BatchUpdateLandmarksRequest(names=["landmarks/a"], active=True, description="")
    assert list((await catalog.BatchUpdateLandmarks(back)).updated) == ["landmarks/a"]
    assert (await running.ask(make_features(0))).candidates[0].landmark.labels == ["new"]
    events = audit.events((await running.server.ready()).catalogue.database).items
    changed = [event.resource for event in reversed(events) if event.method.endswith("BatchUpdateLandmarks")]
    # One each of the first, one of the second, which found nothing to do, and one of the third.
    assert changed == [*BOTH, ", ".join(BOTH), "landmarks/a"]


async def test_landmarks_are_deleted_all_or_none(running: Any, refused: Refused, make_features: MakeFeatures) -> None:
    catalog = running.catalog
    await create(catalog, a=Landmark(display_name="A"), b=Landmark(display_name="B"))
    await running.add_image("b", make_features(0), "one")
    before = await running.state()
    refusal = await refused(catalog.BatchDeleteLandmarks(messages.BatchDeleteLandmarksRequest(names=BOTH)))
    assert (refusal.code, refusal.message[:9]) == (grpc.StatusCode.FAILED_PRECONDITION, "names[1]:")
    assert await running.state() == before
    await catalog.BatchDeleteLandmarks(messages.BatchDeleteLandmarksRequest(names=BOTH, force=True))
    assert len((await running.ask(make_features(0))).candidates) == 0
    assert len((await catalog.ListLandmarks(messages.ListLandmarksRequest())).landmarks) == 0


async def test_without_retention_their_photos_go_too(start: Any, make_photo: Callable[..., bytes]) -> None:
    async with start(deleted_retention_days=0) as running:
        for one, photo in (("a", make_photo(1)), ("b", make_photo(2))):
            await create(running.catalog, **{one: Landmark(display_name=one)})
            await running.add_image(one, photo, "one")
        assert len((await running.state())[3]) == 2
        await running.catalog.BatchDeleteLandmarks(messages.BatchDeleteLandmarksRequest(names=BOTH, force=True))
        assert (await running.state())[3] == []


async def test_what_is_wrong_with_a_batch_is_named(running: Any, refused: Refused) -> None:
    catalog = running.catalog
    await create(catalog, a=Landmark(display_name="A"), b=Landmark(display_name="B"))
    for fields, field in (
        ({"names": ["landmarks/a", "b"], "active": True}, "names[1]"),
        ({"names": ["landmarks/a"] * 2, "active": True}, "names[1]"),
        ({"names": ["landmarks/a"], "add_labels": ["A"]}, "add_labels"),
        ({"names": ["landmarks/a"], "set_metadata": {"k": "x" * 5000}}, "set_metadata"),
        ({"names": [f"landmarks/x{number}" for number in range(1001)], "active": True}, "names"),
    ):
        refusal = await refused(catalog.BatchUpdateLandmarks(messages.BatchUpdateLandmarksRequest(**fields)))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.details["BadRequest"].field_violations[0].field == field


async def test_a_map_counts_by_cells(running: Any, refused: Refused) -> None:
    catalog = running.catalog
    await create(
        catalog,
        a=Landmark(display_name="Null Island", location=LatLng(latitude=0, longitude=0)),
        b=Landmark(display_name="Near it", location=LatLng(latitude=0.5, longitude=0.5), labels=["near"]),
        c=Landmark(display_name="Suva", location=LatLng(latitude=-18.14, longitude=178.44)),
        d=Landmark(display_name="Nowhere"),
    )
    found = await catalog.ListLandmarkClusters(messages.ListLandmarkClustersRequest(zoom=3))
    assert [(one.landmark_count, one.landmark, one.display_name) for one in found.clusters] == [
        (1, "landmarks/c", "Suva"),
        (2, "landmarks/a", "Null Island"),
    ]
    assert (found.zoom, found.landmark_count) == (3, 3)
    assert found.clusters[1].center == LatLng(latitude=0.25, longitude=0.25)
    assert found.clusters[1].HasField("southwest")
    corners = {"southwest": LatLng(latitude=-1, longitude=-1), "northeast": LatLng(latitude=1, longitude=1)}
    near = messages.ListLandmarkClustersRequest(zoom=22, filter="labels:near", **corners)
    assert [one.landmark for one in (await catalog.ListLandmarkClusters(near)).clusters] == ["landmarks/b"]
    for request, field in (
        (messages.ListLandmarkClustersRequest(zoom=23), "zoom"),
        (messages.ListLandmarkClustersRequest(filter="labels: ("), "filter"),
        (messages.ListLandmarkClustersRequest(southwest=LatLng()), "northeast"),
        (messages.ListLandmarkClustersRequest(northeast=LatLng()), "southwest"),
        (messages.ListLandmarkClustersRequest(southwest=LatLng(latitude=99), northeast=LatLng()), "southwest.latitude"),
    ):
        refusal = await refused(catalog.ListLandmarkClusters(request))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.details["BadRequest"].field_violations[0].field == field
