"""Snapshot files: a header, a payload and their checksum, written so that a crash leaves a whole file."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from steeple.errors import SnapshotError

_MAGIC: Final = b"STEEPLE-INDEX-1\n"
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True)
class SnapshotHeader:
    """What a snapshot says of itself.

    Attributes:
        kind: The implementation and its parameters.
        model: Name of the model release of its descriptors.
        sequence: Catalogue sequence number up to which it is current.
        images: Keys of the images that it holds.
    """

    kind: str
    model: str
    sequence: int
    images: tuple[int, ...]


def write_snapshot(path: Path, header: SnapshotHeader, payload: bytes | memoryview) -> None:
    """Writes a snapshot aside, forces it to the disk and renames it to ``path``."""
    encoded = json.dumps(asdict(header)).encode()
    parts: list[bytes | memoryview] = [_MAGIC, struct.pack("<QQ", len(encoded), len(payload)), encoded, payload]
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".partial")
    with aside.open("wb") as file:
        for part in parts:
            digest.update(part)
            file.write(part)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_snapshot(path: Path, *, kind: str, model: str) -> tuple[SnapshotHeader, memoryview]:
    """The header and payload of a snapshot.

    Raises:
        SnapshotError: If the file is missing, truncated, corrupt, or of another kind or release.
    """
    try:
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise SnapshotError(f"index snapshot {path} cannot be read: {error.strerror}") from error
    start = len(_MAGIC) + 16
    if bytes(data[: len(_MAGIC)]) != _MAGIC or len(data) < start:
        raise SnapshotError(f"{path} is not an index snapshot of this version")
    header_size, payload_size = struct.unpack("<QQ", data[len(_MAGIC) : start])
    expected = start + header_size + payload_size + _DIGEST_BYTES
    if len(data) != expected:
        raise SnapshotError(f"index snapshot {path} is truncated: {len(data)} of {expected} bytes")
    if hashlib.sha256(data[:-_DIGEST_BYTES]).digest() != bytes(data[-_DIGEST_BYTES:]):
        raise SnapshotError(f"index snapshot {path} is corrupt: its checksum does not match")
    fields = json.loads(bytes(data[start : start + header_size]))
    header = SnapshotHeader(**(fields | {"images": tuple(fields["images"])}))
    if (header.kind, header.model) != (kind, model):
        raise SnapshotError(f"index snapshot {path} is of {header.kind}, {header.model}; wanted {kind}, {model}")
    return header, data[start + header_size : -_DIGEST_BYTES]
