"""Restoring a snapshot into a data folder that no server uses, and checking one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from steeple.delf.durable import sync
from steeple.errors import (
    FailedPreconditionError,
    ResourceExhaustedError,
    SnapshotError,
    UnavailableError,
)
from steeple.server.catalogue import Catalogue, audit
from steeple.server.catalogue.migrate import known_revisions
from steeple.server.data_dir import DataDir
from steeple.server.images import ImageStore
from steeple.server.operations import OperationStore
from steeple.server.snapshots import manifest, swap
from steeple.server.snapshots.files import CATALOGUE, INDEX, PHOTOS
from steeple.server.snapshots.manifest import Snapshot
from steeple.server.snapshots.photos import giver, refuse_others
from steeple.server.snapshots.places import KeptSnapshot, Progress, SnapshotPlace
from steeple.server.snapshots.store import SnapshotFolder

METHOD: Final = "steeple.v1.SnapshotService/RestoreSnapshot"
"""What a restore goes by in the audit log; there is no such call, for it is done without a server."""

_NAMED: Final = 3  # files in a message
_THREADS: Final = 16
_AT_ONCE: Final = 256


def verify(
    kept: KeptSnapshot, told: Progress = lambda step, done, total: None
) -> tuple[Snapshot, list[tuple[str, str]]]:
    """What a snapshot says of itself, and the files of it that are not as they were, with what is wrong with them.

    Args:
        kept: The snapshot.
        told: How far it is; may raise to end this.

    Raises:
        NotFoundError: If it is not there.
        SnapshotError: If its manifest or its list of checksums is damaged.
        FailedPreconditionError: If it was made by a newer Steeple.
        UnavailableError: If object storage failed.
    """
    snapshot = kept.manifest()
    with kept.sums(snapshot) as sums:
        told("verifying files", 0, snapshot.files)
        return snapshot, list(kept.damaged(sums, lambda done: told("verifying files", done, snapshot.files)))


def check(kept: KeptSnapshot, told: Progress = lambda step, done, total: None) -> Snapshot:
    """A snapshot all of whose files are as they were.

    Raises:
        NotFoundError: If it is not there.
        SnapshotError: If a file is missing or damaged; it is named.
        FailedPreconditionError: If it was made by a newer Steeple.
        UnavailableError: If object storage failed.
    """
    known(kept)
    snapshot, wrong = verify(kept, told)
    if wrong:
        raise damage_error(kept, wrong)
    return snapshot


def known(kept: KeptSnapshot) -> Snapshot:
    """What a snapshot that this version can restore says of itself.

    Raises:
        NotFoundError: If it is not there.
        SnapshotError: If its manifest is damaged.
        FailedPreconditionError: If it was made by a newer Steeple.
        UnavailableError: If object storage failed.
    """
    snapshot = kept.manifest()
    if snapshot.schema not in known_revisions():
        raise FailedPreconditionError(
            f"the snapshot in {kept.where} was made by Steeple {snapshot.version}, whose schema {snapshot.schema} this "
            "version does not know: install a newer Steeple"
        )
    return snapshot


def damage_error(kept: KeptSnapshot, wrong: Sequence[tuple[str, str]]) -> SnapshotError:
    """The error that names damaged files.

    Args:
        kept: The snapshot.
        wrong: Files, and what is wrong with each.
    """
    named = "; ".join(f"{name}: {what}" for name, what in wrong[:_NAMED])
    more = f"; and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return SnapshotError(
        f"{len(wrong)} files of the snapshot in {kept.where} are damaged ({named}{more}): take another snapshot",
        file=wrong[0][0],
    )


def restore(
    kept: KeptSnapshot,
    data_dir: Path,
    told: Progress = lambda step, done, total: None,
    *,
    photos: ImageStore | None = None,
    beside_others: bool = False,
) -> Snapshot:
    """Makes a data folder what a server's was when a snapshot was made.

    Everything is checked before anything is touched, and prepared beside what is there. Killed at any time, it leaves
    the old data or the new: the next use of the folder brings to an end what was begun. Operations that were under way
    are FAILED, and can be resumed. What was there before is kept until a server has opened the new data.

    Args:
        kept: The snapshot.
        data_dir: Of a server that is stopped; made if it is missing.
        told: How far it is.
        photos: Where photos go; None: into the data folder.
        beside_others: Whether there may be photos that the snapshot has not.

    Raises:
        NotFoundError: If there is no such snapshot.
        SnapshotError: If a file of it is missing or damaged.
        FailedPreconditionError: If it was made by a newer Steeple, the data folder cannot be used, or ``photos`` has
            others.
        ResourceExhaustedError: If the disk is full.
        UnavailableError: If the disk failed at the very end, or object storage did.
    """
    # Elsewhere, what is fetched is checked: it is not read twice.
    snapshot = known(kept) if kept.folder is None else check(kept, told)
    with closing(DataDir(data_dir)):
        swap.check_movable(data_dir)
        if photos is not None and not beside_others:
            refuse_others(kept, snapshot, photos)
        try:
            _stage(kept, snapshot, data_dir / swap.STAGED, told, photos)
        except BaseException as error:
            shutil.rmtree(data_dir / swap.STAGED, ignore_errors=True)
            if isinstance(error, OSError):
                raise _told_apart(data_dir, error) from error
            raise
        told("putting the new data in place", 0, 0)
        try:
            swap.commit(data_dir, snapshot.name)
        except OSError as error:
            raise UnavailableError(
                f"the restore into {data_dir} was interrupted ({error}); see to the disk, and restore again",
                data_dir=str(data_dir),
            ) from error
    return snapshot


def _stage(
    kept: KeptSnapshot, snapshot: Snapshot, staged: Path, told: Progress, photos: ImageStore | None = None
) -> None:
    shutil.rmtree(staged, ignore_errors=True)
    for name in (PHOTOS, INDEX):
        (staged / name).mkdir(parents=True)
    with kept.sums(snapshot) as sums:
        wrong = list(each_done(sums, giver(kept, photos, staged), snapshot.files, told))
    if wrong:
        raise damage_error(kept, wrong)
    ready(staged / CATALOGUE, snapshot)


def each_done(
    sums: Iterable[tuple[str, str]], do: Callable[[tuple[str, str]], str], total: int, told: Progress
) -> Iterator[tuple[str, str]]:
    """Does something with each file, several at once; those with which something is wrong, and what.

    Args:
        sums: Their paths and SHA-256.
        do: Says what is wrong; empty: nothing.
        total: Files.
        told: How far it is.
    """
    done, more = 0, iter(sums)
    with ThreadPoolExecutor(_THREADS) as pool:
        while batch := list(islice(more, _AT_ONCE)):
            yield from ((each[0], wrong) for each, wrong in zip(batch, pool.map(do, batch), strict=True) if wrong)
            done += len(batch)
            told("preparing files", done, total)


def ready(file: Path, snapshot: Snapshot) -> None:
    """Makes the catalogue of a snapshot, which must be a copy of it, one that a server can go on with.

    Args:
        file: The catalogue.
        snapshot: It is of.
    """
    attempt = audit.Attempt(audit.LOCAL, METHOD, snapshot.name)
    # This also brings it to this version's schema.
    with closing(Catalogue.open(f"sqlite:///{file}")) as catalogue:
        OperationStore(catalogue.database).fail_unfinished(
            f"it was under way when {snapshot.name}, which has been restored, was made; resume it to go on with it"
        )
        audit.record_outcome(catalogue.database, attempt, "OK")
    sync(file)


def _told_apart(data_dir: Path, error: OSError) -> FailedPreconditionError | ResourceExhaustedError:
    text = f"{error.strerror or error} ({error.filename or data_dir})"
    if isinstance(error, PermissionError | FileExistsError | NotADirectoryError | FileNotFoundError):
        return FailedPreconditionError(f"the data folder {data_dir} cannot be used: {text}")
    return ResourceExhaustedError(f"nothing was restored into {data_dir}: {text}; free some space, or see to the disk")


def named(snapshot: str, place: SnapshotPlace) -> KeptSnapshot:
    """A snapshot that is given by its folder or by its id.

    Args:
        snapshot: A folder, an id, or ``snapshots/{id}``.
        place: Where those are that are given by id.
    """
    given = Path(snapshot).expanduser()
    if (given / manifest.MANIFEST).exists() or os.sep in snapshot.removeprefix("snapshots/"):
        return SnapshotFolder(given.absolute())
    return place.kept(snapshot.removeprefix("snapshots/"))
