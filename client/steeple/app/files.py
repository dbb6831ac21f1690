"""Files that are there whole or not at all, and damaged ones that are set aside."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from steeple.errors import FailedPreconditionError

_UNFINISHED: Final = ".new"

ASIDE: Final = ".damaged-"
"""In the names of damaged files, before a number."""


def replace_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Puts a file in the place of what is there; it lasts through a crash and a power cut.

    Args:
        path: Of the file; its folder is made.
        data: What it shall hold.
        mode: Who may read and write it, from its first byte on.

    Raises:
        FailedPreconditionError: If that fails; what was there stays.
    """
    aside = path.with_name(path.name + _UNFINISHED)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)  # of a crash, maybe with another mode
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a Path has no mode to be made with
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise FailedPreconditionError(
            f"{path} cannot be written ({error.strerror or error}); make space, or look at who may write there"
        ) from error


def set_aside(path: Path, companions: Sequence[str] = ()) -> Path:
    """Renames a damaged file so that a new one can be made; nothing is deleted.

    Args:
        path: Of the file.
        companions: Ends of names, after the file's own, of files that go with it. They go first: without its log, a
            damaged database is still a damaged one, and a new database must not find the log of the old.

    Returns:
        Its new path, ``NAME.damaged-N``.

    Raises:
        FailedPreconditionError: If that fails.
    """
    names = (path.with_name(f"{path.name}{ASIDE}{number}") for number in itertools.count(1))
    target = next(name for name in names if not name.exists())
    try:
        for end in companions:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + end).rename(target.with_name(target.name + end))
        path.rename(target)
        _sync_folder(path.parent)
    except OSError as error:
        raise FailedPreconditionError(f"{path} is damaged and cannot be set aside: {error.strerror}") from error
    return target


def _sync_folder(folder: Path) -> None:
    # Windows cannot open a folder, nor needs to.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
