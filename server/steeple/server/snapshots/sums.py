"""The list of a snapshot's files, while it is written."""

from __future__ import annotations

import os
from pathlib import Path

from steeple.server.durable import sha256_of
from steeple.server.snapshots.files import SUMS
from steeple.server.snapshots.places import Tally


class SumsWriter:
    """Files of a snapshot in the making, with their checksums; written at once, for there may be many.

    Args:
        folder: Where the list is made.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / SUMS
        self._files = self._photos = self._size = self._copied = 0
        self._sums = self.path.open("wb")

    def add(self, name: str, sha256: str, size: int, *, copied: bool, photo: bool = False) -> None:
        """Adds a file.

        Args:
            name: Its path in the snapshot.
            sha256: Of its content, hex.
            size: Of it, bytes.
            copied: Whether it shares no space with another.
            photo: Whether it is one.
        """
        self._sums.write(f"{sha256}  {name}\n".encode())
        self._files += 1
        self._photos += photo
        self._size += size
        self._copied += size if copied else 0

    def sealed(self) -> Tally:
        """What was added, once the list is on the disk."""
        self._sums.flush()
        os.fsync(self._sums.fileno())
        return Tally(self._files, self._photos, self._size, self._copied, sha256_of(self.path))

    def close(self) -> None:
        """Closes the list."""
        self._sums.close()
