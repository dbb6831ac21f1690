"""Where a server's snapshots are, by its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from steeple.server.object_storage import is_url
from steeple.server.snapshots.objects import SnapshotBucket
from steeple.server.snapshots.places import SnapshotPlace
from steeple.server.snapshots.store import SnapshotStore

WORKSPACE: Final = "snapshots-under-way"
"""In a data folder, where files lie on their way to or from object storage."""


def open_place(where: str, data_dir: Path) -> SnapshotPlace:
    """The place of snapshots; nothing is asked of it yet.

    Args:
        where: A folder, or a URL of object storage.
        data_dir: The server's.

    Raises:
        InvalidArgumentError: If it is no URL that fsspec knows, or has credentials in it.
        FailedPreconditionError: If its driver is not installed.
    """
    if is_url(where):
        return SnapshotBucket(where, data_dir / WORKSPACE)
    return SnapshotStore(Path(where.removeprefix("file://")).expanduser().absolute())
