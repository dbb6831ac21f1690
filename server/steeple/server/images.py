"""Photos of reference images, stored under the hash of their bytes."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from steeple.delf.durable import sync
from steeple.errors import DataLossError, InvalidArgumentError, UnavailableError
from steeple.server.catalogue.limits import check_sha256
from steeple.server.durable import errors_translated
from steeple.server.logs import facts
from steeple.server.object_storage import PATIENCE, ObjectStorage, Patience, is_url, open_storage

log = logging.getLogger(__name__)

_WHAT: Final = "photos"

# Files under way lie here; what a crash leaves behind goes when the store is next opened, once it is this old.
_ASIDE: Final = ".incoming"
_ABANDONED_SECONDS: Final = 24 * 3600.0


class ImageStore:
    """A content-addressed store of photos in a folder or a bucket: ``ab/cd/abcd...``, named by SHA-256.

    Thread-safe. A photo is either there, whole and (in a local folder) on the disk, or not there: no crash leaves
    half of one.

    Args:
        url: A folder (``/var/lib/steeple/images`` or ``file:///...``) or anything fsspec knows (``s3://bucket/prefix``).
        patience: With object storage.

    Raises:
        InvalidArgumentError: If no file system goes by the URL's protocol, or it has credentials in it.
        FailedPreconditionError: If its driver is not installed, or the folder or bucket is not accessible. That a
            bucket cannot be reached just now is no error: only photos need it.
    """

    def __init__(self, url: str, patience: Patience = PATIENCE) -> None:
        if not url:
            raise InvalidArgumentError("the URL of the image store must not be empty; give a folder")
        self._storage: ObjectStorage | None = None
        self._root = Path()
        with errors_translated(_WHAT):
            if is_url(url):
                self._storage = open_storage(url, patience)
                self._look(url)
            else:
                self._root = Path(url.removeprefix("file://").removeprefix("local://")).expanduser().absolute()
                Path(self._root, _ASIDE).mkdir(parents=True, exist_ok=True)
                self._sweep()

    @property
    def folder(self) -> Path | None:
        """Where photos are on this host; None if they are elsewhere."""
        return self._root if self._storage is None else None

    @property
    def storage(self) -> ObjectStorage | None:
        """Where photos are, by :func:`photo_path`; None if they are in :attr:`folder`."""
        return self._storage

    def put(self, data: bytes) -> str:
        """Stores a photo, if it is not there whole already, and returns its SHA-256 in hex.

        Raises:
            ResourceExhaustedError: If the disk is full.
            FailedPreconditionError: If the folder is not accessible.
            UnavailableError: If the file system failed otherwise.
        """
        digest = hashlib.sha256(data).hexdigest()
        with errors_translated(_WHAT):
            if self._storage is not None:
                found = self._storage.stat(photo_path(digest))
                # Also where it is not known to be whole: to send it again is as much as to fetch it.
                if found is None or found.size != len(data) or found.sha256 != digest:
                    self._storage.put(photo_path(digest), data, sha256=digest)
            else:
                if self._read(digest) != data:
                    self._put_local(digest, data)
                # Also if it was there: whoever stored it may not have come this far yet, or may have died before.
                self._sync_names(digest)
        return digest

    def get(self, sha256: str) -> bytes:
        """The photo of that hash.

        Raises:
            InvalidArgumentError: If it is not a SHA-256 in hex.
            DataLossError: If the photo is missing or its bytes have another hash.
            FailedPreconditionError: If the folder is not accessible.
            UnavailableError: If the file system failed otherwise.
        """
        check_sha256(sha256)
        with errors_translated(_WHAT):
            data = self._read(sha256)
        if data is None:
            raise DataLossError(f"photo {sha256} is missing from the image store; restore it from a backup")
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DataLossError(f"photo {sha256} in the image store is damaged; restore it from a backup")
        return data

    def copy_to(self, sha256: str, target: Path, *, link: bool) -> bool:
        """Gives the photo of that hash a second name on this machine, or copies it there and checks the copy's bytes.

        Args:
            sha256: Of the photo.
            target: The new name; its folder is made.
            link: Whether it may share its space with the store's.

        Returns:
            Whether it does.

        Raises:
            DataLossError: If the photo is missing or, where it is copied, its bytes have another hash.
            FailedPreconditionError: If a folder is not accessible.
            ResourceExhaustedError: If the disk is full.
            UnavailableError: If the file system failed otherwise.
        """
        check_sha256(sha256)
        if link and self._storage is None:
            with errors_translated(_WHAT):
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(self._path(sha256), target)
                except OSError:  # it is missing, on another file system, or on one without links
                    pass
                else:
                    return True
        data = self.get(sha256)
        with errors_translated(_WHAT):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        return False

    def exists(self, sha256: str) -> bool:
        """Whether the photo of that hash is there (its bytes are not read).

        Raises:
            InvalidArgumentError: If it is not a SHA-256 in hex.
        """
        check_sha256(sha256)
        with errors_translated(_WHAT):
            if self._storage is not None:
                return self._storage.stat(photo_path(sha256)) is not None
            return self._path(sha256).is_file()

    def is_whole(self, sha256: str) -> bool:
        """Whether the photo of that hash is there and known to be whole; object storage may not tell.

        Raises:
            InvalidArgumentError: If it is not a SHA-256 in hex.
        """
        check_sha256(sha256)
        with errors_translated(_WHAT):
            if self._storage is not None:
                found = self._storage.stat(photo_path(sha256))
                return found is not None and found.sha256 == sha256
            data = self._read(sha256)
        return data is not None and hashlib.sha256(data).hexdigest() == sha256

    def delete(self, sha256: str) -> None:
        """Deletes the photo of that hash, if it is there.

        Raises:
            InvalidArgumentError: If it is not a SHA-256 in hex.
            FailedPreconditionError: If the folder is not accessible.
            UnavailableError: If the file system failed otherwise.
        """
        check_sha256(sha256)
        with errors_translated(_WHAT):
            if self._storage is not None:
                self._storage.delete(photo_path(sha256))
            else:
                self._path(sha256).unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        """The SHA-256 of every stored photo, in order: what the catalogue does not use may be deleted.

        Raises:
            FailedPreconditionError: If the folder is not accessible.
            UnavailableError: If the file system failed otherwise.
        """
        with errors_translated(_WHAT):
            for name in self._names():
                try:
                    check_sha256(name)
                except InvalidArgumentError:
                    continue  # a file under way, or a stranger's
                yield name

    def _names(self) -> Iterator[str]:
        if self._storage is not None:
            yield from (stored.path.rpartition("/")[2] for stored in self._storage.list())
            return
        for first in _listed(self._root):
            for second in _listed(self._root / first):
                yield from _listed(self._root / first / second)

    def _look(self, url: str) -> None:
        """Tells at the start what would otherwise be told when the first photo is stored."""
        if self._storage is None:
            return
        try:
            with errors_translated(_WHAT):
                self._storage.check()
        except UnavailableError as error:
            log.warning("the image store cannot be reached yet", extra=facts(images_url=url, reason=error.message))

    def _path(self, digest: str) -> Path:
        return self._root / photo_path(digest)

    def _read(self, digest: str) -> bytes | None:
        if self._storage is not None:
            return self._storage.get(photo_path(digest))
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            return None

    def _put_local(self, digest: str, data: bytes) -> None:
        final = self._path(digest)
        aside = Path(self._root, _ASIDE, f"{digest}.{secrets.token_hex(8)}")
        try:
            with aside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            final.parent.mkdir(parents=True, exist_ok=True)
            aside.replace(final)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise

    def _sync_names(self, digest: str) -> None:
        """Makes the name of a file last, and those of its two folders, which may be new."""
        folder = self._path(digest).parent
        for one in (folder, folder.parent, self._root):
            sync(one)

    def _sweep(self) -> None:
        oldest = time.time() - _ABANDONED_SECONDS
        for file in Path(self._root, _ASIDE).iterdir():
            with suppress(FileNotFoundError):  # another process may have finished it
                if file.stat().st_mtime < oldest:
                    file.unlink()


def photo_path(sha256: str) -> str:
    """Where the photo of that hash lies below the root of a store."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _listed(folder: Path) -> list[str]:
    """Names in a folder, in order; none if it is none, or has gone meanwhile."""
    try:
        return sorted(file.name for file in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
