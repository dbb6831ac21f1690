"""Files that are either there, whole and on the disk, or not there."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steeple.errors import FailedPreconditionError, ResourceExhaustedError, UnavailableError


def write_file(path: Path, data: bytes) -> None:
    """Puts a small file in the place of what is there.

    Raises:
        OSError: If that fails; what was there stays.
    """
    aside = path.with_name(f".{path.name}.new")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names of the files in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def errors_translated(what: str) -> Iterator[None]:
    """Errors of the file system, as ours.

    Args:
        what: That is kept there, in the plural: "uploads".

    Raises:
        ResourceExhaustedError: If the disk is full.
        FailedPreconditionError: If the folder is not accessible.
        UnavailableError: If the file system failed otherwise.
    """
    try:
        yield
    except OSError as error:
        text = error.strerror or str(error)
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise ResourceExhaustedError(
                f"the disk that holds the {what} is full: {text}; make room and try again"
            ) from error
        if isinstance(error, PermissionError | FileExistsError | NotADirectoryError | IsADirectoryError):
            raise FailedPreconditionError(
                f"the folder of the {what} is not accessible: {text}; check it and its permissions"
            ) from error
        raise UnavailableError(f"the file system that holds the {what} failed: {text}; try again") from error
