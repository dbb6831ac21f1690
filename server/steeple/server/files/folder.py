"""Files in a folder of one server's own."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from steeple.delf.durable import replacing, sync
from steeple.server.durable import sha256_of
from steeple.server.files.kinds import Note, Part, StoredFile

_PRIVATE: Final = 0o700


class FolderFiles:
    """A :class:`~steeple.server.files.FileStore` in a folder that one process at a time uses.

    Args:
        folder: Made with the first file.
        private: Whether nobody but its owner may look into it.
    """

    shared = False

    def __init__(self, folder: Path, *, private: bool = False) -> None:
        self.folder = folder
        self._mode = _PRIVATE if private else 0o777

    def path(self, name: str) -> Path:
        """Where a file is."""
        return self.folder / name

    def put(self, name: str, data: bytes, *, lasting: bool = True) -> None:
        """Stores a file."""
        with replacing(self._made(name), lasting=lasting) as file:
            file.write(data)

    def put_file(self, name: str, path: Path, *, sha256: str = "") -> None:
        """Renames a file, or only sees to it that it stays; one of another disk is copied."""
        final = self._made(name)
        sync(path)
        if path != final:
            try:
                path.replace(final)
            except OSError:
                with path.open("rb") as source, replacing(final) as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                path.unlink()
        self._sync_names(final)

    def open(self, name: str) -> io.RawIOBase:
        """A file; it can be read to its end also once it is deleted."""
        return io.FileIO(self.path(name))

    def open_parts(self, name: str, parts: Sequence[Part]) -> io.RawIOBase:
        """A file that has grown: it has no parts."""
        return self.open(name)

    def read(self, name: str, start: int, end: int) -> bytes:
        """Bytes of a file."""
        with self.path(name).open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None: there is none."""
        try:
            return self.path(name).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, names: Iterable[str]) -> None:
        """Deletes files."""
        folders = set()
        for name in names:
            path = self.path(name)
            path.unlink(missing_ok=True)
            folders.add(path.parent)
        for folder in folders:
            if folder.is_dir():
                sync(folder)

    def delete_folder(self, name: str) -> None:
        """Deletes a folder."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.path(name))

    def listed(self, folder: str = "") -> Sequence[StoredFile]:
        """All files."""
        root = self.path(folder)
        found = []
        for path in sorted(root.rglob("*")):
            with suppress(FileNotFoundError):
                if path.is_file():
                    told = path.stat()
                    changed = datetime.fromtimestamp(told.st_mtime, UTC)
                    found.append(StoredFile(path.relative_to(self.folder).as_posix(), told.st_size, changed))
        return found

    def grow(self, name: str, size_bytes: int, parts: Sequence[Part]) -> FolderGrowing:
        """What adds to a file."""
        path = self._made(name)
        growing = FolderGrowing(path, size_bytes)
        self._sync_names(path)
        return growing

    def _made(self, name: str) -> Path:
        path = self.path(name)
        self.folder.mkdir(mode=self._mode, parents=True, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        return path

    def _sync_names(self, path: Path) -> None:
        """Makes the name of a file last, and that of its folder, which may be new."""
        for folder in {path.parent, self.folder}:
            sync(folder)


class FolderGrowing:
    """A file that is written to in its place.

    Args:
        path: Of it.
        size_bytes: As noted last.
    """

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path = path
        self._file: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        there = os.fstat(self._file).st_size
        self.size_bytes = self._end = self._committed = size_bytes if there >= size_bytes else 0
        os.ftruncate(self._file, self._end)

    def write(self, data: bytes) -> None:
        """Adds bytes."""
        view, offset = memoryview(data), self._end
        try:
            while view:
                written = os.pwrite(self._descriptor, view, offset)
                view, offset = view[written:], offset + written
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise
        self._end = offset

    def commit(self, note: Note) -> None:
        """Sees to it that what was written stays."""
        if self._end != self._committed:
            os.fsync(self._descriptor)
            note(self._end, None)
            self._committed = self._end

    def sha256(self) -> str:
        """Of the file."""
        return sha256_of(self._path)

    def discard(self) -> None:
        """Empties the file."""
        os.ftruncate(self._descriptor, 0)
        self._end = self._committed = 0

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def _descriptor(self) -> int:
        if self._file is None:
            raise ValueError("it is closed")
        return self._file
