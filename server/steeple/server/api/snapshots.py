"""``steeple.v1.SnapshotService``."""

from __future__ import annotations

from typing import Any

import grpc

from steeple.errors import InvalidArgumentError
from steeple.server.api.names import model_name, parse_snapshot
from steeple.server.api.operations import operation_message
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import timestamp
from steeple.server.api.status import FIELD
from steeple.server.snapshots.jobs import Snapshots
from steeple.server.snapshots.manifest import Snapshot
from steeple.v1 import snapshot_service_pb2 as api
from steeple.v1 import snapshot_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class SnapshotService(snapshot_service_pb2_grpc.SnapshotServiceServicer):
    """Makes snapshots, verifies and deletes them.

    Args:
        readiness: Where the engine, and so the snapshots, are.
        calls: Threads for what only reads and writes the catalogue.
    """

    def __init__(self, readiness: Readiness, calls: Pool) -> None:
        self._readiness = readiness
        self._calls = calls

    async def CreateSnapshot(  # noqa: N802
        self, request: api.CreateSnapshotRequest, context: Context
    ) -> api.CreateSnapshotResponse:
        """Begins to make a snapshot."""
        if request.keep < 0:
            raise InvalidArgumentError(f"keep must not be negative, not {request.keep}", **{FIELD: "keep"})
        operation = await self._calls.run(
            self._snapshots.create,
            copy_photos=request.copy_photos,
            without_index=request.without_index,
            keep=request.keep,
            request_id=request.request_id,
        )
        return api.CreateSnapshotResponse(operation=operation_message(operation))

    async def GetSnapshot(  # noqa: N802
        self, request: api.GetSnapshotRequest, context: Context
    ) -> api.GetSnapshotResponse:
        """A snapshot by name."""
        found = await self._calls.run(self._snapshots.store.get, parse_snapshot(request.name))
        return api.GetSnapshotResponse(snapshot=snapshot_message(found))

    async def ListSnapshots(  # noqa: N802
        self, request: api.ListSnapshotsRequest, context: Context
    ) -> api.ListSnapshotsResponse:
        """All snapshots, the latest first."""
        found = await self._calls.run(self._snapshots.store.all)
        return api.ListSnapshotsResponse(snapshots=[snapshot_message(each) for each in found])

    async def DeleteSnapshot(  # noqa: N802
        self, request: api.DeleteSnapshotRequest, context: Context
    ) -> api.DeleteSnapshotResponse:
        """Deletes a snapshot."""
        await self._calls.run(self._snapshots.delete, parse_snapshot(request.name))
        return api.DeleteSnapshotResponse()

    async def VerifySnapshot(  # noqa: N802
        self, request: api.VerifySnapshotRequest, context: Context
    ) -> api.VerifySnapshotResponse:
        """Begins to verify a snapshot."""
        operation = await self._calls.run(self._snapshots.verify, parse_snapshot(request.name))
        return api.VerifySnapshotResponse(operation=operation_message(operation))

    @property
    def _snapshots(self) -> Snapshots:
        return self._readiness.engine.snapshots


def snapshot_message(snapshot: Snapshot) -> api.Snapshot:
    """A snapshot as the API shows it."""
    if snapshot.damage:
        return api.Snapshot(name=snapshot.name, damage=snapshot.damage)
    return api.Snapshot(
        name=snapshot.name,
        create_time=timestamp(snapshot.create_time),
        version=snapshot.version,
        schema=snapshot.schema,
        sequence=snapshot.sequence,
        model=model_name(snapshot.model),
        landmark_count=snapshot.landmark_count,
        reference_image_count=snapshot.reference_image_count,
        photo_count=snapshot.photo_count,
        missing_photo_count=snapshot.missing_photo_count,
        has_index=snapshot.has_index,
        size_bytes=snapshot.size_bytes,
        copied_bytes=snapshot.copied_bytes,
    )
