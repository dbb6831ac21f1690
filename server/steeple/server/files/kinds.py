"""What a place for files does, wherever it is."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias


@dataclass(frozen=True)
class StoredFile:
    """A file as a list shows it.

    Attributes:
        name: Of the file.
        size_bytes: Of it.
        change_time: When it was written, UTC, by the clock of the storage.
    """

    name: str
    size_bytes: int
    change_time: datetime


@dataclass(frozen=True)
class Part:
    """A part of a file that grows, where each is a file of its own.

    Attributes:
        start: Of its first byte in the whole.
        size_bytes: Of it.
        name: Of its file.
    """

    start: int
    size_bytes: int
    name: str

    @property
    def end(self) -> int:
        """Byte after its last one in the whole."""
        return self.start + self.size_bytes


Note: TypeAlias = Callable[[int, Part | None], None]
"""Is told how many bytes of a growing file are safe, and the part that takes the place of all from its start on."""


class Growing(Protocol):
    """Writes to the end of a file that grows; one thread at a time.

    Attributes:
        size_bytes: That were there when it was opened: fewer than were noted, if some are lost.
    """

    size_bytes: int

    def write(self, data: bytes) -> None:
        """Adds bytes. They may be lost until :meth:`commit`.

        Raises:
            OSError: If that fails; none of them are added.
        """
        ...

    def commit(self, note: Note) -> None:
        """Sees to it that what was written stays.

        Args:
            note: Writes down what there is, so that it is found again. Raises: all is as before, and this may be
                called again.

        Raises:
            OSError: If that fails.
        """
        ...

    def sha256(self) -> str:
        """Of all that was committed, hex.

        Raises:
            OSError: If it cannot be read.
        """
        ...

    def discard(self) -> None:
        """Deletes what was committed, once nothing is noted of it any more."""
        ...

    def close(self) -> None:
        """Gives back what it holds. May be called again."""
        ...


class FileStore(Protocol):
    """Files by name: ``name``, or ``folder/name``. Thread safe.

    A file is there whole or not at all, and never changes, but for those that grow. Errors are those of the file
    system or the driver, for :func:`~steeple.server.durable.errors_translated`.
    """

    @property
    def shared(self) -> bool:
        """Whether other servers write here as well: what nobody knows of may be a file under way."""
        ...

    @property
    def folder(self) -> Path | None:
        """Where files are on this host; None if they are elsewhere."""
        ...

    def path(self, name: str) -> Path | None:
        """Where a file is on this host; None if it is elsewhere."""
        ...

    def put(self, name: str, data: bytes, *, lasting: bool = True) -> None:
        """Stores a file.

        Args:
            name: Of the file.
            data: Of it.
            lasting: Whether it must be there after a power cut too; else a crash of the process leaves all of it or
                nothing of that name, and a power cut may lose or damage it.
        """
        ...

    def put_file(self, name: str, path: Path, *, sha256: str = "") -> None:
        """Moves a file of this host here, to stay; where it is in its place already, only the latter.

        Args:
            name: Of the file here.
            path: Of the file.
            sha256: Of it, hex, if that is known.
        """
        ...

    def open(self, name: str) -> io.RawIOBase:
        """A file, to be read from anywhere in it.

        Raises:
            FileNotFoundError: If there is none, or it is deleted while it is read.
        """
        ...

    def open_parts(self, name: str, parts: Sequence[Part]) -> io.RawIOBase:
        """A file that has grown, as :meth:`open`."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes of a file; None: there is none."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Deletes files; those that are not there are passed over. They are gone, also after a power cut."""
        ...

    def delete_folder(self, name: str) -> None:
        """Deletes all files whose names begin with ``name/``."""
        ...

    def listed(self, folder: str = "") -> Sequence[StoredFile]:
        """All files, or those whose names begin with ``folder/``, by name."""
        ...

    def grow(self, name: str, size_bytes: int, parts: Sequence[Part]) -> Growing:
        """What adds to a file; what is there after the first ``size_bytes`` is written over.

        Args:
            name: Of the file; it need not be there.
            size_bytes: As noted last.
            parts: As noted last.
        """
        ...


def read_all(file: io.RawIOBase) -> bytes:
    """All that is left of a file, which is closed then."""
    with file:
        return file.readall()


def kept_name(files: FileStore, name: str, sha256: str) -> str:
    """What a file that an operation has made is called where it is kept.

    Where servers share files, it is named after its content as well: a server that was taken for gone may still be
    making the same file, with other content.
    """
    return f"{sha256[:16]}-{name}" if files.shared else name
