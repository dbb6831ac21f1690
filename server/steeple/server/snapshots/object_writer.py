"""A snapshot on its way to object storage."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final

from steeple.errors import DataLossError
from steeple.server.durable import errors_translated, sha256_of
from steeple.server.images import ImageStore
from steeple.server.images import photo_path as path_in_store
from steeple.server.object_storage import ObjectStorage
from steeple.server.snapshots import manifest
from steeple.server.snapshots.files import SUMS, photo_path
from steeple.server.snapshots.manifest import MANIFEST, Snapshot
from steeple.server.snapshots.object_reader import OBJECTS, WHAT, folder_of, object_path
from steeple.server.snapshots.places import Tally
from steeple.server.snapshots.store import wrong_size
from steeple.server.snapshots.sums import SumsWriter

_THREADS: Final = 16
_AT_ONCE: Final = 256

Row = tuple[str, int]
"""SHA-256 and size of a photo."""


class ObjectWriter:
    """A :class:`~steeple.server.snapshots.places.SnapshotWriter` of object storage.

    What is there already, from an earlier snapshot or from one that was not finished, is not sent again.

    Args:
        storage: Where to.
        snapshot_id: Of the snapshot.
        workspace: Folder for files on their way there.
        sums: The list of its files.
        renew: To be called often, so that nobody takes this for dead.
    """

    def __init__(
        self, storage: ObjectStorage, snapshot_id: str, workspace: Path, sums: SumsWriter, renew: Callable[[], None]
    ) -> None:
        self.workspace = workspace
        self._storage = storage
        self._id = snapshot_id
        self._sums = sums
        self._renew = renew
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="steeple-snapshot")

    def add(self, name: str, *, linked: bool = False) -> None:
        """Sends a file, and deletes it here."""
        file = self.workspace / name
        self._renew()
        sha256, size = sha256_of(file), file.stat().st_size
        there = self._storage.stat(object_path(sha256))
        if send := there is None or there.size != size:
            self._storage.put_file(object_path(sha256), file, sha256=sha256)
        file.unlink()
        self._sums.add(name, sha256, size, copied=send)

    def add_photos(
        self, photos: ImageStore, rows: Iterable[Row], *, link: bool
    ) -> Iterator[tuple[str, DataLossError | None]]:
        """Adds photos: those that an earlier snapshot has too are there already.

        Of photos in a bucket of the same storage, the storage makes the copy.
        """
        there, more = _There(self._storage), iter(rows)
        while batch := list(islice(more, _AT_ONCE)):
            self._renew()
            is_new = [there.size(sha256) != size for sha256, size in batch]
            new = [row for row, send in zip(batch, is_new, strict=True) if send]
            errors = dict(zip(new, self._pool.map(lambda row: self._send(photos, row), new), strict=True))
            for row, send in zip(batch, is_new, strict=True):
                sha256, size = row
                error = errors.get(row)
                if error is None:
                    self._sums.add(photo_path(sha256), sha256, size, copied=send, photo=True)
                yield sha256, error

    def sealed(self) -> Tally:
        """What there is."""
        return self._sums.sealed()

    def finish(self, snapshot: Snapshot) -> None:
        """Sends the list of files and, last, the manifest."""
        self._renew()
        folder = folder_of(self._id)
        self._storage.put_file(f"{folder}/{SUMS}", self._sums.path, sha256=snapshot.sums_sha256)
        data = manifest.rendered(snapshot)
        self._storage.put(f"{folder}/{MANIFEST}", data, sha256=_sha256(data))

    def close(self) -> None:
        """Ends what is under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _send(self, photos: ImageStore, row: Row) -> DataLossError | None:
        """Has a photo copied; why that cannot be."""
        sha256, size = row
        with errors_translated(WHAT):
            try:
                if not self._copied(photos, sha256, size):
                    data = photos.get(sha256)
                    if len(data) != size:
                        raise wrong_size(sha256, size)
                    self._storage.put(object_path(sha256), data, sha256=sha256)
            except DataLossError as error:
                return error
        return None

    def _copied(self, photos: ImageStore, sha256: str, size: int) -> bool:
        """Whether the storage has made the copy itself."""
        if photos.storage is None:
            return False
        target = object_path(sha256)
        try:
            found = self._storage.copy_from(photos.storage, path_in_store(sha256), target)
        except FileNotFoundError as error:
            raise DataLossError(f"photo {sha256} is missing from the image store") from error
        if found is None:
            return False
        if not found:  # it does not tell what it has copied
            copy = self._storage.stat(target)
            found = sha256 if copy is not None and copy.size == size else ""
        if found != sha256:
            self._storage.delete(target)
            raise DataLossError(f"photo {sha256} in the image store is damaged; restore it from a backup")
        return True


class _There:
    """Sizes of the objects that there are, asked for in the order of their names."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._objects = storage.list(OBJECTS)
        self._next = next(self._objects, None)

    def size(self, sha256: str) -> int | None:
        """Bytes of an object; None: there is none."""
        path = object_path(sha256)
        while self._next is not None and self._next.path < path:
            self._next = next(self._objects, None)
        return self._next.size if self._next is not None and self._next.path == path else None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
