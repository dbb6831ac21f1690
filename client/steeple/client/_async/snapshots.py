"""Calls of the SnapshotService."""

from __future__ import annotations

from steeple.client._async.connection import AsyncConnection
from steeple.client._convert_operations import to_operation
from steeple.client._convert_snapshots import snapshot_name, to_snapshot
from steeple.client._requests import request_id_or_new
from steeple.client.operations import Operation
from steeple.client.snapshots import Snapshot
from steeple.v1 import snapshot_service_pb2 as api


class AsyncSnapshotCalls:
    """The part of the client that makes snapshots of a server. They are restored on the command line, without a server.

    Snapshots are given by id, by name (``snapshots/{id}``) or as what another call returned.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create_snapshot(
        self,
        *,
        copy_photos: bool = False,
        without_index: bool = False,
        keep: int = 0,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Operation:
        """Begins to make a snapshot; ``wait_operation`` waits for it, and its ``results["snapshot"]`` is the name.

        Args:
            copy_photos: Whether photos are copied also where they could share their space with the server's.
            without_index: Whether the index is left out, and built when the snapshot has been restored.
            keep: Snapshots that are kept then, this one among them; 0: as the server's setting says.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            InvalidArgumentError: If ``keep`` is negative.
        """
        request = api.CreateSnapshotRequest(
            copy_photos=copy_photos,
            without_index=without_index,
            keep=keep,
            request_id=request_id_or_new(request_id),
        )
        call = self._connection.link.snapshots.CreateSnapshot
        return to_operation((await self._connection.call(call, request, timeout=timeout)).operation)

    async def list_snapshots(self, *, timeout: float | None = None) -> tuple[Snapshot, ...]:
        """All snapshots, the latest first."""
        call = self._connection.link.snapshots.ListSnapshots
        response = await self._connection.call(call, api.ListSnapshotsRequest(), timeout=timeout)
        return tuple(to_snapshot(snapshot) for snapshot in response.snapshots)

    async def get_snapshot(self, snapshot: str | Snapshot, *, timeout: float | None = None) -> Snapshot:
        """A snapshot.

        Raises:
            NotFoundError: If there is none.
        """
        request = api.GetSnapshotRequest(name=snapshot_name(snapshot))
        call = self._connection.link.snapshots.GetSnapshot
        return to_snapshot((await self._connection.call(call, request, timeout=timeout)).snapshot)

    async def delete_snapshot(self, snapshot: str | Snapshot, *, timeout: float | None = None) -> None:
        """Deletes a snapshot.

        Raises:
            NotFoundError: If there is none.
        """
        request = api.DeleteSnapshotRequest(name=snapshot_name(snapshot))
        await self._connection.call(self._connection.link.snapshots.DeleteSnapshot, request, timeout=timeout)

    async def verify_snapshot(self, snapshot: str | Snapshot, *, timeout: float | None = None) -> Operation:
        """Begins to compare every file of a snapshot with its checksum; its problems are the files that are damaged.

        Raises:
            NotFoundError: If there is none.
        """
        request = api.VerifySnapshotRequest(name=snapshot_name(snapshot))
        call = self._connection.link.snapshots.VerifySnapshot
        return to_operation((await self._connection.call(call, request, timeout=timeout)).operation)
