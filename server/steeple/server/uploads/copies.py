"""Copies, on this host, of uploads that lie elsewhere."""

from __future__ import annotations

import hashlib
import io
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from steeple.errors import DataLossError, ResourceExhaustedError
from steeple.server.uploads.records import Upload

_AT_ONCE: Final = 4 << 20
_SPARE: Final = 64 << 20  # bytes of the disk that copies leave free


class UploadCopies:
    """A folder with a copy of each upload that is in use, which is deleted when it is not any more. Thread safe.

    Args:
        folder: Of nothing else. What a server before this one has left there is deleted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        self._lock = threading.Lock()  # guards what follows
        self._users: Counter[str] = Counter()
        self._turns: dict[str, threading.Lock] = {}  # one an upload: who comes first makes the copy

    @contextmanager
    def of(
        self, upload: Upload, opened: Callable[[], io.RawIOBase], check: Callable[[], None] = lambda: None
    ) -> Iterator[Path]:
        """A copy, for as long as it is used.

        Args:
            upload: Which; complete.
            opened: Opens it.
            check: Called now and then while it is copied; may raise.

        Raises:
            ResourceExhaustedError: If the disk has no room for it.
            DataLossError: If it is missing, or its hash is wrong.
            OSError: If it cannot be read or written.
        """
        path = self._folder / upload.id
        with self._lock:
            self._users[upload.id] += 1
            turn = self._turns.setdefault(upload.id, threading.Lock())
        try:
            with turn:
                if not path.exists():
                    self._make(upload, opened, path, check)
            yield path
        finally:
            with self._lock:
                self._users[upload.id] -= 1
                if not self._users[upload.id]:
                    del self._users[upload.id], self._turns[upload.id]
                    path.unlink(missing_ok=True)

    def _make(self, upload: Upload, opened: Callable[[], io.RawIOBase], path: Path, check: Callable[[], None]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(self._folder).free
        if upload.size_bytes + _SPARE > free:
            raise ResourceExhaustedError(
                f"{upload.name} has {upload.size_bytes} bytes, and the disk of the data folder has no room for a copy "
                f"of it: {free} bytes are free; make room and try again"
            )
        part, found = path.with_name(f"{path.name}.part"), hashlib.sha256()
        try:
            with part.open("wb") as copy, opened() as source:
                while data := source.read(_AT_ONCE):
                    check()
                    found.update(data)
                    copy.write(data)
            if found.hexdigest() != upload.sha256:
                raise _lost(upload, "damaged in the storage")
            part.rename(path)
        except FileNotFoundError:
            raise _lost(upload, "missing from the storage, or was just deleted") from None
        finally:
            part.unlink(missing_ok=True)


def _lost(upload: Upload, how: str) -> DataLossError:
    return DataLossError(f"{upload.name} is {how}; send it again", resource=upload.name)
