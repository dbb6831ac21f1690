"""What snapshots say of themselves: as it comes, and with a checksum that is right."""

from __future__ import annotations

import functools
import hashlib
import json
from datetime import UTC, datetime

from steeple.errors import FailedPreconditionError, SnapshotError
from steeple.server.api.snapshots import snapshot_message
from steeple.server.snapshots import manifest
from tests.fuzz.files import written


@functools.cache
def _rendered() -> bytes:
    found = manifest.Snapshot(
        id="20260101-120000000-abcdefgh",
        create_time=datetime(2026, 1, 1, 12, tzinfo=UTC),
        version="1.0",
        schema="0004",
        sequence=7,
        model="delf-lite2-v1",
        landmark_count=3,
        files=9,
        size_bytes=1000,
        sums_sha256="ab" * 32,
    )
    return manifest.rendered(found)


def seeds() -> list[bytes]:
    """A whole file, and contents to which a checksum is made, of this format, another and none."""
    facts = json.dumps(json.loads(_rendered())["snapshot"]).encode()
    return [
        b"\0" + _rendered(),
        b"\1" + facts,
        b"\1" + facts.replace(b'"format": 1', b'"format": 2'),
        b'\1{"format": 1, "create_time": 7, "id": []}',
        b'\1{"format": 1, "create_time": "2026-01-01", "id": "a", "sequence": 1e999, "version": "\\ud800"}',
        b'\1{"format": 1, "create_time": "2026-01-01", "id": "a", "sequence": -99999999999999999999, "model": 7}',
        b"\1" + b"[" * 2000,
    ]


def check(data: bytes) -> None:
    """It is refused as a damaged snapshot, or as one of a newer Steeple, or the API can tell of it."""
    content = data[1:] if data[:1] != b"\1" else _sealed(data[1:])
    path = written(content, manifest.MANIFEST)
    try:
        found = manifest.read(path.parent)
    except (SnapshotError, FailedPreconditionError):
        return
    assert found.id == path.parent.name
    assert snapshot_message(found).sequence == found.sequence


def _sealed(data: bytes) -> bytes:
    try:
        facts = json.loads(data)
    except (ValueError, RecursionError):
        return data
    if not isinstance(facts, dict):
        return data
    sealed = json.dumps(facts, sort_keys=True).encode()
    document = {"snapshot": dict(sorted(facts.items())), "sha256": hashlib.sha256(sealed).hexdigest()}
    return (json.dumps(document, indent=2) + "\n").encode()
