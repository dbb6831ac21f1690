"""What changes did, as editors see it, and undoing it so that searches heed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict

from steeple.delf.features import FeatureSet
from steeple.server.access import Scope
from steeple.v1.audit_service_pb2 import AuditEvent, ListAuditEventsRequest
from steeple.v1.audit_service_pb2_grpc import AuditServiceStub
from steeple.v1.catalog_service_pb2 import (
    DeleteLandmarkRequest,
    DeleteReferenceImageRequest,
    UndoChangeRequest,
    UpdateLandmarkRequest,
)
from steeple.v1.landmark_pb2 import Landmark, LatLng

from .conftest import Refused, Running, Start
from .test_access import bearer, make_key

MakeFeatures = Callable[..., FeatureSet]
TOWER = "landmarks/tower"
ONE = "landmarks/tower/images/one"


async def log(running: Running, metadata: Any = None, **asked: Any) -> list[AuditEvent]:
    stub: Any = AuditServiceStub(running.channel)
    request = ListAuditEventsRequest(page_size=1000, **asked)
    return list((await stub.ListAuditEvents(request, metadata=metadata)).audit_events)


async def test_a_change_is_told_field_by_field(running: Running, make_features: MakeFeatures) -> None:
    await running.add("tower", make_features(1))
    update = Landmark(name=TOWER, labels=["church"], location=LatLng(latitude=1.5, longitude=2), active=False)
    await running.catalog.UpdateLandmark(UpdateLandmarkRequest(landmark=update))
    changed, image, created = await log(running)
    assert [MessageToDict(change) for change in changed.field_changes] == [
        {"field": "active", "before": True, "after": False},
        {"field": "labels.church", "after": True},
        {"field": "location", "after": {"latitude": 1.5, "longitude": 2.0}},
    ]
    assert [MessageToDict(change) for change in created.field_changes] == [
        {"field": "active", "after": True},
        {"field": "display_name", "after": "Tower"},
    ]
    assert (changed.change, image.change) == (AuditEvent.CHANGE_UPDATED, AuditEvent.CHANGE_CREATED)
    assert (image.resource, list(image.field_changes)) == (ONE, [])


async def test_searches_heed_an_undo_when_it_returns(running: Running, make_features: MakeFeatures) -> None:
    await running.add("tower", make_features(1))
    assert (await running.ask(make_features(1))).candidates
    await running.catalog.DeleteReferenceImage(DeleteReferenceImageRequest(name=ONE))
    assert not (await running.ask(make_features(1))).candidates
    (deleted,) = [event for event in await log(running) if event.change == AuditEvent.CHANGE_DELETED]
    undone = await running.catalog.UndoChange(UndoChangeRequest(name=deleted.name))
    assert undone.reference_image.name == ONE
    assert (await running.ask(make_features(1))).candidates[0].landmark.name == TOWER
    await running.catalog.UpdateLandmark(UpdateLandmarkRequest(landmark=Landmark(name=TOWER, active=False)))
    assert not (await running.ask(make_features(1))).candidates
    event = (await log(running))[0]
    undone = await running.catalog.UndoChange(UndoChangeRequest(name=event.name))
    assert undone.landmark.active
    assert (await running.ask(make_features(1))).candidates
    latest = (await log(running))[0]
    assert (latest.name, latest.undoes, latest.method) == (
        undone.event,
        event.name,
        "steeple.v1.CatalogService/UndoChange",
    )
    await running.catalog.UndoChange(UndoChangeRequest(name=undone.event))
    assert not (await running.ask(make_features(1))).candidates


async def test_a_call_that_failed_cannot_be_undone(running: Running, refused: Refused) -> None:
    await refused(running.catalog.DeleteLandmark(DeleteLandmarkRequest(name=TOWER)))
    for name, code, says in (
        ("auditEvents/1", grpc.StatusCode.FAILED_PRECONDITION, "ended with NOT_FOUND"),
        ("auditEvents/99", grpc.StatusCode.NOT_FOUND, "there is no auditEvents/99"),
        ("auditEvents/1.5", grpc.StatusCode.INVALID_ARGUMENT, "must read auditEvents/{number}"),
    ):
        found = await refused(running.catalog.UndoChange(UndoChangeRequest(name=name)))
        assert (found.code, says in found.message) == (code, True), found.message
        if code is not grpc.StatusCode.INVALID_ARGUMENT:
            assert found.details["ResourceInfo"].resource_type == "steeple.v1.AuditEvent"


async def test_undoing_for_good_takes_the_photo_too(start: Start, make_photo: Callable[..., bytes]) -> None:
    async with start(deleted_retention_days=0) as running:
        await running.add("tower", make_photo(1))
        assert (await running.state())[3] != []
        added = (await log(running))[0]
        undone = await running.catalog.UndoChange(UndoChangeRequest(name=added.name))
        assert undone.WhichOneof("resource") is None
        assert (await running.state())[3] == []


async def test_the_log_is_filtered_by_who_how_and_with_what_end(
    start: Start, refused: Refused, make_features: MakeFeatures
) -> None:
    async with start(access="keys") as running:
        editor, other, admin = [await make_key(running, scope) for scope in (Scope.EDITOR, Scope.EDITOR, Scope.ADMIN)]
        boss = bearer(admin.secret)
        for key in (editor, other):
            for request in (
                running.catalog.DeleteLandmark(DeleteLandmarkRequest(name=TOWER), metadata=bearer(key.secret)),
                running.catalog.DeleteLandmark(DeleteLandmarkRequest(name="x"), metadata=bearer(key.secret)),
            ):
                await refused(request)
        await running.add("tower", make_features(1), metadata=bearer(editor.secret))
        everything = await log(running, boss)
        assert len(everything) == 6
        assert len(await log(running, boss, actor=editor.key.name)) == 4
        assert len(await log(running, boss, method="steeple.v1.CatalogService/Create")) == 2
        assert len(await log(running, boss, method="steeple.v1.CatalogService_")) == 0
        assert len(await log(running, boss, outcomes=["OK"])) == 2
        assert len(await log(running, boss, outcomes=["NOT_FOUND", "INVALID_ARGUMENT"], actor=other.key.name)) == 2
        stub: Any = AuditServiceStub(running.channel)
        found = await refused(stub.ListAuditEvents(ListAuditEventsRequest(outcomes=["BAD"]), metadata=boss))
        assert found.details["BadRequest"].field_violations[0].field == "outcomes"


async def test_editors_see_the_history_of_landmarks_and_nothing_else(
    start: Start, refused: Refused, make_features: MakeFeatures
) -> None:
    async with start(access="keys") as running:
        editor, reader = [await make_key(running, scope) for scope in (Scope.EDITOR, Scope.READER)]
        mine = bearer(editor.secret)
        await running.add("tower", make_features(1), metadata=mine)
        for resource in ("landmarks", TOWER, ONE):
            assert (await log(running, mine, resource=resource))[0].resource == ONE
        stub: Any = AuditServiceStub(running.channel)
        for key, resource in ((editor, ""), (editor, "keys"), (editor, "landmarksx"), (reader, "landmarks")):
            request = ListAuditEventsRequest(resource=resource)
            found = await refused(stub.ListAuditEvents(request, metadata=bearer(key.secret)))
            assert found.code is grpc.StatusCode.PERMISSION_DENIED, resource
        event = (await log(running, mine, resource="landmarks"))[0]
        found = await refused(
            running.catalog.UndoChange(UndoChangeRequest(name=event.name), metadata=bearer(reader.secret))
        )
        assert found.code is grpc.StatusCode.PERMISSION_DENIED
        undone = await running.catalog.UndoChange(UndoChangeRequest(name=event.name), metadata=mine)
        found = await refused(running.catalog.UndoChange(UndoChangeRequest(name=event.name), metadata=mine))
        info = found.details["ErrorInfo"]
        assert (found.code, info.reason) == (grpc.StatusCode.ABORTED, "CHANGED_SINCE")
        assert (info.metadata["fields"], info.metadata["event"]) == ("delete_time", undone.event)
