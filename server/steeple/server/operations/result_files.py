"""Files that operations make: named by their results, sent to callers."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from steeple.errors import DataLossError, InvalidArgumentError, NotFoundError
from steeple.server.durable import errors_translated, sha256_of
from steeple.server.operations.records import Operation

FILE: Final = "file"
SIZE: Final = "file_size_bytes"
SHA256: Final = "file_sha256"
"""Keys of the results of an operation that has made a file."""


@dataclass(frozen=True)
class ResultFile:
    """A file that an operation has made.

    Attributes:
        operation: Its name.
        path: Where it is.
        size_bytes: Of it.
    """

    operation: str
    path: Path
    size_bytes: int

    def open(self, offset: int) -> io.BufferedReader:
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
                file = self.path.open("rb")
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
            f"the file {self.path.name} of {self.operation} is missing or incomplete on the server's disk; begin a new "
            "operation",
            resource=self.operation,
        )


def results(path: Path, *, sha256: str = "") -> dict[str, str]:
    """What the results of an operation say of a file in its folder, whole and on the disk.

    Args:
        path: Of the file.
        sha256: Of it, hex, if that is known; else it is read.
    """
    return {FILE: path.name, SIZE: str(path.stat().st_size), SHA256: sha256 or sha256_of(path)}


def of(operation: Operation, name: str, folder: Path) -> ResultFile:
    """The file of an operation.

    Args:
        operation: Which has succeeded.
        name: Of the file, as the operation's results say.
        folder: Of the operation.

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
    return ResultFile(operation.name, folder / made[FILE], int(made[SIZE]))
