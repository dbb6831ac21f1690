"""The folder that a server's snapshots lie in."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from steeple.delf.durable import sync
from steeple.errors import DataLossError, FailedPreconditionError, NotFoundError, SnapshotError
from steeple.server.catalogue.ids import is_id
from steeple.server.durable import link_or_copy, sha256_of, write_file
from steeple.server.images import ImageStore
from steeple.server.snapshots import manifest
from steeple.server.snapshots.files import CATALOGUE, CHANGED, MISSING, damaged, photo_path, read_sums, sync_folders
from steeple.server.snapshots.manifest import MANIFEST, Snapshot, snapshot_name
from steeple.server.snapshots.places import Tally
from steeple.server.snapshots.sums import SumsWriter

# Only what this makes itself goes by such a name: others may keep their files in the same folder.
_PARTIAL: Final = ".snapshot-partial"
_ABANDONED_SECONDS: Final = 24 * 3600.0


class SnapshotStore:
    """Snapshots by id, in a folder that is made when it is first needed.

    A :class:`~steeple.server.snapshots.places.SnapshotPlace`. A snapshot is in the making, or being deleted, under
    another name.

    Args:
        path: The folder.
    """

    swept = False

    def __init__(self, path: Path) -> None:
        self.path = self.folder = path
        self.where = str(path)

    def folder_of(self, snapshot_id: str) -> Path:
        """Where a snapshot lies, if it is there."""
        return self.path / snapshot_id

    def kept(self, snapshot_id: str) -> SnapshotFolder:
        """A snapshot's files."""
        return SnapshotFolder(self.folder_of(snapshot_id))

    def all(self) -> list[Snapshot]:
        """All snapshots."""
        try:
            names = sorted((file.name for file in self.path.iterdir() if is_id(file.name)), reverse=True)
        except FileNotFoundError:
            return []
        return [_read(self.path / name) for name in names if (self.path / name / MANIFEST).exists()]

    def get(self, snapshot_id: str) -> Snapshot:
        """A snapshot."""
        folder = self.folder_of(snapshot_id)
        if not is_id(snapshot_id) or not (folder / MANIFEST).exists():
            raise not_there(snapshot_id)
        return _read(folder)

    def delete(self, snapshot_id: str) -> None:
        """Deletes a snapshot."""
        self.get(snapshot_id)
        gone = self.partial(snapshot_id)
        shutil.rmtree(gone, ignore_errors=True)
        self.folder_of(snapshot_id).rename(gone)
        sync(self.path)
        shutil.rmtree(gone)

    def prune(self, keep: int) -> list[str]:
        """Deletes old snapshots."""
        old = beyond(self.all(), keep)
        for snapshot_id in old:
            self.delete(snapshot_id)
        return old

    def sweep(self, told: Callable[[int], None] = lambda _: None, *, token: str = "") -> int:
        """Nothing: no two snapshots have a file in common."""
        return 0

    def partial(self, snapshot_id: str) -> Path:
        """Where a snapshot is in the making."""
        return self.path / (snapshot_id + _PARTIAL)

    @contextmanager
    def making(self, snapshot_id: str, waiting: Callable[[], None] = lambda: None) -> Iterator[FolderWriter]:
        """Begins a snapshot; what was abandoned a day ago is removed."""
        self.path.mkdir(parents=True, exist_ok=True)
        partial, oldest = self.partial(snapshot_id), time.time() - _ABANDONED_SECONDS
        for folder in self.path.glob(f"*{_PARTIAL}"):
            if folder.name == partial.name or folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
        partial.mkdir()
        try:
            with closing(SumsWriter(partial)) as sums:
                yield FolderWriter(partial, self.folder_of(snapshot_id), sums)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


