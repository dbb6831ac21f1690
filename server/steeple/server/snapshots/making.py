"""The making of a snapshot while the server serves."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

from steeple.delf.durable import sync
from steeple.errors import DataLossError, SteepleError
from steeple.server.catalogue.database import Database
from steeple.server.durable import link_or_copy, sha256_of
from steeple.server.images import ImageStore
from steeple.server.keeper import Keeper
from steeple.server.snapshots.files import SUMS, sync_folders
from steeple.server.snapshots.manifest import Snapshot
from steeple.server.snapshots.store import SnapshotStore

CATALOGUE: Final = "catalogue.db"
PHOTOS: Final = "images"
INDEX: Final = "index"


class Told(Protocol):
    """Who is told how far a snapshot is; :class:`~steeple.server.operations.Run` is one."""

    def progress(self, done: int, total: int = 0, step: str = "") -> None:
        """Items of a step that are done, of how many, and what is done. May raise CancelledError."""

    def problem(self, item: str, error: SteepleError) -> None:
        """What cannot be in the snapshot."""


# As `reference_images.photos_in_use` has it.
_PHOTOS_IN_USE: Final = (
    "SELECT sha256, size_bytes FROM reference_image WHERE sha256 <> '' "
    "UNION ALL SELECT sha256, size_bytes FROM discovery_photo"
)


@dataclass(frozen=True)
class Source:
    """What a snapshot is made of.

    Attributes:
        database: The catalogue's.
        photos: Where they are.
        photos_kept: While it is entered, no photo is deleted that an image had when it was entered.
        keepers: Of the indexes, the one that serves by default first.
        model: Name of the default model release.
    """

    database: Database
    photos: ImageStore
    photos_kept: Callable[[], AbstractContextManager[None]]
    keepers: Callable[[], Sequence[Keeper]]
    model: Callable[[], str]


class _Tally:
    """Files of a snapshot in the making, with their checksums; written at once, for there may be many."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = self.photos = self.missing = self.size = self.copied = 0
        self._sums = (folder / SUMS).open("wb")

    def add(self, name: str, sha256: str, *, linked: bool) -> None:
        size = (self.folder / name).stat().st_size
        self._sums.write(f"{sha256}  {name}\n".encode())
        self.files += 1
        self.size += size
        self.copied += 0 if linked else size

    def sealed(self) -> str:
        """SHA-256 of the list of files, which is on the disk then."""
        self._sums.flush()
        os.fsync(self._sums.fileno())
        return sha256_of(self.folder / SUMS)

    def close(self) -> None:
        self._sums.close()


def make(
    source: Source,
    store: SnapshotStore,
    snapshot_id: str,
    told: Told,
    *,
    copy_photos: bool = False,
    with_index: bool = True,
) -> Snapshot:
    """Makes a snapshot in one state: that of the catalogue at one moment, with the photos of its images.

    The index comes first and may lack the last changes, which a restored server makes up for; it must have none that
    the catalogue lacks. Photos come last: they never change, and none is deleted meanwhile.

    Args:
        source: What of.
        store: Where to.
        snapshot_id: Under which id; what was made of it before is made anew.
        told: How far it is, and which photos are lost.
        copy_photos: Whether photos are copied also where they could be linked.
        with_index: Whether the index is in it.

    Raises:
        FailedPreconditionError: If the database is not SQLite.
        CancelledError: If ``told`` says so.
        SteepleError: If the catalogue or the photos cannot be read.
        OSError: If it cannot be written.
    """
    create_time, folder = datetime.now(UTC), store.begin(snapshot_id)
    try:
        with closing(_Tally(folder)) as tally:
            with source.photos_kept():
                if with_index:
                    told.progress(0, 0, "the index")
                    with_index = _add_indexes(tally, source.keepers())
                source.database.copy_to(
                    folder / CATALOGUE, lambda done, total: told.progress(done, total, "pages of the catalogue")
                )
                _leave_out_queries(folder / CATALOGUE)
                sync(folder / CATALOGUE)
                tally.add(CATALOGUE, sha256_of(folder / CATALOGUE), linked=False)
                with closing(_opened(folder / CATALOGUE)) as catalogue:
                    _add_photos(tally, source.photos, catalogue, told, link=not copy_photos)
                    snapshot = _described(snapshot_id, catalogue)
            told.progress(0, 0, "forcing it to the disk")
            snapshot = replace(
                snapshot,
                create_time=create_time,
                model=source.model(),
                photo_count=tally.photos,
                missing_photo_count=tally.missing,
                has_index=with_index,
                files=tally.files,
                size_bytes=tally.size,
                copied_bytes=tally.copied,
                sums_sha256=tally.sealed(),
            )
        sync_folders(folder)
        store.finish(snapshot)
    except BaseException:
        store.abandon(snapshot_id)
        raise
    return snapshot


