"""Photos of a zip archive."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from pathlib import Path

from steeple.server.archives import SafeZip
from steeple.server.importing.sources import MAX_FILE_BYTES, is_hidden


class ZipSource:
    """The files of a zip archive; thread safe.

    Args:
        archive: Its path, or what reads it.

    Raises:
        InvalidArgumentError: If it is none, or would do harm.
    """

    def __init__(self, archive: Path | io.RawIOBase) -> None:
        self._archive = SafeZip(archive)
        self._lock = threading.Lock()

    def names(self) -> Sequence[str]:
        """Of all files, sorted."""
        return sorted(member.name for member in self._archive.members if not is_hidden(member.name))

    def read(self, name: str) -> bytes:
        """A file's content; no more is unpacked than is taken."""
        with self._lock:
            return self._archive.read(name, MAX_FILE_BYTES)

    def close(self) -> None:
        """Closes the archive."""
        self._archive.close()
