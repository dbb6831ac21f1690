"""Files in storage that several servers share: a bucket, or a folder that all of them see."""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from fsspec.implementations.local import LocalFileSystem

from steeple.delf.durable import replacing
from steeple.server.files.kinds import Note, Part, StoredFile
from steeple.server.files.reading import ObjectReader

PART_BYTES: Final = 8 << 20
"""Of a part of a file that grows, at most about; two that are smaller together become one."""

_DELETED_AT_ONCE: Final = 8


class ObjectFiles:
    """A :class:`~steeple.server.files.FileStore` in an fsspec file system. A file that grows is one of parts.

    Args:
        files: The file system; it must keep no lists.
        root: Path of the files in it.
    """

    shared = True

    def __init__(self, files: Any, root: str) -> None:  # noqa: ANN401 - fsspec has no types
        self._files = files
        self._root = root.rstrip("/")
        self._local = isinstance(files, LocalFileSystem)
        self.folder = Path(self._root) if self._local else None

    def path(self, name: str) -> None:
        """None: others see it as well, and it may go at any time."""

    def put(self, name: str, data: bytes, *, lasting: bool = True) -> None:
        """Stores a file; it always stays."""
        if self._local:
            path = Path(self._full(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                file.write(data)
        else:
            self._files.pipe_file(self._full(name), data)

    def put_file(self, name: str, path: Path) -> None:
        """Copies a file of this host, and deletes it there."""
        if self._local:
            target = Path(self._full(name))
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as source, replacing(target) as copy:
                while data := source.read(PART_BYTES):
                    copy.write(data)
        else:
            self._files.put_file(str(path), self._full(name))
        path.unlink()

    def open(self, name: str) -> io.RawIOBase:
        """A file."""
        size = self.size(name)
        if size is None:
            raise FileNotFoundError(name)
        return self.open_parts(name, [Part(0, size, name)])

    def open_parts(self, name: str, parts: Sequence[Part]) -> io.RawIOBase:
        """A file that has grown, by its parts."""
        return ObjectReader(self._range, parts)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None: there is none."""
        try:
            return int(self._files.info(self._full(name))["size"])
        except FileNotFoundError:
            return None

    def delete(self, names: Iterable[str]) -> None:
        """Deletes files."""
        paths = [self._full(name) for name in names]
        if len(paths) < 2 or self._local:
            for path in paths:
                self._delete(path)
            return
        # Not all at once by one request: of what such a request leaves undone, drivers say nothing.
        with ThreadPoolExecutor(_DELETED_AT_ONCE, thread_name_prefix="deleting") as pool:
            for done in [pool.submit(self._delete, path) for path in paths]:
                done.result()

    def delete_folder(self, name: str) -> None:
        """Deletes all files of a folder."""
        self.delete([file.name for file in self.listed(name)])
        if self._local:
            with suppress(OSError):  # somebody else has done so, or has just put a file there
                Path(self._full(name)).rmdir()

    def listed(self, folder: str = "") -> Sequence[StoredFile]:
        """All files."""
        root = f"{self._root}/{folder}" if folder else self._root
        try:
            found = self._files.find(root, detail=True)
        except FileNotFoundError:
            return []
        listed = []
        for path, told in sorted(found.items()):
            name = PurePosixPath(path).relative_to(self._root).as_posix()
            listed.append(StoredFile(name, int(told["size"]), _changed(told)))
        return listed

    def grow(self, name: str, size_bytes: int, parts: Sequence[Part]) -> ObjectGrowing:
        """What adds parts to a file."""
        return ObjectGrowing(self, name, size_bytes, parts)

    def _delete(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._files.rm_file(path)

    def _full(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _range(self, name: str, start: int, end: int) -> bytes:
        return bytes(self._files.cat_file(self._full(name), start=start, end=end))


class ObjectGrowing:
    """A file of parts, each of which never changes.

    Who takes over names parts differently: what an earlier writer still stores is part of nothing.

    Args:
        files: Where they are.
        name: Of the whole; those of parts begin with it.
        size_bytes: As noted last.
        parts: As noted last.
    """

    def __init__(self, files: ObjectFiles, name: str, size_bytes: int, parts: Sequence[Part]) -> None:
        self._files = files
        self._name = name
        whole = (parts[-1].end if parts else 0) == size_bytes
        self._parts = [*parts] if whole else []
        self.size_bytes = self._committed = size_bytes if whole else 0
        self._waiting: list[bytes] = []
        self._hash = None if self._committed else hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Adds bytes, which wait in memory."""
        self._waiting.append(data)
        if self._hash is not None:
            self._hash.update(data)

    def commit(self, note: Note) -> None:
        """Stores what waits as a part, together with those before that are as small."""
        data = b"".join(self._waiting)
        if not data:
            return
        kept = [*self._parts]
        before: list[Part] = []
        size = len(data)
        while kept and kept[-1].size_bytes <= size and kept[-1].size_bytes + size <= PART_BYTES:
            before.insert(0, kept.pop())
            size += before[0].size_bytes
        data = b"".join([*(self._files._range(part.name, 0, part.size_bytes) for part in before), data])
        start = kept[-1].end if kept else 0
        part = Part(start, len(data), f"{self._name}.{start:016x}.{secrets.token_hex(6)}")
        self._files.put(part.name, data)
        note(part.end, part)
        self._parts = [*kept, part]
        self._committed, self._waiting = part.end, []
        with suppress(Exception):  # they take space and nothing else, until the next sweep
            self._files.delete([one.name for one in before])

    def sha256(self) -> str:
        """Of all parts, which are read unless this has written them all."""
        if self._hash is not None:
            return self._hash.hexdigest()
        found = hashlib.sha256()
        for part in self._parts:
            data = self._files._range(part.name, 0, part.size_bytes)
            if len(data) != part.size_bytes:
                raise FileNotFoundError(part.name)
            found.update(data)
        return found.hexdigest()

    def discard(self) -> None:
        """Deletes all parts."""
        with suppress(Exception):  # as above
            self._files.delete([part.name for part in self._parts])
        self._parts, self._committed, self._waiting, self._hash = [], 0, [], hashlib.sha256()

    def close(self) -> None:
        """Lets go of what waits."""
        self._waiting = []


def _changed(told: dict[str, Any]) -> datetime:
    """When a file was written, as drivers tell that."""
    value = told.get("LastModified", told.get("mtime", told.get("last_modified", told.get("created"))))
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return datetime.now(UTC)  # not told: nothing may take it for old
