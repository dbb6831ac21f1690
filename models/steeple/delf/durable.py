"""Files that are either there, whole and on the disk, or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

_UNFINISHED: Final = ".partial"  # who lists a folder of the index passes such files over


@contextmanager
def replacing(path: Path, *, lasting: bool = True, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write to that takes the place of what is there when the block ends, unless that raises.

    Args:
        path: Of the file.
        lasting: Whether it must be there after a power cut too; else a crash of the process leaves all of it or
            nothing, and a power cut may damage it.
        mode: Who may read and write it, from its first byte on; what the process's mask takes away is taken away.

    Raises:
        OSError: If that fails; what was there stays.
    """
    aside = path.with_name(path.name + _UNFINISHED)
    aside.unlink(missing_ok=True)  # of a crash, maybe with another mode
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a Path has no mode to be made with
            yield file
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    if lasting:
        sync(path.parent)


def sync(path: Path) -> None:
    """Forces a file, or the names of the files in a folder, to the disk."""
    if os.name != "posix":  # Windows cannot open a folder, nor needs to
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
