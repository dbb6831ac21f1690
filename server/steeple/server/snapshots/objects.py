"""Snapshots in object storage, where they have the files that do not differ in common.

Below the URL lie::

    objects/ab/cd/abcd...      every file, named by its SHA-256: once, however many snapshots have it
    snapshots/{id}/SHA256SUMS  which files a snapshot has
    snapshots/{id}/snapshot.json   written last: without it there is no snapshot
    making/{id}                a flag, while a snapshot is made
    sweeping/{token}           a flag, while files that no snapshot has are removed

Files are never removed while a snapshot is made that may count on them. Both sides raise their flag before they look
for the other's, so at least one of them sees it: who makes a snapshot waits, and who removes files gives way. A flag
that nobody has renewed for an hour is that of a process that has died.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from hashlib import sha256 as sha256_hash
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from steeple.errors import (
    FailedPreconditionError,
    SnapshotError,
    SteepleError,
    UnavailableError,
)
from steeple.server.catalogue.ids import is_id
from steeple.server.durable import errors_translated
from steeple.server.logs import facts
from steeple.server.object_storage import PATIENCE, ObjectStorage, Patience, Stored, open_storage
from steeple.server.snapshots import manifest
from steeple.server.snapshots.manifest import MANIFEST, Snapshot
from steeple.server.snapshots.object_reader import OBJECTS, SNAPSHOTS, WHAT, SnapshotObjects, folder_of
from steeple.server.snapshots.object_writer import ObjectWriter
from steeple.server.snapshots.store import beyond, not_there
from steeple.server.snapshots.sums import SumsWriter

log = logging.getLogger(__name__)

_MAKING: Final = "making/"
_SWEEPING: Final = "sweeping/"
_DEAD: Final = timedelta(hours=1)
_RENEWED_SECONDS: Final = 60.0
_WAIT_SECONDS: Final = 1.0
_WORKSPACE: Final = "snapshot-"
_ABANDONED_SECONDS: Final = 24 * 3600.0
_TOLD_EVERY: Final = 1000


class SnapshotBucket:
    """Snapshots by id, in object storage. A :class:`~steeple.server.snapshots.places.SnapshotPlace`.

    Several servers may use it at once.

    Args:
        url: Where they are.
        workspace: Folder of this host for files on their way there, which nobody else uses; made when it is needed.
        patience: With the storage.

    Raises:
        InvalidArgumentError: If it is no URL, or has credentials in it.
        FailedPreconditionError: If its driver is not installed.
    """

    folder = None
    swept = True

    def __init__(self, url: str, workspace: Path, patience: Patience = PATIENCE) -> None:
        self.where = url
        self.storage = open_storage(url, patience)
        self._workspace = workspace

    def all(self) -> list[Snapshot]:
        """All snapshots."""
        with errors_translated(WHAT):
            ids = sorted(filter(is_id, self.storage.folders(SNAPSHOTS)), reverse=True)
            found = [(one, self.storage.get(f"{folder_of(one)}/{MANIFEST}")) for one in ids]
        return [self._read(snapshot_id, data) for snapshot_id, data in found if data is not None]

    def get(self, snapshot_id: str) -> Snapshot:
        """A snapshot."""
        if not is_id(snapshot_id):
            raise not_there(snapshot_id)
        with errors_translated(WHAT):
            data = self.storage.get(f"{folder_of(snapshot_id)}/{MANIFEST}")
        if data is None:
            raise not_there(snapshot_id)
        return self._read(snapshot_id, data)

    def kept(self, snapshot_id: str) -> SnapshotObjects:
        """A snapshot's files."""
        return SnapshotObjects(self.storage, snapshot_id, self._workspace)

    def delete(self, snapshot_id: str) -> None:
        """Deletes a snapshot; files that no other one has are left to :meth:`sweep`."""
        self.get(snapshot_id)
        folder = folder_of(snapshot_id)
        with errors_translated(WHAT):
            self.storage.delete(f"{folder}/{MANIFEST}")
            self.storage.delete_all([stored.path for stored in self.storage.list(f"{folder}/")])

    def prune(self, keep: int) -> list[str]:
        """Deletes old snapshots."""
        old = beyond(self.all(), keep)
        for snapshot_id in old:
            self.delete(snapshot_id)
        return old

    @contextmanager
    def making(self, snapshot_id: str, waiting: Callable[[], None] = lambda: None) -> Iterator[ObjectWriter]:
        """Begins a snapshot. What a run of the same id has stored before it died need not be stored again."""
        with self._folder() as folder, errors_translated(WHAT):
            flag = _Flag(self.storage, f"{_MAKING}{snapshot_id}")
            try:
                self._wait_for_sweepers(flag, waiting)
                with closing(SumsWriter(folder)) as sums:
                    writer = ObjectWriter(self.storage, snapshot_id, folder, sums, flag.renew)
                    with closing(writer):
                        yield writer
            finally:
                flag.lower()

    def sweep(self, told: Callable[[int], None] = lambda _: None, *, token: str = "") -> int:
        """Removes files that no snapshot has. Where one is being made, they are left to the next time.

        Raises:
            SnapshotError: If a snapshot does not tell which files it has: then none are removed.
            UnavailableError: If the storage failed.
        """
        with self._folder() as folder, errors_translated(WHAT):
            flag = _Flag(self.storage, f"{_SWEEPING}{token or secrets.token_hex(8)}")
            try:
                alive, dead = flag.others(_MAKING)
                if alive:
                    log.info("files of deleted snapshots stay while one is made", extra=facts(making=sorted(alive)))
                    return 0
                self.storage.delete_all(dead)
                with closing(self._needed(folder / "needed.db", flag)) as needed:
                    return self._remove_all_but(needed, flag, told)
            finally:
                flag.lower()

    def _remove_all_but(self, needed: sqlite3.Connection, flag: _Flag, told: Callable[[int], None]) -> int:
        removed, waiting = 0, []
        for looked_at, stored in enumerate(self.storage.list(OBJECTS), 1):
            if not _is_needed(needed, stored):
                waiting.append(stored.path)
            if looked_at % _TOLD_EVERY == 0:
                told(looked_at)
                flag.renew()
                self.storage.delete_all(waiting)
                removed, waiting = removed + len(waiting), []
        flag.renew()
        self.storage.delete_all(waiting)
        return removed + len(waiting)

    def _needed(self, file: Path, flag: _Flag) -> sqlite3.Connection:
        """The files of all snapshots, in a database of its own: there may be more than memory takes."""
        needed = sqlite3.connect(file)
        needed.execute("PRAGMA journal_mode = OFF")
        needed.execute("CREATE TABLE file (sha256 BLOB PRIMARY KEY) WITHOUT ROWID")
        for snapshot in self.all():
            if snapshot.damage:
                raise SnapshotError(
                    f"{snapshot.name} does not tell which files it has ({snapshot.damage}), so that none are removed: "
                    f"delete it with: steeple snapshots delete {snapshot.id}"
                )
            with self.kept(snapshot.id).sums(snapshot) as sums:
                rows = ((bytes.fromhex(sha256),) for _, sha256 in sums)
                needed.executemany("INSERT OR IGNORE INTO file VALUES (?)", rows)
            flag.renew()
        return needed

    def _wait_for_sweepers(self, flag: _Flag, waiting: Callable[[], None]) -> None:
        while flag.others(_SWEEPING)[0]:
            waiting()
            time.sleep(_WAIT_SECONDS)
            flag.renew()

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """A new folder of this host; what was abandoned a day ago is removed."""
        self._workspace.mkdir(parents=True, exist_ok=True)
        oldest = time.time() - _ABANDONED_SECONDS
        for left in self._workspace.iterdir():
            with suppress(FileNotFoundError):  # another process has just removed it
                if left.stat().st_mtime < oldest:
                    shutil.rmtree(left, ignore_errors=True)
        with TemporaryDirectory(prefix=_WORKSPACE, dir=self._workspace) as folder:
            yield Path(folder)

    def _read(self, snapshot_id: str, data: bytes) -> Snapshot:
        try:
            return manifest.parsed(f"{self.where}/{folder_of(snapshot_id)}", snapshot_id, data)
        except (SnapshotError, FailedPreconditionError) as error:
            return Snapshot(snapshot_id, damage=error.message)


