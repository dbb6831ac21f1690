"""Photos of a zip archive, read where they are: nothing is written to the disk under a name of the archive."""

from __future__ import annotations

import threading
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from steeple.errors import ImageError, InvalidArgumentError
from steeple.server.importing.sources import MAX_FILE_BYTES, check_size, is_hidden


class ZipSource:
    """The files of a zip archive; thread safe.

    Args:
        path: Of the archive.

    Raises:
        InvalidArgumentError: If it is none, or has a name twice.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise InvalidArgumentError(f"the archive cannot be read: {error}; is the upload complete?") from error
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._lock = threading.Lock()  # of the archive's count of open files
        for entry in self._archive.infolist():
            name = entry.filename
            if entry.is_dir() or is_hidden(name) or ".." in name.split("/") or "" in name.split("/"):
                continue
            if name in self._entries:
                self._archive.close()
                raise InvalidArgumentError(f"the archive has {name[:200]!r} twice; make it anew")
            self._entries[name] = entry

    def names(self) -> Sequence[str]:
        """Of all files, sorted; without those whose names lead out of the archive."""
        return sorted(self._entries)

    def size(self, name: str) -> int:
        """Bytes of a file, unpacked, as the archive says."""
        return self._entries[name].file_size

    def read(self, name: str) -> bytes:
        """A file's content; no more is unpacked than is taken."""
        check_size(self.size(name))
        try:
            with self._lock:
                file = self._archive.open(self._entries[name])
            try:
                data = file.read(MAX_FILE_BYTES + 1)
            finally:
                with self._lock:
                    file.close()
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise ImageError(f"cannot be unpacked: {error}") from error
        check_size(len(data))
        return data

    def close(self) -> None:
        """Closes the archive."""
        self._archive.close()
