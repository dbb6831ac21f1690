"""Files sent to a server in pieces."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Upload:
    """A file on its way to a server, or there.

    Attributes:
        name: ``uploads/{id}``. Names sort by time.
        file_name: What the file is called where it came from.
        size_bytes: Of the whole file.
        sha256: Of the whole file, hex; empty if it is not known yet.
        committed_size: Bytes that are safe on the server's disk, from the first one.
        complete: Whether all are there and their hash is right, so that other calls may use it.
        create_time: UTC.
        expire_time: When it is deleted, unless it is written or used before.
    """

    name: str
    file_name: str
    size_bytes: int
    sha256: str
    committed_size: int
    complete: bool
    create_time: datetime
    expire_time: datetime

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return self.name.removeprefix("uploads/")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        times = {"create_time": self.create_time.isoformat(), "expire_time": self.expire_time.isoformat()}
        return {**asdict(self), "id": self.id, **times}
