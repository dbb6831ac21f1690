"""Restoring a snapshot into a data folder that no server uses, and checking one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
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
from steeple.server.durable import link_or_copy
from steeple.server.operations import OperationStore
from steeple.server.snapshots import manifest, swap
from steeple.server.snapshots.files import damaged, read_sums
from steeple.server.snapshots.making import CATALOGUE, INDEX, PHOTOS
from steeple.server.snapshots.manifest import Snapshot

METHOD: Final = "steeple.v1.SnapshotService/RestoreSnapshot"
"""What a restore goes by in the audit log; there is no such call, for it is done without a server."""

_NAMED: Final = 3  # files in a message

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many files of it are done, and of how many."""


def verify(folder: Path, told: Progress = lambda step, done, total: None) -> tuple[Snapshot, list[tuple[str, str]]]:
    """What a snapshot says of itself, and the files of it that are not as they were, with what is wrong with them.

    Args:
        folder: The snapshot's.
        told: How far it is; may raise to end this.

    Raises:
        NotFoundError: If the folder is no snapshot.
        SnapshotError: If its manifest or its list of checksums is damaged.
        FailedPreconditionError: If it was made by a newer Steeple.
    """
    snapshot = manifest.read(folder)
    sums = read_sums(folder, snapshot.sums_sha256)
    told("verifying files", 0, snapshot.files)
    return snapshot, list(damaged(folder, sums, lambda done: told("verifying files", done, snapshot.files)))


def check(folder: Path, told: Progress = lambda step, done, total: None) -> Snapshot:
    """A snapshot all of whose files are as they were.

    Raises:
        NotFoundError: If the folder is no snapshot.
        SnapshotError: If a file is missing or damaged; it is named.
        FailedPreconditionError: If it was made by a newer Steeple.
    """
    snapshot = manifest.read(folder)
    if snapshot.schema not in known_revisions():
        raise FailedPreconditionError(
            f"the snapshot in {folder} was made by Steeple {snapshot.version}, whose schema {snapshot.schema} this "
            "version does not know: install a newer Steeple"
        )
    snapshot, wrong = verify(folder, told)
    if wrong:
        raise damage_error(folder, wrong)
    return snapshot


def damage_error(folder: Path, wrong: list[tuple[str, str]]) -> SnapshotError:
    """The error that names damaged files.

    Args:
        folder: The snapshot's.
        wrong: Files, and what is wrong with each.
    """
    named = "; ".join(f"{name}: {what}" for name, what in wrong[:_NAMED])
    more = f"; and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return SnapshotError(
        f"{len(wrong)} files of the snapshot in {folder} are damaged ({named}{more}): take another snapshot",
        file=wrong[0][0],
    )


def restore(folder: Path, data_dir: Path, told: Progress = lambda step, done, total: None) -> Snapshot:
    """Makes a data folder what a server's was when a snapshot was made.

    Everything is checked before anything is touched, and prepared beside what is there. Killed at any time, it leaves
    the old data or the new: the next use of the folder brings to an end what was begun. Operations that were under way
    are FAILED, and can be resumed. What was there before is kept until a server has opened the new data.

    Args:
        folder: The snapshot's.
        data_dir: Of a server that is stopped; made if it is missing.
        told: How far it is.

    Raises:
        NotFoundError: If ``folder`` is no snapshot.
        SnapshotError: If a file of it is missing or damaged.
        FailedPreconditionError: If it was made by a newer Steeple, or the data folder cannot be used.
        ResourceExhaustedError: If the disk is full.
        UnavailableError: If the disk failed at the very end.
    """
    snapshot = check(folder, told)
    with closing(DataDir(data_dir)):
        swap.check_movable(data_dir)
        try:
            _stage(folder, snapshot, data_dir / swap.STAGED, told)
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


def _stage(folder: Path, snapshot: Snapshot, staged: Path, told: Progress) -> None:
    shutil.rmtree(staged, ignore_errors=True)
    for name in (PHOTOS, INDEX):
        (staged / name).mkdir(parents=True)
    for done, (name, _) in enumerate(read_sums(folder, snapshot.sums_sha256), 1):
        # All but the catalogue is never changed once it is written.
        link_or_copy(folder / name, staged / name, link=name != CATALOGUE)
        told("preparing files", done, snapshot.files)
    attempt = audit.Attempt(audit.LOCAL, METHOD, snapshot.name)
    # This also brings it to this version's schema.
    with closing(Catalogue.open(f"sqlite:///{staged / CATALOGUE}")) as catalogue:
        OperationStore(catalogue.database).fail_unfinished(
            f"it was under way when {snapshot.name}, which has been restored, was made; resume it to go on with it"
        )
        audit.record_outcome(catalogue.database, attempt, "OK")
    sync(staged / CATALOGUE)


def _told_apart(data_dir: Path, error: OSError) -> FailedPreconditionError | ResourceExhaustedError:
    text = f"{error.strerror or error} ({error.filename or data_dir})"
    if isinstance(error, PermissionError | FileExistsError | NotADirectoryError | FileNotFoundError):
        return FailedPreconditionError(f"the data folder {data_dir} cannot be used: {text}")
    return ResourceExhaustedError(f"nothing was restored into {data_dir}: {text}; free some space, or see to the disk")


def local_folder(snapshot: str, snapshots_dir: Path) -> Path:
    """The folder of a snapshot that is given as such or by its id.

    Args:
        snapshot: A folder, an id, or ``snapshots/{id}``.
        snapshots_dir: Where those lie that are given by id.
    """
    given = Path(snapshot).expanduser()
    if (given / manifest.MANIFEST).exists() or os.sep in snapshot.removeprefix("snapshots/"):
        return given.absolute()
    return snapshots_dir / snapshot.removeprefix("snapshots/")
