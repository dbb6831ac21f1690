"""Files that operations make: named by their results, sent to callers by any server."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from steeple.errors import DataLossError, InvalidArgumentError, NotFoundError
from steeple.server.durable import errors_translated, sha256_of
from steeple.server.files import FileStore, kept_name
from steeple.server.operations.records import Operation
from steeple.server.operations.run import Run

FILE: Final = "file"
SIZE: Final = "file_size_bytes"
SHA256: Final = "file_sha256"
"""Keys of the results of an operation that has made a file."""


@dataclass(frozen=True)
class ResultFile:
    """A file that an operation has made.

    Attributes:
        operation: Its name.
        files: Where it is.
        name: Of it there.
        size_bytes: Of it.
    """

    operation: str
    files: FileStore
    name: str
    size_bytes: int

    def open(self, offset: int) -> io.RawIOBase:
        """The file, to be read from an offset on.

        Raises:
            InvalidArgumentError: If it has no such offset.
            DataLossError: If it is not what the operation made.
            SteepleError: If it cannot be read.
        """
        if not 0 <= offset <= self.size_bytes:
            raise InvalidArgumentError(
                f"offset must be 0 to {self.size_bytes}, the size of the file, not {offset}", field="offset"
            )
        with errors_translated("files of operations"):
            try:
                file = self.files.open(self.name)
            except FileNotFoundError:
                raise self._lost() from None
        try:
            if file.seek(0, io.SEEK_END) != self.size_bytes:
                raise self._lost()
            file.seek(offset)
        except BaseException:
            file.close()
            raise
        return file

    def _lost(self) -> DataLossError:
        return DataLossError(
            f"the file {self.name.rpartition('/')[2]} of {self.operation} is missing or incomplete in the server's "
            "storage; begin a new operation",
            resource=self.operation,
        )


def results(run: Run, path: Path, *, sha256: str = "") -> dict[str, str]:
    """Puts a file where every server finds it; what the results of the operation say of it.

    Args:
        run: That has made it.
        path: Of the file, which is whole, in the operation's folder. It is not there any more afterwards if files are
            shared.
        sha256: Of it, hex, if that is known; else it is read.

    Raises:
        OSError: If it cannot be read, or not be put there.
    """
    told = {FILE: path.name, SIZE: str(path.stat().st_size), SHA256: sha256 or sha256_of(path)}
    run.keep(path, told[SHA256])
    return told


def of(operation: Operation, name: str, files: FileStore) -> ResultFile:
    """The file of an operation.

    Args:
        operation: Which has succeeded.
        name: Of the file, as the operation's results say.
        files: Those of operations.

    Raises:
        NotFoundError: If it has made none of that name.
    """
    made: Mapping[str, str] = operation.results
    if not name or made.get(FILE) != name:
        raise NotFoundError(
            f"{operation.name} has no file {name[:200]!r}; "
            + (f"it has {made[FILE]!r}" if FILE in made else "it has made none (yet)"),
            resource=operation.name,
        )
    kept = kept_name(files, made[FILE], made[SHA256])
    return ResultFile(operation.name, files, f"{operation.id}/{kept}", int(made[SIZE]))
