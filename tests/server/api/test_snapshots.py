from __future__ import annotations

from typing import Any

import grpc

from steeple.v1.snapshot_service_pb2 import (
    CreateSnapshotRequest,
    DeleteSnapshotRequest,
    GetSnapshotRequest,
    ListSnapshotsRequest,
    VerifySnapshotRequest,
)
from steeple.v1.snapshot_service_pb2_grpc import SnapshotServiceStub
from tests.server.conftest import MakeFeatures

from .conftest import Refused, Running

UUID = "0b7a4ab6-1b9c-4f0e-9d5b-1f4bb2a6c001"


async def test_a_snapshot_is_made_listed_verified_and_deleted(
    running: Running, refused: Refused, make_features: MakeFeatures
) -> None:
    engine = await running.server.ready()
    stub: Any = SnapshotServiceStub(running.channel)
    await running.add("a", make_features(1))
    began = (await stub.CreateSnapshot(CreateSnapshotRequest(request_id=UUID))).operation
    again = (await stub.CreateSnapshot(CreateSnapshotRequest(request_id=UUID))).operation
    assert again.name == began.name
    done = engine.operations.wait(began.name.removeprefix("operations/"), 20.0)
    name = done.results["snapshot"]
    assert name == began.name.replace("operations", "snapshots")
    (found,) = (await stub.ListSnapshots(ListSnapshotsRequest())).snapshots
    assert (await stub.GetSnapshot(GetSnapshotRequest(name=name))).snapshot == found
    assert (found.landmark_count, found.reference_image_count, found.photo_count, found.sequence) == (1, 1, 0, 1)
    assert (found.model, found.has_index, found.damage) == ("models/delf-lite2-v1", True, "")
    assert found.size_bytes == int(done.results["size_bytes"])
    verified = (await stub.VerifySnapshot(VerifySnapshotRequest(name=name))).operation
    assert engine.operations.wait(verified.name.removeprefix("operations/"), 20.0).results["snapshot"] == name
    await stub.DeleteSnapshot(DeleteSnapshotRequest(name=name))
    refusal = await refused(stub.GetSnapshot(GetSnapshotRequest(name=name)))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert refusal.details["ResourceInfo"].resource_name == name


async def test_bad_requests_name_the_field(running: Running, refused: Refused) -> None:
    stub: Any = SnapshotServiceStub(running.channel)
    calls = {
        "keep": stub.CreateSnapshot(CreateSnapshotRequest(keep=-1)),
        "request_id": stub.CreateSnapshot(CreateSnapshotRequest(request_id="x")),
        "name": stub.DeleteSnapshot(DeleteSnapshotRequest(name="snapshots/../a")),
    }
    for field, call in calls.items():
        refusal = await refused(call)
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in refusal.details["BadRequest"].field_violations] == [field]
