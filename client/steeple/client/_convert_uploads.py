"""Protocol messages of uploads to the SDK's types, and back."""

from __future__ import annotations

from steeple.client._requests import prefixed
from steeple.client._times import to_time
from steeple.client.uploads import Upload
from steeple.v1 import upload_service_pb2 as api


def upload_name(upload: str | Upload) -> str:
    """``uploads/{id}`` of an id, a name or an upload."""
    return upload.name if isinstance(upload, Upload) else prefixed("uploads/", upload)


def to_upload(message: api.Upload) -> Upload:
    """An upload."""
    return Upload(
        name=message.name,
        file_name=message.file_name,
        size_bytes=message.size_bytes,
        sha256=message.sha256,
        committed_size=message.committed_size,
        complete=message.complete,
        create_time=to_time(message.create_time),
        expire_time=to_time(message.expire_time),
    )