def photo_path(sha256: str) -> str:
    """Where a photo lies in a snapshot, as in a data folder."""
    return f"{PHOTOS}/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _leave_out_queries(catalogue: Path) -> None:
    """Takes what strangers asked out of the copy: it must not outlive its retention, and its erasure, in snapshots.

    What it knows of an index in Milvus goes too: after a restore, that index is not the restored catalogue's.
    """
    with closing(sqlite3.connect(catalogue)) as copy:
        copy.execute("PRAGMA secure_delete = ON")
        copy.execute("DELETE FROM kept_query")
        copy.execute("DELETE FROM shared_index")
        copy.commit()


def _add_indexes(tally: _Tally, keepers: Iterable[Keeper]) -> bool:
    """Adds the files of all indexes; whether there are any, as there are none of those that Milvus keeps."""
    any_files = False
    for keeper in keepers:
        with keeper.saved() as (name, files):
            linked = {}
            for file in files:
                path = f"{INDEX}/{name}/{file.name}"
                linked[path] = link_or_copy(file, tally.folder / path, link=True)
        for path, is_linked in linked.items():
            tally.add(path, sha256_of(tally.folder / path), linked=is_linked)
            any_files = True
    return any_files


def _add_photos(tally: _Tally, photos: ImageStore, catalogue: sqlite3.Connection, told: Told, *, link: bool) -> None:
    """Adds the photos that the catalogue refers to, and counts those that are lost."""
    (total,) = catalogue.execute(f"SELECT count(DISTINCT sha256) FROM ({_PHOTOS_IN_USE})").fetchone()  # noqa: S608
    for done, (sha256, size) in enumerate(_photos(catalogue), 1):
        path = tally.folder / photo_path(sha256)
        try:
            linked = photos.copy_to(sha256, path, link=link)
            if path.stat().st_size != size:
                path.unlink()
                raise DataLossError(f"photo {sha256} in the image store is damaged: it should have {size} bytes")
        except DataLossError as error:
            told.problem(sha256, error)
            tally.missing += 1
        else:
            tally.add(photo_path(sha256), sha256, linked=linked)
            tally.photos += 1
        told.progress(done, total, "photos")


def _photos(catalogue: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    query = f"SELECT sha256, max(size_bytes) FROM ({_PHOTOS_IN_USE}) GROUP BY sha256 ORDER BY sha256"  # noqa: S608
    yield from catalogue.execute(query)


def _described(snapshot_id: str, catalogue: sqlite3.Connection) -> Snapshot:
    def one(query: str) -> int:
        return int(catalogue.execute(query).fetchone()[0])

    (schema,) = catalogue.execute("SELECT version_num FROM alembic_version").fetchone()
    return Snapshot(
        id=snapshot_id,
        version=metadata.version("steeple"),
        schema=schema,
        sequence=one("SELECT coalesce(max(sequence), 0) FROM change"),
        landmark_count=one("SELECT count(*) FROM landmark"),
        reference_image_count=one("SELECT count(*) FROM reference_image"),
    )


def _opened(path: Path) -> sqlite3.Connection:
    # It is in rollback mode and nobody writes it: no files beside it are needed to read it.
    return sqlite3.connect(f"file:{quote(os.fspath(path))}?mode=ro&immutable=1", uri=True)
