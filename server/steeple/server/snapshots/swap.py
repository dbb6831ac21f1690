"""The last step of a restore: new data takes the place of the old, whenever and however often that is interrupted.

What is to come lies beside the old data, in :data:`STAGED`, until a journal is written. From then on the new data is
what counts: whoever next locks the data folder brings the renames to their end first. Until then, nothing is touched.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from steeple.delf.durable import sync
from steeple.errors import DataLossError, FailedPreconditionError
from steeple.server.durable import write_file
from steeple.server.snapshots.files import sync_folders

STAGED: Final = "restore-staged"
PREVIOUS: Final = "before-restore"
JOURNAL: Final = "restore.json"
ENTRIES: Final = ("catalogue.db-wal", "catalogue.db-shm", "catalogue.db", "images", "index", "operations")
"""Of a data folder, what a restore replaces or takes away."""


def check_movable(data_dir: Path) -> None:
    """Raises if what a data folder holds could not be moved aside.

    Raises:
        FailedPreconditionError: If a part of it is another file system.
    """
    for name in ENTRIES:
        if os.path.ismount(data_dir / name):
            raise FailedPreconditionError(
                f"{data_dir / name} is a mount point, which cannot be moved aside: restore into another data folder"
            )


def commit(data_dir: Path, snapshot: str) -> None:
    """Puts what is staged in the place of what is there. The data folder must be locked.

    Args:
        data_dir: The data folder.
        snapshot: Name of what is restored, for the log.

    Raises:
        OSError: If it cannot be written; :func:`settle` tries again.
    """
    sync_folders(data_dir / STAGED)
    previous = next(name for name in _names() if not (data_dir / name).exists())
    _write(data_dir, {"snapshot": snapshot, "previous": previous, "swapped": False})
    settle(data_dir)


def settle(data_dir: Path) -> str:
    """Brings an interrupted restore to its end, or undoes it. The data folder must be locked.

    Returns:
        What was found, for people; empty: nothing.

    Raises:
        DataLossError: If the journal is damaged.
        OSError: If it cannot be written.
    """
    journal, staged = _read(data_dir), data_dir / STAGED
    if journal is None:
        if not staged.exists():
            return ""
        shutil.rmtree(staged)
        return "a restore was interrupted before it had changed anything; the data is what it was before"
    if journal["swapped"]:
        return f"the data was restored from {journal['snapshot']}; what was there before is in {journal['previous']}"
    previous = data_dir / journal["previous"]
    previous.mkdir(exist_ok=True)
    for name in ENTRIES:
        here, new = data_dir / name, staged / name
        # Once the old one is away, only what is staged can be missing here; or it is here, and nothing is staged.
        if here.exists() and (new.exists() or not _comes(name)):
            here.rename(_free(previous / name))
        if new.exists():
            new.rename(here)
    sync_folders(previous)
    sync(data_dir)
    _write(data_dir, {**journal, "swapped": True})
    shutil.rmtree(staged, ignore_errors=True)
    return f"the data is now that of {journal['snapshot']}; what was there before is in {journal['previous']}"


def forget_previous(data_dir: Path) -> None:
    """Deletes the data from before a restore. The data folder must be locked, and have been opened since.

    Raises:
        OSError: If it cannot be deleted.
    """
    journal = _read(data_dir)
    if journal is None or not journal["swapped"]:
        return
    for folder in data_dir.glob(f"{PREVIOUS}*"):
        shutil.rmtree(folder)
    (data_dir / JOURNAL).unlink()


def _comes(name: str) -> bool:
    """Whether what is restored always has such an entry."""
    return name in ("catalogue.db", "images", "index")


def _free(path: Path) -> Path:
    """``path``, or a name like it that is free."""
    others = (path.with_name(f"{path.name}.{number}") for number in itertools.count(1))
    return next(one for one in itertools.chain([path], others) if not one.exists())


def _names() -> Iterator[str]:
    yield PREVIOUS
    yield from (f"{PREVIOUS}-{number}" for number in itertools.count(2))


def _read(data_dir: Path) -> dict[str, Any] | None:
    file = data_dir / JOURNAL
    try:
        journal: dict[str, Any] = json.loads(file.read_bytes())
        _ = journal["snapshot"], journal["previous"], journal["swapped"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise DataLossError(
            f"{file} is damaged, so that it is not known how far a restore is: restore into an empty folder"
        ) from error
    return journal


def _write(data_dir: Path, journal: dict[str, Any]) -> None:
    write_file(data_dir / JOURNAL, json.dumps(journal).encode())
