"""What native code writes to standard error, past Python."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

_STDERR: Final = 2


@contextmanager
def without_lines(beginning: bytes) -> Iterator[None]:
    """Drops lines that begin so from what reaches standard error meanwhile; all other lines come at the end.

    For a remark that a library makes to nobody and offers no way to turn off. Standard error belongs to the whole
    process, so lines of other threads are held up too, but not lost.
    """
    try:
        terminal = os.dup(_STDERR)
    except OSError:  # there is no standard error, so nothing to keep clean
        yield
        return
    try:
        with _held() as held:
            os.dup2(held.fileno(), _STDERR)
            try:
                yield
            finally:
                os.dup2(terminal, _STDERR)
                held.seek(0)
                kept = b"".join(line for line in held if not line.startswith(beginning))
                if kept:
                    os.write(_STDERR, kept)
    finally:
        os.close(terminal)


def _held() -> IO[bytes]:
    """A file to hold lines in: in memory, as a server may have no folder where it could write one."""
    try:
        return os.fdopen(os.memfd_create("standard-error"), "w+b")
    except (AttributeError, OSError):  # not Linux, or too old a one
        return tempfile.TemporaryFile()
