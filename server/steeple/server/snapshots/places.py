"""What places for snapshots do, and what is read from and written to them, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from steeple.errors import DataLossError
from steeple.server.images import ImageStore
from steeple.server.snapshots.manifest import Snapshot

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how many files of it are done, and of how many. May raise to end it."""


@dataclass(frozen=True)
class Tally:
    """What has been added to a snapshot.

    Attributes:
        files: Of all kinds.
        photos: Of these.
        size_bytes: Of all.
        copied_bytes: Of those that share no space with others.
        sums_sha256: Of the list of all files, hex.
    """

    files: int
    photos: int
    size_bytes: int
    copied_bytes: int
    sums_sha256: str

    def to_dict(self) -> dict[str, Any]:
        """As a snapshot names them."""
        return {
            "files": self.files,
            "photo_count": self.photos,
            "size_bytes": self.size_bytes,
            "copied_bytes": self.copied_bytes,
            "sums_sha256": self.sums_sha256,
        }


class SnapshotWriter(Protocol):
    """Takes the files of a snapshot in the making. For one thread."""

    @property
    def workspace(self) -> Path:
        """An empty folder of this host, for files that are about to be added."""
        ...

    def add(self, name: str, *, linked: bool = False) -> None:
        """Adds a file, which this takes from :attr:`workspace`.

        Args:
            name: Its path there, and in the snapshot.
            linked: Whether it shares its space with one of the server's.
        """
        ...

    def add_photos(
        self, photos: ImageStore, rows: Iterable[tuple[str, int]], *, link: bool
    ) -> Iterator[tuple[str, DataLossError | None]]:
        """Adds photos, and tells of each when it is done; of one that is lost, why it is not in the snapshot.

        Args:
            photos: Where they are.
            rows: SHA-256 and bytes of each, in the order of the former.
            link: Whether they may share their space with the server's.
        """
        ...

    def sealed(self) -> Tally:
        """What there is; nothing is added any more."""
        ...

    def finish(self, snapshot: Snapshot) -> None:
        """Makes a snapshot of what there is."""
        ...


class KeptSnapshot(Protocol):
    """A snapshot to be read."""

    @property
    def where(self) -> str:
        """Its folder or URL, for people."""
        ...

    @property
    def folder(self) -> Path | None:
        """Of this host; None if it is elsewhere."""
        ...

    def manifest(self) -> Snapshot:
        """What it says of itself.

        Raises:
            NotFoundError: If there is none.
            SnapshotError: If that is damaged.
            FailedPreconditionError: If it was made by a newer Steeple.
        """
        ...

    def sums(self, snapshot: Snapshot) -> AbstractContextManager[Iterator[tuple[str, str]]]:
        """Paths of all its files, and their SHA-256.

        Raises:
            SnapshotError: If the list is missing or damaged.
        """
        ...

    def damaged(
        self, sums: Iterable[tuple[str, str]], told: Callable[[int], None] = lambda _: None
    ) -> Iterator[tuple[str, str]]:
        """Files that are not as they were, and what is wrong with them.

        Args:
            sums: Their paths and SHA-256.
            told: Of the number of files looked at, now and then; may raise to end this.
        """
        ...

    def fetch(self, name: str, sha256: str, target: Path) -> str:
        """Puts a file into a place of its own on this host, or links it there if it never changes.

        Returns:
            What is wrong with it, if it is not fetched; empty: nothing, as far as this has looked.
        """
        ...

    def give_photo(self, name: str, sha256: str, photos: ImageStore) -> str:
        """Puts a photo into an image store, which need not have it; what is wrong with it, or nothing."""
        ...


class SnapshotPlace(Protocol):
    """Where the snapshots of a server are. A snapshot is there whole or not at all. Thread safe."""

    @property
    def where(self) -> str:
        """Folder or URL, for people."""
        ...

    @property
    def folder(self) -> Path | None:
        """Of this host; None if they are elsewhere."""
        ...

    @property
    def swept(self) -> bool:
        """Whether what deleted snapshots leave behind is to be removed by :meth:`sweep`."""
        ...

    def all(self) -> list[Snapshot]:
        """All snapshots, the latest first; of those that cannot be read, id and damage."""
        ...

    def get(self, snapshot_id: str) -> Snapshot:
        """A snapshot; of one that cannot be read, id and damage.

        Raises:
            NotFoundError: If there is none of that id.
        """
        ...

    def kept(self, snapshot_id: str) -> KeptSnapshot:
        """A snapshot's files, if it is there."""
        ...

    def delete(self, snapshot_id: str) -> None:
        """Deletes a snapshot, and nothing that another one has.

        Raises:
            NotFoundError: If there is none of that id.
            OSError: If its files cannot be deleted; it is no snapshot any more.
        """
        ...

    def prune(self, keep: int) -> list[str]:
        """Deletes all but the latest ``keep`` snapshots that can be read; the ids. 0 keeps all."""
        ...

    def sweep(self, told: Callable[[int], None] = lambda _: None, *, token: str = "") -> int:
        """Removes what belongs to no snapshot; the number of files.

        Args:
            told: Of the number of files looked at, now and then; may raise to end this.
            token: The same whenever this is called again because a process died in it; empty: one of its own.
        """
        ...

    def making(
        self, snapshot_id: str, waiting: Callable[[], None] = lambda: None
    ) -> AbstractContextManager[SnapshotWriter]:
        """Begins a snapshot, which there is once :meth:`SnapshotWriter.finish` was called and else not.

        Args:
            snapshot_id: Of it. If there is something of one whose making was interrupted, this takes its place.
            waiting: Called while others have to be waited for; may raise to end this.
        """
        ...