class _Flag:
    """Says to others that something is going on, until it is lowered or its process has been dead for an hour."""

    def __init__(self, storage: ObjectStorage, path: str) -> None:
        self._storage = storage
        self._path = path
        self._raise()

    def others(self, prefix: str) -> tuple[list[str], list[str]]:
        """Flags with that prefix but for this one: those that are up, and those of processes that have died."""
        mine = self._storage.stat(self._path)
        alive: list[str] = []
        dead: list[str] = []
        for stored in self._storage.list(prefix):
            if stored.path != self._path:
                # By the storage's own clock, which has just said what time it is.
                times = (stored.modify_time, mine.modify_time if mine is not None else None)
                is_dead = times[0] is not None and times[1] is not None and times[1] - times[0] > _DEAD
                (dead if is_dead else alive).append(stored.path)
        return alive, dead

    def renew(self) -> None:
        """Says that it goes on. To be called often.

        Raises:
            UnavailableError: If others have taken this process for dead.
        """
        if time.monotonic() - self._raised < _RENEWED_SECONDS:
            return
        if self._storage.stat(self._path) is None:
            raise UnavailableError("this was held up for so long that others took it for dead; try again")
        self._raise()

    def lower(self) -> None:
        """Takes it away; one that cannot be taken away goes after an hour."""
        with suppress(SteepleError), errors_translated(WHAT):
            self._storage.delete(self._path)

    def _raise(self) -> None:
        self._storage.put(self._path, b"", sha256=sha256_hash(b"").hexdigest())
        self._raised = time.monotonic()


def _is_needed(needed: sqlite3.Connection, stored: Stored) -> bool:
    name = stored.path.rpartition("/")[2]
    try:
        digest = bytes.fromhex(name)
    except ValueError:
        return True  # somebody else's
    return needed.execute("SELECT 1 FROM file WHERE sha256 = ?", (digest,)).fetchone() is not None
