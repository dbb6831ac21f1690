"""Files that several servers share, where one that grows is one of parts that never change."""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from steeple.server.files.bucket import BucketFiles
from steeple.server.files.folder import FolderFiles
from steeple.server.files.kinds import Note, Part, StoredFile
from steeple.server.files.reading import PartReader

PART_BYTES: Final = 8 << 20
"""Of a part, at most about; of two that follow each other and are smaller together, one is made now and then."""


class PartFiles:
    """A :class:`~steeple.server.files.FileStore` that other servers use as well.

    Args:
        files: A bucket, or a folder that all of them see.
    """

    shared = True

    def __init__(self, files: BucketFiles | FolderFiles) -> None:
        self._files = files
        self.folder = files.folder

    def path(self, name: str) -> None:
        """None: others see it as well, and it may go at any time."""

    def put(self, name: str, data: bytes, *, lasting: bool = True) -> None:
        """Stores a file; it always stays."""
        self._files.put(name, data)

    def put_file(self, name: str, path: Path, *, sha256: str = "") -> None:
        """Moves a file of this host."""
        self._files.put_file(name, path, sha256=sha256)

    def open(self, name: str) -> io.RawIOBase:
        """A file."""
        return self._files.open(name)

    def open_parts(self, name: str, parts: Sequence[Part]) -> io.RawIOBase:
        """A file that has grown, by its parts."""
        return PartReader(self._files.read, parts)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None: there is none."""
        return self._files.size(name)

    def delete(self, names: Iterable[str]) -> None:
        """Deletes files."""
        self._files.delete(names)

    def delete_folder(self, name: str) -> None:
        """Deletes all files of a folder."""
        self._files.delete_folder(name)

    def listed(self, folder: str = "") -> Sequence[StoredFile]:
        """All files."""
        return self._files.listed(folder)

    def grow(self, name: str, size_bytes: int, parts: Sequence[Part]) -> PartGrowing:
        """What adds parts to a file."""
        return PartGrowing(self._files, name, size_bytes, parts)


class PartGrowing:
    """Adds parts to a file.

    Who takes over names parts differently: what an earlier writer still stores is part of nothing.

    Args:
        files: Where they are.
        name: Of the whole; those of parts begin with it.
        size_bytes: As noted last.
        parts: As noted last.
    """

    def __init__(self, files: BucketFiles | FolderFiles, name: str, size_bytes: int, parts: Sequence[Part]) -> None:
        self._files = files
        self._name = name
        whole = (parts[-1].end if parts else 0) == size_bytes
        self._parts = [*parts] if whole else []
        self.size_bytes = size_bytes if whole else 0
        self._waiting: list[bytes] = []
        self._hash = None if self.size_bytes else hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Adds bytes, which wait in memory."""
        self._waiting.append(data)
        if self._hash is not None:
            self._hash.update(data)

    def commit(self, note: Note) -> None:
        """Stores what waits as a part, together with those before that are as small.

        So there are few parts, however little each writer brings: in a row, each is larger than all after it together,
        until they are of about 8 MiB.
        """
        size = sum(map(len, self._waiting))
        if not size:
            return
        kept = [*self._parts]
        before: list[Part] = []
        while kept and kept[-1].size_bytes <= size and kept[-1].size_bytes + size <= PART_BYTES:
            before.insert(0, kept.pop())
            size += before[0].size_bytes
        start = kept[-1].end if kept else 0
        part = Part(start, size, f"{self._name}.{start:016x}.{secrets.token_hex(6)}")
        self._files.put(part.name, b"".join([*map(self._read, before), *self._waiting]))
        note(part.end, part)
        self._parts, self._waiting = [*kept, part], []
        self._delete(before)

    def sha256(self) -> str:
        """Of all parts, which are read unless this has written them all."""
        if self._hash is not None:
            return self._hash.hexdigest()
        found = hashlib.sha256()
        for part in self._parts:
            found.update(self._read(part))
        return found.hexdigest()

    def discard(self) -> None:
        """Deletes all parts."""
        self._delete(self._parts)
        self._parts, self._waiting, self._hash = [], [], hashlib.sha256()

    def close(self) -> None:
        """Lets go of what waits."""
        self._waiting = []

    def _read(self, part: Part) -> bytes:
        data = self._files.read(part.name, 0, part.size_bytes)
        if len(data) != part.size_bytes:
            raise FileNotFoundError(part.name)
        return data

    def _delete(self, parts: Sequence[Part]) -> None:
        with suppress(Exception):  # they take space and nothing else, until somebody sweeps
            self._files.delete([part.name for part in parts])
