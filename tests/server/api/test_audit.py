"""The audit log: who changed what, and who tried to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.access import Scope
from steeple.server.catalogue import Catalogue, LandmarkDraft, audit
from steeple.v1.audit_service_pb2 import AuditEvent, ListAuditEventsRequest
from steeple.v1.audit_service_pb2_grpc import AuditServiceStub
from steeple.v1.catalog_service_pb2 import (
    CreateLandmarkRequest,
    CreateReferenceImageRequest,
    DeleteLandmarkRequest,
    DeleteReferenceImageRequest,
    GetLandmarkRequest,
    UpdateLandmarkRequest,
)
from steeple.v1.key_service_pb2 import RevokeKeyRequest
from steeple.v1.key_service_pb2_grpc import KeyServiceStub
from steeple.v1.landmark_pb2 import Landmark

from .conftest import Refused, Running, Start
from .test_access import bearer, make_key

MakeFeatures = Callable[..., FeatureSet]

CATALOG = "steeple.v1.CatalogService/"


async def log(running: Running, metadata: Any = None, **asked: Any) -> list[AuditEvent]:
    stub: Any = AuditServiceStub(running.channel)
    request = ListAuditEventsRequest(page_size=1000, **asked)
    return list((await stub.ListAuditEvents(request, metadata=metadata)).audit_events)


def told(events: list[AuditEvent]) -> list[tuple[str, str, str, str]]:
    return [(event.actor, event.method.partition("/")[2], event.resource, event.outcome) for event in events]


async def test_every_change_is_in_the_log_with_its_outcome(
    start: Start, make_features: MakeFeatures, refused: Refused
) -> None:
    async with start(access="keys") as running:
        editor, admin, device = [await make_key(running, scope) for scope in (Scope.EDITOR, Scope.ADMIN, Scope.DEVICE)]
        mine, boss, phone = bearer(editor.secret), bearer(admin.secret), bearer(device.secret)
        catalog, began = running.catalog, datetime.now(UTC)
        await catalog.CreateLandmark(CreateLandmarkRequest(landmark=Landmark(display_name="Big Ben")), metadata=mine)
        update = Landmark(name="landmarks/big-ben", description="A clock.")
        await catalog.UpdateLandmark(UpdateLandmarkRequest(landmark=update), metadata=mine)
        image = CreateReferenceImageRequest(parent="landmarks/big-ben", reference_image_id="one")
        image.features.CopyFrom(wire.pack(make_features(1)))
        await catalog.CreateReferenceImage(image, metadata=mine)
        await catalog.GetLandmark(GetLandmarkRequest(name="landmarks/big-ben"), metadata=mine)
        await refused(catalog.DeleteLandmark(DeleteLandmarkRequest(name="landmarks/big-ben"), metadata=mine))
        await refused(catalog.DeleteLandmark(DeleteLandmarkRequest(name="../etc"), metadata=mine))
        await refused(catalog.DeleteLandmark(DeleteLandmarkRequest(name="landmarks/big-ben"), metadata=phone))
        await refused(catalog.DeleteLandmark(DeleteLandmarkRequest(name="landmarks/big-ben")))
        gone = DeleteReferenceImageRequest(name="landmarks/big-ben/images/one")
        await catalog.DeleteReferenceImage(gone, metadata=boss)
        keys: Any = KeyServiceStub(running.channel)
        await keys.RevokeKey(RevokeKeyRequest(name=editor.key.name), metadata=boss)

        events = await log(running, boss)
        assert told(events) == [
            (admin.key.name, "RevokeKey", editor.key.name, "OK"),
            (admin.key.name, "DeleteReferenceImage", "landmarks/big-ben/images/one", "OK"),
            (editor.key.name, "DeleteLandmark", "../etc", "INVALID_ARGUMENT"),
            (editor.key.name, "DeleteLandmark", "landmarks/big-ben", "FAILED_PRECONDITION"),
            (editor.key.name, "CreateReferenceImage", "landmarks/big-ben/images/one", "OK"),
            (editor.key.name, "UpdateLandmark", "landmarks/big-ben", "OK"),
            (editor.key.name, "CreateLandmark", "landmarks/big-ben", "OK"),
        ]
        assert began <= events[-1].time.ToDatetime(UTC) <= events[0].time.ToDatetime(UTC) <= datetime.now(UTC)
        of_images = await log(running, boss, resource="landmarks/big-ben/images/one")
        assert [event.method for event in of_images] == [
            f"{CATALOG}DeleteReferenceImage",
            f"{CATALOG}CreateReferenceImage",
        ]
        assert len(await log(running, boss, resource="landmarks/big-ben")) == 5


async def test_a_server_without_keys_logs_changes_too(running: Running) -> None:
    request = CreateLandmarkRequest(
        landmark=Landmark(display_name="X"), request_id="0b2f1c1e-0000-4000-8000-000000000001"
    )
    for _ in range(2):
        await running.catalog.CreateLandmark(request)
    # The repeat changed nothing, but was a call that was answered as done.
    assert [event[:2] for event in told(await log(running))] == [("open", "CreateLandmark")] * 2


def test_a_change_and_its_event_are_one_transaction(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db") as catalogue:
        attempt = audit.Attempt("keys/a", "X/Y")
        catalogue.create_landmark(LandmarkDraft("Unobserved"), landmark_id="before")
        with audit.attempting(attempt):
            catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
        assert [event.resource for event in audit.events(catalogue.database).items] == ["landmarks/tower"]
        # A log that cannot be written must keep the change from being made.
        with catalogue.database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE audit_event RENAME TO elsewhere")
        with audit.attempting(attempt), pytest.raises(Exception, match="no such table: audit_event"):
            catalogue.create_landmark(LandmarkDraft("Bridge"), landmark_id="bridge")
        assert [landmark.id for landmark in catalogue.list_landmarks().items] == ["before", "tower"]


def test_the_log_is_read_in_pages_and_by_time(tmp_path: Any) -> None:
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db") as catalogue:
        database, began = catalogue.database, datetime(2026, 3, 1, tzinfo=UTC)
        with database.write() as connection:
            for number in range(7):
                with audit.attempting(audit.Attempt("open", "X/Y")):
                    name = f"landmarks/{'a' if number % 2 else 'a_b'}"
                    audit.record(connection, began + timedelta(hours=number), name)
        seen, token = [], ""
        while True:
            page = audit.events(database, page_size=3, page_token=token)
            seen += [event.time.hour for event in page.items]
            if not (token := page.next_page_token):
                break
        assert seen == [6, 5, 4, 3, 2, 1, 0]
        hours = {"start_time": began + timedelta(hours=2), "end_time": began + timedelta(hours=5)}
        assert [event.time.hour for event in audit.events(database, **hours).items] == [4, 3, 2]  # type: ignore[arg-type]
        assert [event.time.hour for event in audit.events(database, resource="landmarks/a").items] == [5, 3, 1]
        assert audit.events(database, resource="landmarks/_").items == ()
        token = audit.events(database, page_size=3).next_page_token
        with pytest.raises(Exception, match="page_token"):
            audit.events(database, page_size=3, page_token=token, resource="landmarks/a")


def test_events_of_before_a_clock_was_set_back_are_found_by_their_time(tmp_path: Any) -> None:
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db") as catalogue:
        began = datetime(2026, 3, 1, tzinfo=UTC)
        with catalogue.database.write() as connection, audit.attempting(audit.Attempt("open", "X/Y")):
            for hour in (3, 8, 1, 2, 5):
                audit.record(connection, began + timedelta(hours=hour), "packs/a")
        start = began + timedelta(hours=4)
        assert [event.time.hour for event in audit.events(catalogue.database, start_time=start).items] == [5, 8]
        assert audit.events(catalogue.database, start_time=began + timedelta(hours=9)).items == ()


def test_methods_are_found_by_what_they_begin_with(tmp_path: Any) -> None:
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db") as catalogue:
        database = catalogue.database
        with database.write() as connection:
            for method in ("A/Delete", "A/DeleteAll", "B/Delete", "A_Delete"):
                with audit.attempting(audit.Attempt("open", method)):
                    audit.record(connection, datetime.now(UTC), "packs/a")
        found = {
            prefix: [event.method for event in audit.events(database, method=prefix).items]
            for prefix in ("A/D", "A/DeleteA", "A_", "A", "C", "%")
        }
        assert found == {
            "A/D": ["A/DeleteAll", "A/Delete"],
            "A/DeleteA": ["A/DeleteAll"],
            "A_": ["A_Delete"],
            "A": ["A_Delete", "A/DeleteAll", "A/Delete"],
            "C": [],
            "%": [],
        }
        page = audit.events(database, page_size=1, method="A")
        rest = audit.events(database, method="A", page_token=page.next_page_token)
        assert [event.method for event in (*page.items, *rest.items)] == found["A"]
