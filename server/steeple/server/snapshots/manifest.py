"""What a snapshot says of itself, in a file that is written last: without it there is no snapshot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from steeple.errors import FailedPreconditionError, NotFoundError, SnapshotError

MANIFEST: Final = "snapshot.json"
FORMAT: Final = 1


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a server.

    Attributes:
        id: Name of its folder. Ids sort by time.
        create_time: When it was begun, UTC; None if ``damage`` is set.
        version: Of the Steeple that made it.
        schema: Revision of the catalogue's schema.
        sequence: Number of the catalogue's last change.
        model: Name of the model release that was the default.
        landmark_count: In its catalogue, deleted ones that are kept among them.
        reference_image_count: Reference images, likewise.
        photo_count: Files of photos in it.
        missing_photo_count: Photos that its catalogue refers to and the server had lost already.
        has_index: Whether it has the index too, so that a restored server need not build it.
        files: In it, without :data:`MANIFEST` and the list of checksums.
        size_bytes: Of these files.
        copied_bytes: Of those that share no space with the server's own files.
        sums_sha256: SHA-256, hex, of the list of all files with their checksums.
        damage: Why it cannot be read; then all else but the id stands for nothing. Empty: it can.
    """

    id: str
    create_time: datetime | None = None
    version: str = ""
    schema: str = ""
    sequence: int = 0
    model: str = ""
    landmark_count: int = 0
    reference_image_count: int = 0
    photo_count: int = 0
    missing_photo_count: int = 0
    has_index: bool = False
    files: int = 0
    size_bytes: int = 0
    copied_bytes: int = 0
    sums_sha256: str = ""
    damage: str = ""

    @property
    def name(self) -> str:
        """``snapshots/{id}``."""
        return snapshot_name(self.id)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        time = None if self.create_time is None else self.create_time.isoformat()
        return {"name": self.name, **asdict(self), "create_time": time}


def snapshot_name(snapshot_id: str) -> str:
    """``snapshots/{snapshot_id}``."""
    return f"snapshots/{snapshot_id}"


def rendered(snapshot: Snapshot) -> bytes:
    """What makes a snapshot of files that are all there: the content of :data:`MANIFEST`."""
    facts = {"format": FORMAT, **snapshot.to_dict()}
    del facts["damage"], facts["name"]
    return _rendered(facts)


def read(folder: Path) -> Snapshot:
    """What a snapshot in a folder says of itself.

    Raises:
        NotFoundError: If the folder is none.
        SnapshotError: If its manifest is damaged.
        FailedPreconditionError: If it was made by a newer Steeple.
    """
    file = folder / MANIFEST
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        data = None
    except OSError as error:
        raise SnapshotError(f"{file} cannot be read: {error.strerror}") from error
    return parsed(str(folder), folder.name, data)


def parsed(where: str, snapshot_id: str, data: bytes | None) -> Snapshot:
    """What a snapshot says of itself.

    Args:
        where: Its folder or URL, for people.
        snapshot_id: What it goes by: a folder may have been renamed.
        data: Content of its :data:`MANIFEST`; None: there is none.

    Raises:
        NotFoundError: If there is none.
        SnapshotError: If it is damaged.
        FailedPreconditionError: If it was made by a newer Steeple.
    """
    if data is None:
        raise NotFoundError(
            f"there is no snapshot in {where}: it has no {MANIFEST}", resource=snapshot_name(snapshot_id)
        )
    file = f"{where}/{MANIFEST}"
    facts = _facts(file, data)
    if facts.get("format") != FORMAT:
        raise FailedPreconditionError(
            f"the snapshot in {where} is of format {facts.get('format')}, made by Steeple "
            f"{facts.get('version')}; this version reads {FORMAT}: install a newer Steeple"
        )
    known = {field.name for field in fields(Snapshot)}
    try:
        found = Snapshot(**{name: value for name, value in facts.items() if name in known})
        create_time = datetime.fromisoformat(facts["create_time"]).astimezone(UTC)
        found = replace(found, id=snapshot_id, create_time=create_time)
        _check_kinds(found)
        return found
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise SnapshotError(f"{file} lacks or misstates {error}") from error


def _check_kinds(found: Snapshot) -> None:
    for field in fields(Snapshot):
        value = getattr(found, field.name)
        if field.name in ("id", "create_time"):  # the folder's name, and read already
            continue
        right = type(value) is type(field.default)
        if right and isinstance(value, int):
            right = 0 <= value < 1 << 62
        elif right and isinstance(value, str):
            right = value.isprintable()  # so also Unicode: half a surrogate pair is none
        if not right:
            raise ValueError(field.name)


def _facts(file: str, data: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(data)["snapshot"]
        # Not only the sum: every byte of the file has to be as it was written.
        if isinstance(facts, dict) and data == _rendered(facts):
            return facts
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise SnapshotError(f"{file} is damaged: its content and its checksum do not go together")


def _rendered(facts: Mapping[str, Any]) -> bytes:
    sealed = json.dumps(facts, sort_keys=True).encode()
    document = {"snapshot": dict(sorted(facts.items())), "sha256": hashlib.sha256(sealed).hexdigest()}
    return (json.dumps(document, indent=2) + "\n").encode()