class FolderWriter:
    """A :class:`~steeple.server.snapshots.places.SnapshotWriter` of a folder.

    Args:
        workspace: The folder while it is filled.
        final: Its name afterwards.
        sums: The list of its files.
    """

    def __init__(self, workspace: Path, final: Path, sums: SumsWriter) -> None:
        self.workspace = workspace
        self._final = final
        self._sums = sums

    def add(self, name: str, *, linked: bool = False) -> None:
        """Adds a file, which stays where it is."""
        file = self.workspace / name
        self._sums.add(name, sha256_of(file), file.stat().st_size, copied=not linked)

    def add_photos(
        self, photos: ImageStore, rows: Iterable[tuple[str, int]], *, link: bool
    ) -> Iterator[tuple[str, DataLossError | None]]:
        """Adds photos."""
        for sha256, size in rows:
            path = self.workspace / photo_path(sha256)
            try:
                linked = photos.copy_to(sha256, path, link=link)
                if path.stat().st_size != size:
                    path.unlink()
                    raise wrong_size(sha256, size)
            except DataLossError as error:
                yield sha256, error
            else:
                self._sums.add(photo_path(sha256), sha256, size, copied=not linked, photo=True)
                yield sha256, None

    def sealed(self) -> Tally:
        """What there is."""
        return self._sums.sealed()

    def finish(self, snapshot: Snapshot) -> None:
        """Forces all to the disk, writes the manifest, and gives the folder its name."""
        sync_folders(self.workspace)
        write_file(self.workspace / MANIFEST, manifest.rendered(snapshot))
        self.workspace.rename(self._final)
        sync(self._final.parent)


class SnapshotFolder:
    """A :class:`~steeple.server.snapshots.places.KeptSnapshot` in a folder.

    Args:
        folder: That it lies in.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)

    def manifest(self) -> Snapshot:
        """What it says of itself."""
        return manifest.read(self.folder)

    @contextmanager
    def sums(self, snapshot: Snapshot) -> Iterator[Iterator[tuple[str, str]]]:
        """Its files."""
        yield read_sums(self.folder, snapshot.sums_sha256)

    def damaged(
        self, sums: Iterable[tuple[str, str]], told: Callable[[int], None] = lambda _: None
    ) -> Iterator[tuple[str, str]]:
        """Files that are not as they were."""
        return damaged(self.folder, sums, told)

    def fetch(self, name: str, sha256: str, target: Path) -> str:
        """Links a file, or copies it; its content was looked at before."""
        # All but the catalogue is never changed once it is written.
        link_or_copy(self.folder / name, target, link=name != CATALOGUE)
        return ""

    def give_photo(self, name: str, sha256: str, photos: ImageStore) -> str:
        """Stores a photo there."""
        try:
            data = (self.folder / name).read_bytes()
        except FileNotFoundError:
            return MISSING
        return given(data, sha256, photos)


def given(data: bytes, sha256: str, photos: ImageStore) -> str:
    """Stores a photo; what is wrong with it, or nothing.

    Args:
        data: That should be it.
        sha256: Of the photo, hex.
        photos: Where it goes.
    """
    if hashlib.sha256(data).hexdigest() != sha256:
        return CHANGED
    photos.put(data)
    return ""


def beyond(snapshots: Iterable[Snapshot], keep: int) -> list[str]:
    """Ids of the snapshots that are older than the latest ``keep`` that can be read; 0 keeps all."""
    whole = [snapshot.id for snapshot in snapshots if not snapshot.damage]
    return whole[keep:] if keep else []


def not_there(snapshot_id: str) -> NotFoundError:
    """The error of a snapshot that is none."""
    name = snapshot_name(snapshot_id)
    return NotFoundError(f"there is no {name}; see: steeple snapshots list", resource=name)


def wrong_size(sha256: str, size: int) -> DataLossError:
    """The error of a photo that is not as it was stored."""
    return DataLossError(f"photo {sha256} in the image store is damaged: it should have {size} bytes")


def _read(folder: Path) -> Snapshot:
    try:
        return manifest.read(folder)
    except (SnapshotError, FailedPreconditionError) as error:
        return Snapshot(folder.name, damage=error.message)
