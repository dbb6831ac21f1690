"""Restoring a snapshot where the settings keep data outside of the data folder: in PostgreSQL, in object storage."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import sqlalchemy

from steeple.errors import FailedPreconditionError
from steeple.server.catalogue.database import Database
from steeple.server.data_dir import DataDir
from steeple.server.images import ImageStore
from steeple.server.snapshots.files import CATALOGUE, PHOTOS
from steeple.server.snapshots.manifest import Snapshot
from steeple.server.snapshots.opening import WORKSPACE
from steeple.server.snapshots.photos import giver, refuse_others
from steeple.server.snapshots.places import KeptSnapshot, Progress
from steeple.server.snapshots.restoring import check, damage_error, each_done, known, ready

_NAMED: Final = 3  # tables in a message


def install(
    kept: KeptSnapshot,
    data_dir: Path,
    database_url: str,
    photos: ImageStore,
    told: Progress = lambda step, done, total: None,
    *,
    beside_others: bool = False,
) -> Snapshot:
    """Fills an empty database and an image store with what a server had when a snapshot was made.

    Photos come first, so that no image is without its own. Interrupted, it can be called again: photos that are there
    are not brought again, and what there is of the catalogue is removed first. Until it has ended, no server opens the
    database. All is compared with checksums. The index is not restored: servers build it from the catalogue.

    Args:
        kept: The snapshot.
        data_dir: Folder of this host for files on their way, of a server that is stopped; its saved index is removed.
        database_url: SQLAlchemy URL of an empty database.
        photos: That may have photos of the snapshot, and no others.
        told: How far it is.
        beside_others: Whether the image store may have other photos too.

    Raises:
        NotFoundError: If there is no such snapshot.
        SnapshotError: If a file of it is missing or damaged.
        FailedPreconditionError: If it was made by a newer Steeple, or the database or the image store is not empty.
        UnavailableError: If the database or object storage failed.
    """
    snapshot = known(kept) if kept.folder is None else check(kept, told)
    with closing(DataDir(data_dir)) as folder, closing(Database(database_url)) as target:
        _check_empty(target)
        if not beside_others:
            refuse_others(kept, snapshot, photos)
        workspace = data_dir / WORKSPACE
        workspace.mkdir(exist_ok=True)
        with TemporaryDirectory(prefix="restoring-", dir=workspace) as here, kept.sums(snapshot) as sums:
            give = giver(kept, photos, Path(here))
            wanted = (each for each in sums if each[0] == CATALOGUE or each[0].startswith(f"{PHOTOS}/"))
            if wrong := list(each_done(wanted, give, snapshot.photo_count + 1, told)):
                raise damage_error(kept, wrong)
            ready(Path(here) / CATALOGUE, snapshot)
            _copy(Path(here) / CATALOGUE, target, told)
        shutil.rmtree(folder.index)  # of whatever was here before
    return snapshot


def _check_empty(target: Database) -> None:
    from steeple.server.catalogue.migrate import UNFINISHED  # noqa: PLC0415 - beside what copies

    with target.read() as connection:
        found = sorted(sqlalchemy.inspect(connection).get_table_names())
    if found and UNFINISHED not in found:
        raise FailedPreconditionError(
            f"the database is not empty: it has the tables {', '.join(found[:_NAMED])}...; restore into an empty one, "
            "which database_url names"
        )


def _copy(file: Path, target: Database, told: Progress) -> None:
    from steeple.server.catalogue.copying import copy_catalogue  # noqa: PLC0415 - as above

    with closing(Database(f"sqlite:///{file}")) as source:
        copy_catalogue(source, target, lambda done, total: told("rows of the catalogue", done, total))
