"""The folder that a server's snapshots lie in."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final

from steeple.delf.durable import sync
from steeple.errors import FailedPreconditionError, NotFoundError, SnapshotError
from steeple.server.catalogue.ids import is_id
from steeple.server.snapshots import manifest
from steeple.server.snapshots.manifest import MANIFEST, Snapshot, snapshot_name

# Only what this makes itself goes by such a name: others may keep their files in the same folder.
_PARTIAL: Final = ".snapshot-partial"
_ABANDONED_SECONDS: Final = 24 * 3600.0


class SnapshotStore:
    """Snapshots by id, in a folder that is made when it is first needed.

    A snapshot is in the making, or being deleted, under another name: it is there whole or not at all.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def folder(self, snapshot_id: str) -> Path:
        """Where a snapshot lies, if it is there."""
        return self.path / snapshot_id

    def all(self) -> list[Snapshot]:
        """All snapshots, the latest first; of those that cannot be read, id and damage."""
        try:
            names = sorted((file.name for file in self.path.iterdir() if is_id(file.name)), reverse=True)
        except FileNotFoundError:
            return []
        return [_read(self.path / name) for name in names if (self.path / name / MANIFEST).exists()]

    def get(self, snapshot_id: str) -> Snapshot:
        """A snapshot; of one that cannot be read, id and damage.

        Raises:
            NotFoundError: If there is none of that id.
        """
        folder = self.folder(snapshot_id)
        if not is_id(snapshot_id) or not (folder / MANIFEST).exists():
            name = snapshot_name(snapshot_id)
            raise NotFoundError(f"there is no {name}; see: steeple snapshots list", resource=name)
        return _read(folder)

    def delete(self, snapshot_id: str) -> None:
        """Deletes a snapshot.

        Raises:
            NotFoundError: If there is none of that id.
            OSError: If its files cannot be deleted; it is no snapshot any more.
        """
        self.get(snapshot_id)
        gone = self.partial(snapshot_id)
        shutil.rmtree(gone, ignore_errors=True)
        self.folder(snapshot_id).rename(gone)
        sync(self.path)
        shutil.rmtree(gone)

    def prune(self, keep: int) -> list[str]:
        """Deletes all but the latest ``keep`` snapshots that can be read; the ids. 0 keeps all."""
        whole = [snapshot.id for snapshot in self.all() if not snapshot.damage]
        old = whole[keep:] if keep else []
        for snapshot_id in old:
            self.delete(snapshot_id)
        return old

    def partial(self, snapshot_id: str) -> Path:
        """Where a snapshot is in the making."""
        return self.path / (snapshot_id + _PARTIAL)

    def begin(self, snapshot_id: str) -> Path:
        """An empty folder to make a snapshot in; what was abandoned a day ago is removed.

        Raises:
            OSError: If it cannot be made.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        oldest = time.time() - _ABANDONED_SECONDS
        for folder in self.path.glob(f"*{_PARTIAL}"):
            if folder.name == self.partial(snapshot_id).name or folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
        self.partial(snapshot_id).mkdir()
        return self.partial(snapshot_id)

    def finish(self, snapshot: Snapshot) -> None:
        """Makes what is in the folder of :meth:`begin` a snapshot.

        Raises:
            OSError: If it cannot be written.
        """
        folder = self.partial(snapshot.id)
        manifest.write(folder, snapshot)
        folder.rename(self.folder(snapshot.id))
        sync(self.path)

    def abandon(self, snapshot_id: str) -> None:
        """Removes what was begun."""
        shutil.rmtree(self.partial(snapshot_id), ignore_errors=True)


def _read(folder: Path) -> Snapshot:
    try:
        return manifest.read(folder)
    except (SnapshotError, FailedPreconditionError) as error:
        return Snapshot(folder.name, damage=error.message)
