"""Files of this host that are sent, and files that are received."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from steeple.errors import DataLossError, FailedPreconditionError, InvalidArgumentError, NotFoundError

_READ_AT_ONCE: Final = 1 << 20


@dataclass(frozen=True)
class LocalFile:
    """A file as it was when it was looked at.

    Attributes:
        path: Where it is.
        size_bytes: Of it.
        sha256: Of its bytes, hex.
    """

    path: Path
    size_bytes: int
    sha256: str

    @staticmethod
    def measure(path: str | os.PathLike[str]) -> LocalFile:
        """Reads all of a file.

        Raises:
            NotFoundError: If there is none.
            InvalidArgumentError: If it is empty or cannot be read.
        """
        path = Path(path)
        with _told(path), path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        if size == 0:
            raise InvalidArgumentError(f"{path} is empty")
        return LocalFile(path, size, digest)

    def read(self, offset: int, count: int) -> list[bytes]:
        """At most ``count`` bytes from an offset on, in pieces fit for a message.

        Raises:
            FailedPreconditionError: If the file has become shorter.
            NotFoundError: If it is gone.
        """
        count = min(count, self.size_bytes - offset)
        with _told(self.path), self.path.open("rb") as file:
            file.seek(offset)
            data = file.read(count)
        if len(data) != count:
            raise FailedPreconditionError(f"{self.path} has changed since its upload began; begin anew")
        return [data[at : at + _READ_AT_ONCE] for at in range(0, count, _READ_AT_ONCE)]


class PartialFile:
    """A file that is received beside the place where it will be, and goes there when it is whole.

    Args:
        target: Where it will be.
        source: Whatever tells it from other files; the same again goes on with what is there.
        size_bytes: Of the whole file.
        sha256: Of the whole file, hex.
    """

    def __init__(self, target: str | os.PathLike[str], source: str, size_bytes: int, sha256: str) -> None:
        self._target = Path(target)
        self._size_bytes = size_bytes
        self._sha256 = sha256
        mark = hashlib.sha256(source.encode()).hexdigest()[:12]
        self.path = self._target.with_name(f".{self._target.name}.{mark}.part")

    @property
    def size_bytes(self) -> int:
        """Of the whole file."""
        return self._size_bytes

    def size(self) -> int:
        """Bytes that are there."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return 0
        return size if size <= self._size_bytes else 0

    def write(self, offset: int, data: bytes) -> None:
        """Writes bytes after those that are there.

        Raises:
            FailedPreconditionError: If that fails, or there would be too many.
        """
        if offset + len(data) > self._size_bytes:
            raise DataLossError(f"the server sent more than the {self._size_bytes} bytes of {self._target.name}")
        with _told(self._target), self.path.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(data)

    def discard(self) -> None:
        """Deletes what is there of it: nobody can go on with it.

        Raises:
            FailedPreconditionError: If that fails.
        """
        with _told(self._target):
            self.path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Checks the whole file and puts it in its place, over what was there.

        Raises:
            DataLossError: If its hash is wrong; what was received is deleted.
            FailedPreconditionError: If that fails.
        """
        with _told(self._target):
            if not self.path.exists():  # of no bytes
                self.path.touch()
            with self.path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            if digest != self._sha256:
                self.path.unlink()
                raise DataLossError(
                    f"what was received of {self._target.name} has the SHA-256 {digest}, not {self._sha256}; it was "
                    "deleted: download it again"
                )
            self.path.replace(self._target)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no {error.filename or path}") from error
    except OSError as error:
        raise FailedPreconditionError(f"{path}: {error.strerror or error}") from error
