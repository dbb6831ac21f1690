"""Protocol messages of snapshots to the SDK's types."""

from __future__ import annotations

from steeple.client._requests import prefixed
from steeple.client._times import to_time
from steeple.client.snapshots import Snapshot
from steeple.v1 import snapshot_service_pb2 as api


def snapshot_name(snapshot: str | Snapshot) -> str:
    """``snapshots/{id}`` of an id, a name or a snapshot."""
    return snapshot.name if isinstance(snapshot, Snapshot) else prefixed("snapshots/", snapshot)


def to_snapshot(message: api.Snapshot) -> Snapshot:
    """A snapshot."""
    return Snapshot(
        name=message.name,
        create_time=to_time(message.create_time) if message.HasField("create_time") else None,
        version=message.version,
        schema=message.schema,
        sequence=message.sequence,
        model=message.model,
        landmark_count=message.landmark_count,
        reference_image_count=message.reference_image_count,
        photo_count=message.photo_count,
        missing_photo_count=message.missing_photo_count,
        has_index=message.has_index,
        size_bytes=message.size_bytes,
        copied_bytes=message.copied_bytes,
        damage=message.damage,
    )
