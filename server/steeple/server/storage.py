"""How many bytes a server keeps, by what they are for, and how many are left."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, func, select

from steeple.errors import SteepleError
from steeple.server.catalogue import discovery_tables, tables
from steeple.server.catalogue.database import Database
from steeple.server.data_dir import DataDir
from steeple.server.durable import errors_translated
from steeple.server.files import SharedFiles
from steeple.server.images import ImageStore
from steeple.server.logs import facts
from steeple.server.snapshots.store import SnapshotStore
from steeple.server.uploads import Uploads

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 30.0
"""That figures are told again without measuring; longer where measuring takes long."""

MOST_FILES: Final = 100_000
"""Of a folder, that are looked at."""

_PACE: Final = 20.0  # times as long as measuring took: it takes a twentieth of a processor, at most


class StorageKind(StrEnum):
    """What bytes are kept for."""

    DATABASE = "database"
    PHOTOS = "photos"
    INDEX = "index"
    SNAPSHOTS = "snapshots"
    KEPT_QUERIES = "kept queries"
    UPLOADS = "uploads"
    PACKS = "packs"
    OPERATIONS = "operations"


_FOLDERS: Final = {
    StorageKind.KEPT_QUERIES: "queries",
    StorageKind.UPLOADS: "uploads",
    StorageKind.PACKS: "packs",
}


@dataclass(frozen=True)
class StoragePart:
    """What is kept for one purpose.

    Attributes:
        kind: What for.
        size_bytes: Of it.
        items: Files, photos, snapshots, queries, uploads or packs.
        partial: Whether there may be more, as not all of it could be looked at.
    """

    kind: StorageKind
    size_bytes: int
    items: int
    partial: bool = False


@dataclass(frozen=True)
class Disk:
    """A disk of this host.

    Attributes:
        kinds: What lies on it.
        total_bytes: Of the disk.
        free_bytes: That the server may use.
    """

    kinds: tuple[StorageKind, ...]
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class StorageReport:
    """All that a server keeps.

    Attributes:
        parts: One a kind.
        disks: That they lie on, as far as they are of this host.
        measure_time: When this was measured, UTC.
    """

    parts: Sequence[StoragePart]
    disks: Sequence[Disk]
    measure_time: datetime


class Storage:
    """Measures what a server keeps, on a thread of its own when somebody asks and the figures are old. Thread safe.

    What the catalogue knows the size of, it is asked for; folders are looked at only where they hold few files.

    Args:
        database: The catalogue's.
        data_dir: The folder of all else.
        photos: Where photos are.
        snapshots: Where snapshots are.
        uploads: That callers have sent.
        files: Where the files of callers and operations are.
        fresh_seconds: That figures are told again without measuring.
    """

    def __init__(
        self,
        database: Database,
        data_dir: DataDir,
        photos: ImageStore,
        snapshots: SnapshotStore,
        uploads: Uploads,
        files: SharedFiles,
        *,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._database = database
        self._data_dir = data_dir
        self._photos = photos
        self._snapshots = snapshots
        self._uploads = uploads
        self._files = files
        self._fresh = fresh_seconds
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="steeple-storage")
        self._lock = threading.Lock()  # guards what follows
        self._closed = False
        self._measuring: Future[StorageReport] | None = None  # or measured, if it is done
        self._due = 0.0  # when to measure anew, by time.monotonic
        self._last: StorageReport | None = None
        self._photo_sum: tuple[tuple[object, ...], StoragePart] | None = None  # of the thread that measures

    @property
    def last(self) -> StorageReport | None:
        """What was measured last; None: nothing yet."""
        return self._last

    def measured(self) -> Future[StorageReport]:
        """What is kept, as it was half a minute ago or so; it may have to be waited for."""
        with self._lock:
            found = self._measuring
            if found is None or (found.done() and time.monotonic() >= self._due):
                found = self._measuring = self._executor.submit(self._run)
            return found

    def close(self) -> None:
        """Ends what is being measured. May be called again."""
        self._closed = True
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> StorageReport:
        began = time.monotonic()
        try:
            self._last = self._measure()
        except SteepleError as error:
            log.warning("what is kept could not be measured", extra=facts(reason=error.message))
            raise
        finally:
            ended = time.monotonic()
            self._due = ended + max(self._fresh, _PACE * (ended - began) if self._fresh else 0.0)
        return self._last

    def _measure(self) -> StorageReport:
        now = datetime.now(UTC)
        upload_bytes, uploads = self._uploads.held()
        parts = [
            self._database_part(),
            *self._stored_parts(),
            self._folder_part(StorageKind.INDEX, self._data_dir.index),
            self._snapshot_part(),
            StoragePart(StorageKind.UPLOADS, upload_bytes, uploads),
            self._operations_part(),
        ]
        kinds = list(StorageKind)
        return StorageReport(sorted(parts, key=lambda part: kinds.index(part.kind)), self._disks(), now)

    def _database_part(self) -> StoragePart:
        file = self._database_file()
        if file is not None:
            sizes = [size for suffix in ("", "-wal", "-shm") if (size := _size(Path(f"{file}{suffix}"))) is not None]
            return StoragePart(StorageKind.DATABASE, sum(sizes), len(sizes))
        with self._database.read() as connection:
            size = connection.execute(sqlalchemy.text("SELECT pg_database_size(current_database())")).scalar_one()
        return StoragePart(StorageKind.DATABASE, int(size), 1)

    def _stored_parts(self) -> Iterator[StoragePart]:
        """What the catalogue has the sizes of."""
        columns = {
            StorageKind.KEPT_QUERIES: tables.kept_query.c.size_bytes,
            StorageKind.PACKS: tables.pack.c.size_bytes,
        }
        with self._database.read() as connection:
            yield self._photo_part(connection)
            for kind, column in columns.items():
                yield StoragePart(kind, *_sum(connection, column))

    def _photo_part(self, connection: Connection) -> StoragePart:
        """Each photo once, however many images it has.

        Of a million that takes seconds, so they are summed anew only once there are others.
        """
        image, photo, discovery = tables.reference_image, discovery_tables.discovery_photo, discovery_tables.discovery
        # Keys never come back: as many up to the same one are the same.
        counts = select(func.max(image.c.key), func.count(image.c.key))
        others = select(func.max(discovery.c.id)), select(func.count(photo.c.number))
        mark = (*connection.execute(counts).one(), *(connection.execute(query).scalar() for query in others))
        if self._photo_sum is None or self._photo_sum[0] != mark:
            # By an index that has both, in its order: nothing is sorted, and no row is read.
            kept = select(image.c.key).where(image.c.sha256 == photo.c.sha256).exists()
            each = [
                select(func.max(of.c.size_bytes).label("size")).where(of.c.sha256 != "", *more).group_by(of.c.sha256)
                for of, more in ((image, ()), (photo, (~kept,)))
            ]
            sums = [_sum(connection, query.subquery().c.size) for query in each]
            size, count = (sum(values) for values in zip(*sums, strict=True))
            self._photo_sum = mark, StoragePart(StorageKind.PHOTOS, size, count)
        return self._photo_sum[1]

    def _snapshot_part(self) -> StoragePart:
        try:
            snapshots = self._snapshots.all()
        except OSError:
            return StoragePart(StorageKind.SNAPSHOTS, 0, 0, partial=True)
        damaged = any(snapshot.damage for snapshot in snapshots)
        copied = sum(snapshot.copied_bytes for snapshot in snapshots)
        return StoragePart(StorageKind.SNAPSHOTS, copied, len(snapshots), partial=damaged)

    def _folder_part(self, kind: StorageKind, folder: Path) -> StoragePart:
        size, count, partial = measure_folder(folder, stopped=lambda: self._closed)
        return StoragePart(kind, size, count, partial)

    def _operations_part(self) -> StoragePart:
        """What operations have made, and what they have on this host while they make it."""
        here = self._folder_part(StorageKind.OPERATIONS, self._data_dir.operations)
        files = self._files.of("operations")
        if not files.shared:
            return here
        try:
            with errors_translated("files of operations"):
                made = files.listed()
        except SteepleError:
            return replace(here, partial=True)
        size = here.size_bytes + sum(file.size_bytes for file in made)
        return StoragePart(StorageKind.OPERATIONS, size, here.items + len(made), here.partial)

    def _database_file(self) -> Path | None:
        url = self._database.engine.url
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    def _disks(self) -> list[Disk]:
        places: dict[StorageKind, Path | None] = dict.fromkeys(StorageKind, self._data_dir.path)
        places[StorageKind.DATABASE] = self._database_file()
        places[StorageKind.PHOTOS] = self._photos.folder
        for kind in (StorageKind.UPLOADS, StorageKind.PACKS, StorageKind.KEPT_QUERIES):
            places[kind] = self._files.of(_FOLDERS[kind]).folder
        places[StorageKind.SNAPSHOTS] = self._snapshots.path
        found: dict[int, tuple[Path, list[StorageKind]]] = {}
        for kind, place in places.items():
            if place is not None:
                there = next(folder for folder in (place, *place.parents) if folder.exists())
                found.setdefault(there.stat().st_dev, (there, []))[1].append(kind)
        disks = []
        for path, kinds in found.values():
            with suppress(OSError):
                usage = shutil.disk_usage(path)
                disks.append(Disk(tuple(kinds), usage.total, usage.free))
        return disks


def _sum(connection: Connection, column: ColumnElement[int]) -> tuple[int, int]:
    """Sum and number of values."""
    total, count = connection.execute(select(func.coalesce(func.sum(column), 0), func.count(column))).one()
    return int(total), int(count)


def measure_folder(
    folder: Path, *, most: int = MOST_FILES, stopped: Callable[[], bool] = lambda: False
) -> tuple[int, int, bool]:
    """Bytes and number of the files below a folder, and whether there may be more. Links are not followed.

    Args:
        folder: Need not be there.
        most: Files that are looked at.
        stopped: Ends it early.
    """
    size = count = 0
    partial = False
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if count >= most or stopped():
                        return size, count, True
                    with suppress(FileNotFoundError):  # it has gone meanwhile
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(Path(entry.path))
                        else:
                            size, count = size + entry.stat(follow_symlinks=False).st_size, count + 1
        except FileNotFoundError:
            continue
        except OSError:
            partial = True
    return size, count, partial


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None
