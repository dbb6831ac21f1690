"""Files that are there whole or not at all, and damaged ones that are set aside."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from steeple.delf.durable import replacing, sync
from steeple.errors import FailedPreconditionError

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
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(path, mode=mode) as file:
            file.write(data)
    except OSError as error:
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
        sync(path.parent)
    except OSError as error:
        raise FailedPreconditionError(f"{path} is damaged and cannot be set aside: {error.strerror}") from error
    return target
