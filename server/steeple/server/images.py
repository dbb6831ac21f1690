"""Photos of reference images, stored under the hash of their bytes."""

from __future__ import annotations

import hashlib
import os
import posixpath
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import fsspec
from fsspec.implementations.local import LocalFileSystem

from steeple.delf.durable import sync
from steeple.errors import DataLossError, FailedPreconditionError, InvalidArgumentError
from steeple.server.catalogue.limits import check_sha256
from steeple.server.durable import errors_translated

_WHAT: Final = "photos"

# Files under way lie here; what a crash leaves behind goes when the store is next opened, once it is this old.
_ASIDE: Final = ".incoming"
_ABANDONED_SECONDS: Final = 24 * 3600.0

# Object stores show an object once all of it is there, and copy it to rename it.
_ATOMIC_PROTOCOLS: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "memory"})


class ImageStore:
    """A content-addressed store of photos in a folder or a bucket: ``ab/cd/abcd...``, named by SHA-256.

    Thread-safe. A photo is either there, whole and (in a local folder) on the disk, or not there: no crash leaves
    half of one.

    Args:
        url: A folder (``/var/lib/steeple/images`` or ``file:///...``) or anything fsspec knows (``s3://bucket/prefix``).

    Raises:
        InvalidArgumentError: If no file system goes by the URL's protocol.
        FailedPreconditionError: If its driver is not installed or the folder is not accessible.
    """

    def __init__(self, url: str) -> None:
        if not url:
            raise InvalidArgumentError("the URL of the image store must not be empty; give a folder")
        try:
            self._files, root = fsspec.url_to_fs(url)
        except ValueError as error:
            raise InvalidArgumentError(f"{url!r} is not the URL of an image store: {error}") from error
        except ImportError as error:
            raise FailedPreconditionError(f"the driver for {url!r} is not installed: {error}") from error
        self._root = str(root).rstrip("/")
        self._local = isinstance(self._files, LocalFileSystem)
        protocols = self._files.protocol
        names = {protocols} if isinstance(protocols, str) else set(protocols)
        self._atomic = bool(names & _ATOMIC_PROTOCOLS)
        with errors_translated(_WHAT):
            if self._local:
                Path(self._root, _ASIDE).mkdir(parents=True, exist_ok=True)
                self._sweep()

    @property
    def folder(self) -> Path | None:
        """Where photos are on this host; None if they are elsewhere."""
        return Path(self._root) if self._local else None

    def put(self, data: bytes) -> str:
        """Stores a photo, if it is not there whole already, and returns its SHA-256 in hex.

        Raises:
            ResourceExhaustedError: If the disk is full.
            FailedPreconditionError: If the folder is not accessible.
            UnavailableError: If the file system failed otherwise.
        """
        digest = hashlib.sha256(data).hexdigest()
        with errors_translated(_WHAT):
            whole = self._read(digest) == data
            if self._local:
                if not whole:
                    self._put_local(digest, data)
                # Also if it was there: whoever stored it may not have come this far yet, or may have died before.
                self._sync_names(digest)
            elif whole:
                pass
            elif self._atomic:
                self._files.pipe_file(self._path(digest), data)
            else:
                self._put_aside(digest, data)
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
        if link and self._local:
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
            return bool(self._files.isfile(self._path(sha256)))

    def delete(self, sha256: str) -> None:
        """Deletes the photo of that hash, if it is there.

        Raises:
            InvalidArgumentError: If it is not a SHA-256 in hex.
            FailedPreconditionError: If the folder is not accessible.
            UnavailableError: If the file system failed otherwise.
        """
        check_sha256(sha256)
        with errors_translated(_WHAT):
            try:
                self._files.rm_file(self._path(sha256))
            except FileNotFoundError:
                return
            self._files.invalidate_cache()

    def digests(self) -> Iterator[str]:
        """The SHA-256 of every stored photo, in order: what the catalogue does not use may be deleted."""
        with errors_translated(_WHAT):
            self._files.invalidate_cache()
            names = sorted(posixpath.basename(path) for path in self._files.find(self._root))
        for name in names:
            try:
                yield check_sha256(name)
            except InvalidArgumentError:
                continue  # a file under way, or a stranger's

    def _path(self, digest: str) -> str:
        return f"{self._root}/{digest[:2]}/{digest[2:4]}/{digest}"

    def _read(self, digest: str) -> bytes | None:
        try:
            return bytes(self._files.cat_file(self._path(digest)))
        except FileNotFoundError:
            return None

    def _put_local(self, digest: str, data: bytes) -> None:
        final = Path(self._path(digest))
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
        folder = Path(self._path(digest)).parent
        for one in (folder, folder.parent, Path(self._root)):
            sync(one)

    def _put_aside(self, digest: str, data: bytes) -> None:
        aside = f"{self._root}/{_ASIDE}/{digest}.{secrets.token_hex(8)}"
        final = self._path(digest)
        self._files.makedirs(posixpath.dirname(aside), exist_ok=True)
        self._files.makedirs(posixpath.dirname(final), exist_ok=True)
        self._files.pipe_file(aside, data)
        self._files.mv(aside, final)

    def _sweep(self) -> None:
        oldest = time.time() - _ABANDONED_SECONDS
        for file in Path(self._root, _ASIDE).iterdir():
            with suppress(FileNotFoundError):  # another process may have finished it
                if file.stat().st_mtime < oldest:
                    file.unlink()
