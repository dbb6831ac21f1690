"""Files in object storage, or in whatever else fsspec knows, by their paths below a URL."""

from __future__ import annotations

import os
import posixpath
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import fsspec
from fsspec import AbstractFileSystem
from fsspec.utils import get_protocol

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.server.storage_errors import without_credentials

# Object stores show an object once all of it is there, and copy it to rename it.
_ATOMIC: Final = frozenset({"gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "memory"})
_S3: Final = frozenset({"s3", "s3a"})
_TIMES: Final = ("LastModified", "last_modified", "updated", "mtime", "created")
_ASIDE: Final = ".incoming"
_AUTHORITY: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(?P<user>[^/]*)@")


@dataclass(frozen=True)
class Stored:
    """A file in object storage.

    Attributes:
        path: Below the storage's URL.
        size: Bytes.
        sha256: Of its content, hex, where the storage has computed it itself; empty: that is not known.
        modify_time: When it was stored, UTC, by the storage's clock; None if that is not known.
    """

    path: str
    size: int
    sha256: str = ""
    modify_time: datetime | None = None


@dataclass(frozen=True)
class Patience:
    """How long object storage is waited for.

    Attributes:
        connect_seconds: For a connection.
        read_seconds: For the next bytes of an answer.
        attempts: Times that a request is made which was not answered, or answered with "try again".
        total_seconds: For all of it; more where much is sent.
    """

    connect_seconds: float = 3.0
    read_seconds: float = 5.0
    attempts: int = 3
    total_seconds: float = 20.0


PATIENCE: Final = Patience()
"""Of a server: callers are told before they give up themselves."""


class ObjectStorage:
    """Files by path, each of which is there whole or not at all. Thread safe.

    It raises what the drivers raise; see :func:`steeple.server.durable.errors_translated`. Nothing is remembered: what
    another process has stored is seen at once.

    Args:
        url: Where they are.
        files: The file system behind it.
        root: Its path of the URL.
    """

    def __init__(self, url: str, files: AbstractFileSystem, root: str) -> None:
        self.url = url
        self._files = files
        self._root = root.rstrip("/")
        protocols = files.protocol
        self._atomic = bool({protocols} & _ATOMIC if isinstance(protocols, str) else set(protocols) & _ATOMIC)

    def check(self) -> None:
        """Raises what any request would, were the place not there or not to be used. Changes nothing."""
        next(self.list("ff/"), None)

    def stat(self, path: str) -> Stored | None:
        """What is known of a file; None if it is not there."""
        self._files.invalidate_cache()
        try:
            found = self._files.info(self._full(path))
        except FileNotFoundError:
            return None
        return _stored(path, found) if found["type"] == "file" else None

    def get(self, path: str) -> bytes | None:
        """Content of a file; None if it is not there."""
        try:
            return bytes(self._files.cat_file(self._full(path)))
        except FileNotFoundError:
            return None

    def put(self, path: str, data: bytes, *, sha256: str) -> None:
        """Stores a file in the place of what is there.

        Args:
            path: Of the file.
            data: Its content.
            sha256: Of the content, hex: storage that can, refuses what arrives otherwise.
        """
        with self._whole(path) as place:
            self._files.pipe_file(place, data)

    def put_file(self, path: str, source: Path, *, sha256: str) -> None:
        """Stores a file of this machine, however large. Arguments as of :meth:`put`."""
        with self._whole(path) as place:
            self._files.put_file(os.fspath(source), place)

    def get_file(self, path: str, target: Path) -> bool:
        """Writes a file's content into a new file of this machine; whether it was there."""
        try:
            self._files.get_file(self._full(path), os.fspath(target))
        except FileNotFoundError:
            target.unlink(missing_ok=True)
            return False
        return True

    def copy_from(self, other: ObjectStorage, source: str, path: str) -> str | None:
        """Copies a file of another place without its content passing through here, where that can be.

        Args:
            other: Where it is.
            source: Its path there.
            path: Its path here.

        Returns:
            SHA-256, hex, that the storage found when it copied; empty: it does not tell. None: nothing was done, as the
            two places are not of the same kind.

        Raises:
            FileNotFoundError: If it is not there.
        """
        return None

    def delete(self, path: str) -> None:
        """Deletes a file, if it is there."""
        with suppress(FileNotFoundError):
            self._files.rm_file(self._full(path))

    def delete_all(self, paths: Iterable[str]) -> None:
        """Deletes files, those of them that are there."""
        for path in paths:
            self.delete(path)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """All files whose paths begin so, in the order of their paths.

        Args:
            prefix: Empty, or a folder with a slash at its end.
        """
        self._files.invalidate_cache()
        beginning = len(self._full(""))
        try:
            found = self._files.find(self._full(prefix).rstrip("/"), detail=True)
        except FileNotFoundError:
            return
        for path in sorted(found):
            yield _stored(path[beginning:], found[path])

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders in one.

        Args:
            prefix: That folder, with a slash at its end.
        """
        self._files.invalidate_cache()
        with suppress(FileNotFoundError):
            for found in self._files.ls(self._full(prefix).rstrip("/"), detail=True):
                if found["type"] == "directory":
                    yield posixpath.basename(found["name"].rstrip("/"))

    @contextmanager
    def _whole(self, path: str) -> Iterator[str]:
        """Where to write a file that is to appear in its place once it is written."""
        final = self._full(path)
        if self._atomic:
            yield final
            return
        aside = f"{self._root}/{_ASIDE}/{posixpath.basename(path)}.{secrets.token_hex(8)}"
        for folder in (posixpath.dirname(aside), posixpath.dirname(final)):
            self._files.makedirs(folder, exist_ok=True)
        yield aside
        self._files.mv(aside, final)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"


def _stored(path: str, found: Mapping[str, Any]) -> Stored:
    """What a driver tells of a file; each has a name of its own for its time."""
    times = (found[name] for name in _TIMES if name in found)
    time = next(times, None)
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    elif isinstance(time, int | float):
        time = datetime.fromtimestamp(time, UTC)
    return Stored(path, int(found["size"]), modify_time=time)


def open_storage(url: str, patience: Patience = PATIENCE) -> ObjectStorage:
    """What is behind a URL; nothing is asked of it yet. Arguments and errors as of :func:`open_file_system`."""
    files, root = open_file_system(url, patience)
    if get_protocol(url) in _S3:
        from steeple.server.s3 import S3Storage  # noqa: PLC0415 - its driver is an extra

        return S3Storage(url, files, root, patience)
    return ObjectStorage(url, files, root)


def open_file_system(url: str, patience: Patience = PATIENCE) -> tuple[AbstractFileSystem, str]:
    """The file system of a URL, which keeps no lists, and the path in it that the URL names.

    Args:
        url: That fsspec knows, such as ``s3://bucket/prefix``.
        patience: With S3.

    Raises:
        InvalidArgumentError: If it is no such URL, or has credentials in it.
        FailedPreconditionError: If its driver is not installed.
    """
    check_url(url)
    if is_s3 := get_protocol(url) in _S3:
        from steeple.server.s3 import options  # noqa: PLC0415 - as above

        wanted = options(patience)
    else:
        wanted = {}
    try:
        # Instances differ by the environment that they were made in, which fsspec does not see.
        files, root = fsspec.url_to_fs(url, skip_instance_cache=True, use_listings_cache=False, **wanted)
    except ValueError as error:
        raise InvalidArgumentError(f"{url!r} is not the URL of a place for files: {error}") from error
    except ImportError as error:
        remedy = "pip install 'steeple[s3]'" if is_s3 else "install it"
        raise FailedPreconditionError(f"the driver for {url!r} is not installed ({error}): {remedy}") from error
    if is_s3:
        files.retries = 1  # its own, around those of the client
        if not str(root).strip("/"):
            raise InvalidArgumentError(f"{url!r} names no bucket; such a URL reads s3://bucket/prefix")
    return files, str(root)


def is_url(place: str) -> bool:
    """Whether a place is a URL, and not a folder."""
    return "://" in place and not place.startswith(("file://", "local://"))


def check_url(url: str) -> str:
    """The URL, if it has no credentials in it, which would be shown with it.

    Raises:
        InvalidArgumentError: If it has.
    """
    authority = _AUTHORITY.match(url)
    # Of Azure's URLs, what stands before the @ is the name of a container.
    if authority and (":" in authority["user"] or get_protocol(url) in _S3):
        raise InvalidArgumentError(
            f"{without_credentials(url)!r} has credentials in it, which a URL must not have: it is shown in logs. Take "
            "them out; for S3, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or give the machine a "
            "role"
        )
    if get_protocol(url) in _S3 and "?" in url:
        raise InvalidArgumentError(f"{url.partition('?')[0]!r} must not be followed by a query, as in ?name=value")
    return url
