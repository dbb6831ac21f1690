"""A snapshot in object storage, to be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from steeple.errors import SnapshotError
from steeple.server.durable import errors_translated, sha256_of
from steeple.server.images import ImageStore
from steeple.server.images import photo_path as path_in_store
from steeple.server.object_storage import ObjectStorage
from steeple.server.snapshots import manifest
from steeple.server.snapshots.files import CHANGED, MISSING, PHOTOS, SUMS, read_sums
from steeple.server.snapshots.manifest import MANIFEST, Snapshot
from steeple.server.snapshots.store import given

WHAT: Final = "snapshots"
"""As :func:`~steeple.server.durable.errors_translated` calls them."""

OBJECTS: Final = "objects/"
SNAPSHOTS: Final = "snapshots/"

_THREADS: Final = 16
_AT_ONCE: Final = 256


def object_path(sha256: str) -> str:
    """Where the file of that SHA-256 lies."""
    return f"{OBJECTS}{path_in_store(sha256)}"


def folder_of(snapshot_id: str) -> str:
    """Where the files of one snapshot alone lie."""
    return f"{SNAPSHOTS}{snapshot_id}"


class SnapshotObjects:
    """A :class:`~steeple.server.snapshots.places.KeptSnapshot` in object storage.

    Args:
        storage: Where it is.
        snapshot_id: Of the snapshot.
        workspace: Folder of this host for files that are looked at.
    """

    folder = None

    def __init__(self, storage: ObjectStorage, snapshot_id: str, workspace: Path) -> None:
        self.where = f"{storage.url}/{folder_of(snapshot_id)}"
        self._storage = storage
        self._id = snapshot_id
        self._workspace = workspace

    def manifest(self) -> Snapshot:
        """What it says of itself."""
        with errors_translated(WHAT):
            data = self._storage.get(f"{folder_of(self._id)}/{MANIFEST}")
        return manifest.parsed(self.where, self._id, data)

    @contextmanager
    def sums(self, snapshot: Snapshot) -> Iterator[Iterator[tuple[str, str]]]:
        """Its files."""
        with self._temporary() as folder:
            with errors_translated(WHAT):
                if not self._storage.get_file(f"{folder_of(self._id)}/{SUMS}", folder / SUMS):
                    raise SnapshotError(f"{self.where}/{SUMS} cannot be read: it is missing")
            try:
                sums = read_sums(folder, snapshot.sums_sha256)
            except SnapshotError as error:
                raise SnapshotError(f"{self.where}/{SUMS} is damaged: its checksum does not match") from error
            yield sums

    def damaged(
        self, sums: Iterable[tuple[str, str]], told: Callable[[int], None] = lambda _: None
    ) -> Iterator[tuple[str, str]]:
        """Files that are not as they were: all are read."""
        done, more = 0, iter(sums)
        with self._temporary() as folder, ThreadPoolExecutor(_THREADS) as pool:
            while batch := list(islice(more, _AT_ONCE)):
                found = pool.map(lambda each: (each[0], self._damage(each[0], each[1], folder)), batch)
                yield from ((name, wrong) for name, wrong in found if wrong)
                done += len(batch)
                told(done)

    def fetch(self, name: str, sha256: str, target: Path) -> str:
        """Fetches a file, and compares it."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with errors_translated(WHAT):
            if not self._storage.get_file(object_path(sha256), target):
                return MISSING
        return "" if sha256_of(target) == sha256 else CHANGED

    def give_photo(self, name: str, sha256: str, photos: ImageStore) -> str:
        """Has the storage copy a photo, where the image store is a bucket of it, or fetches and stores it."""
        with errors_translated(WHAT):
            if photos.storage is not None:
                target = path_in_store(sha256)
                try:
                    found = photos.storage.copy_from(self._storage, object_path(sha256), target)
                except FileNotFoundError:
                    return MISSING
                if found == sha256:
                    return ""
                if found:
                    photos.storage.delete(target)
                    return CHANGED
            # The storage does not tell what it has copied, if it has.
            data = self._storage.get(object_path(sha256))
        return MISSING if data is None else given(data, sha256, photos)

    def _damage(self, name: str, sha256: str, folder: Path) -> str:
        if name.startswith(f"{PHOTOS}/"):
            with errors_translated(WHAT):
                data = self._storage.get(object_path(sha256))
            if data is None:
                return MISSING
            return "" if hashlib.sha256(data).hexdigest() == sha256 else CHANGED
        file = folder / sha256
        try:
            return self.fetch(name, sha256, file)
        finally:
            file.unlink(missing_ok=True)

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        self._workspace.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="reading-", dir=self._workspace) as folder:
            yield Path(folder)
