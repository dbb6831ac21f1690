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
from steeple.errors import SteepleError
from steeple.server.catalogue.database import Database
from steeple.server.durable import link_or_copy
from steeple.server.images import ImageStore
from steeple.server.keeper import Keeper
from steeple.server.snapshots.files import CATALOGUE, INDEX
from steeple.server.snapshots.manifest import Snapshot
from steeple.server.snapshots.places import SnapshotPlace, SnapshotWriter


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


_LEFT_OUT: Final = (
    "kept_query",
    "upload_part",
    "upload",
    "shared_index",
    "shared_index_attempt",
    "shared_index_identity",
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


def make(
    source: Source,
    place: SnapshotPlace,
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
        place: Where to.
        snapshot_id: Under which id; what was made of it before is made anew.
        told: How far it is, and which photos are lost.
        copy_photos: Whether photos are copied also where they could be linked.
        with_index: Whether the index is in it, where it is in files of this server's.

    Raises:
        FailedPreconditionError: If the database cannot be copied.
        CancelledError: If ``told`` says so.
        SteepleError: If the catalogue or the photos cannot be read, or object storage cannot be written.
        OSError: If it cannot be written.
    """
    create_time = datetime.now(UTC)

    def waiting() -> None:
        told.progress(0, 0, "waiting until files of deleted snapshots are removed")

    with place.making(snapshot_id, waiting) as writer:
        copied, missing, has_index = writer.workspace / CATALOGUE, 0, False
        with source.photos_kept():
            if with_index:
                told.progress(0, 0, "the index")
                has_index = _add_indexes(writer, source.keepers())
            source.database.copy_to(copied, lambda done, total: told.progress(done, total, "pages of the catalogue"))
            _leave_out(copied)
            sync(copied)
            with closing(_opened(copied)) as catalogue:
                snapshot = _described(snapshot_id, catalogue)
                total, rows = _photos(catalogue)
                added = writer.add_photos(source.photos, rows, link=not copy_photos)
                for done, (sha256, error) in enumerate(added, 1):
                    if error is not None:
                        told.problem(sha256, error)
                        missing += 1
                    told.progress(done, total, "photos")
            writer.add(CATALOGUE)
        told.progress(0, 0, "forcing it to the disk")
        snapshot = replace(
            snapshot,
            create_time=create_time,
            model=source.model(),
            missing_photo_count=missing,
            has_index=has_index,
            **writer.sealed().to_dict(),
        )
        writer.finish(snapshot)
    return snapshot


def _leave_out(catalogue: Path) -> None:
    """Takes out of the copy what strangers asked, which must not outlive its retention and its erasure in snapshots.

    So are uploads, whose files stay behind, and whose and how far an index is that several servers share: it is not of
    the past, and a catalogue that is restored from this is another one.
    """
    with closing(sqlite3.connect(catalogue)) as copy:
        copy.execute("PRAGMA secure_delete = ON")
        there = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in _LEFT_OUT:
            if table in there:
                copy.execute(f"DELETE FROM {table}")  # noqa: S608 - of those named here
        copy.commit()


def _add_indexes(writer: SnapshotWriter, keepers: Iterable[Keeper]) -> bool:
    """Adds the files of indexes; whether there are any."""
    added = False
    for keeper in keepers:
        with keeper.saved() as (name, files):
            paths = {file: f"{INDEX}/{name}/{file.name}" for file in files}
            linked = {path: link_or_copy(file, writer.workspace / path) for file, path in paths.items()}
        for path, is_linked in linked.items():
            writer.add(path, linked=is_linked)
            added = True
    return added


def _photos(catalogue: sqlite3.Connection) -> tuple[int, Iterator[tuple[str, int]]]:
    """Number of the photos that a catalogue refers to, and the SHA-256 and size of each, in the order of the former."""
    (total,) = catalogue.execute(f"SELECT count(DISTINCT sha256) FROM ({_PHOTOS_IN_USE})").fetchone()  # noqa: S608
    query = f"SELECT sha256, max(size_bytes) FROM ({_PHOTOS_IN_USE}) GROUP BY sha256 ORDER BY sha256"  # noqa: S608
    return total, iter(catalogue.execute(query))


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
