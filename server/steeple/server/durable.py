"""Files of the server's that are whole and on the disk, and what shows that they are; see steeple.delf.durable."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from steeple.delf.durable import replacing
from steeple.errors import FailedPreconditionError, ResourceExhaustedError, SteepleError, UnavailableError
from steeple.server import storage_errors

_COPIED_AT_ONCE: Final = 1 << 20


def write_file(path: Path, data: bytes | memoryview) -> None:
    """Puts a file in the place of what is there.

    Raises:
        OSError: If that fails; what was there stays.
    """
    with replacing(path) as file:
        file.write(data)


def link_or_copy(source: Path, target: Path, *, link: bool = True) -> bool:
    """Gives a file that never changes a second name, or copies it; its folder is made.

    The content is on the disk then; the name lasts once :func:`steeple.delf.durable.sync` was called for its folder.

    Args:
        source: The file.
        target: The new name.
        link: Whether it may share its space with ``source``; where that cannot be, it is copied.

    Returns:
        Whether it was linked.

    Raises:
        FileExistsError: If there is a file of the new name.
        OSError: If it cannot be read or written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(source, target)
        except (FileNotFoundError, FileExistsError):
            raise
        except OSError:  # another file system, one without links, or one link too many
            pass
        else:
            return True
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    with source.open("rb") as original, replacing(target, lasting=False) as copy:
        shutil.copyfileobj(original, copy, _COPIED_AT_ONCE)
        copy.flush()
        os.fsync(copy.fileno())
    return False


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def errors_translated(what: str) -> Iterator[None]:
    """Errors of the file system, or of object storage in its place, as ours.

    Args:
        what: That is kept there, in the plural: "uploads".

    Raises:
        ResourceExhaustedError: If the disk is full.
        FailedPreconditionError: If the folder is not accessible; of object storage: if there are no credentials, access
            is denied, or there is no such bucket.
        UnavailableError: If the file system failed otherwise.
    """
    try:
        yield
    except SteepleError:
        raise
    except Exception as error:
        told = storage_errors.translated(error, what)
        if told is not None:
            # What a driver says in full may have more in it than anybody should read in a log.
            raise told from None
        if not isinstance(error, OSError):
            raise
        raise _of_file_system(error, what) from error


def _of_file_system(error: OSError, what: str) -> SteepleError:
    text = error.strerror or str(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return ResourceExhaustedError(f"the disk that holds the {what} is full: {text}; make room and try again")
    if error.errno == errno.EROFS or isinstance(
        error, PermissionError | FileExistsError | NotADirectoryError | IsADirectoryError
    ):
        return FailedPreconditionError(
            f"the folder of the {what} is not accessible: {text}; check it and its permissions"
        )
    return UnavailableError(f"the file system that holds the {what} failed: {text}; try again")
