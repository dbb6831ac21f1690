"""What there is to know of an upload, and the file that it is kept in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue.limits import check_sha256

_LONGEST_NAME: Final = 255


@dataclass(frozen=True)
class Upload:
    """A file on its way to the server, or there.

    Attributes:
        id: Sorts by the time at which it was begun; names what it is kept in.
        file_name: What the caller calls the file; shown, never opened.
        size_bytes: Of the whole file.
        sha256: Of the whole file, hex; empty if it is not known yet.
        committed_bytes: That are safe, from the first one.
        complete: Whether all are there and their hash is right.
        create_time: UTC.
        expire_time: When it may be deleted.
        request_id: Of the request that began it; empty: it had none.
    """

    id: str
    file_name: str
    size_bytes: int
    sha256: str
    committed_bytes: int
    complete: bool
    create_time: datetime
    expire_time: datetime
    request_id: str = ""

    @property
    def name(self) -> str:
        """``uploads/{id}``."""
        return upload_name(self.id)


def upload_name(upload_id: str) -> str:
    """``uploads/{upload_id}``."""
    return f"uploads/{upload_id}"


def check(file_name: str, size_bytes: int, sha256: str) -> None:
    """Checks what a caller says of a file.

    Raises:
        InvalidArgumentError: If it cannot be; its metadata ``field`` says what.
    """
    if not (0 < len(file_name) <= _LONGEST_NAME and file_name.isprintable()):
        raise InvalidArgumentError(
            f"file_name must be 1 to {_LONGEST_NAME} printable characters, not {file_name[:80]!r}", field="file_name"
        )
    if size_bytes < 1:
        raise InvalidArgumentError(
            f"size_bytes must be at least 1, not {size_bytes}: an empty file is of no use", field="size_bytes"
        )
    if sha256:
        check_sha256(sha256)
