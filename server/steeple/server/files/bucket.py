"""Files in object storage."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fsspec.utils import get_protocol

from steeple.server.durable import sha256_of
from steeple.server.files.kinds import Part, StoredFile
from steeple.server.files.reading import PartReader
from steeple.server.object_storage import PATIENCE, ObjectStorage, Patience, open_file_system
from steeple.server.storage_errors import code_of


class Bucket:
    """Object storage behind a URL, opened once for all that is kept there.

    Args:
        url: Of fsspec, such as ``s3://bucket/prefix``.
        patience: With S3.

    Raises:
        InvalidArgumentError: If it is no such URL, or has credentials in it.
        FailedPreconditionError: If its driver is not installed.
    """

    def __init__(self, url: str, patience: Patience = PATIENCE) -> None:
        self._files, self._root = open_file_system(url, patience)
        self._timeout: dict[str, Any] = {}
        if get_protocol(url) in {"s3", "s3a"}:
            from steeple.server.s3 import S3Storage  # noqa: PLC0415 - its driver is an extra

            self.storage: ObjectStorage = S3Storage(url, self._files, self._root, patience)
            self._timeout = {"timeout": patience.total_seconds}
        else:
            self.storage = ObjectStorage(url, self._files, self._root)

    def read(self, path: str, start: int, end: int) -> bytes:
        """Bytes of a file.

        Raises:
            FileNotFoundError: If there is none.
        """
        try:
            return bytes(self._files.cat_file(f"{self._root}/{path}", start=start, end=end, **self._timeout))
        except FileNotFoundError as error:
            if code_of(error) == "NoSuchBucket":
                raise OSError("there is no such bucket") from error
            raise


class BucketFiles:
    """Files below a prefix of object storage; of :class:`~steeple.server.files.FileStore` all but growing.

    Args:
        bucket: The storage.
        prefix: Of their paths in it, without a slash at its end.
    """

    folder = None

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket = bucket
        self._storage = bucket.storage
        self._prefix = f"{prefix}/"

    def put(self, name: str, data: bytes, *, lasting: bool = True) -> None:
        """Stores a file; it always stays."""
        self._storage.put(self._prefix + name, data, sha256=hashlib.sha256(data).hexdigest())

    def put_file(self, name: str, path: Path, *, sha256: str = "") -> None:
        """Copies a file of this host, and deletes it there."""
        self._storage.put_file(self._prefix + name, path, sha256=sha256 or sha256_of(path))
        path.unlink()

    def open(self, name: str) -> io.RawIOBase:
        """A file."""
        size = self.size(name)
        if size is None:
            raise FileNotFoundError(name)
        return PartReader(self.read, [Part(0, size, name)])

    def read(self, name: str, start: int, end: int) -> bytes:
        """Bytes of a file."""
        return self._bucket.read(self._prefix + name, start, end)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None: there is none."""
        found = self._storage.stat(self._prefix + name)
        return None if found is None else found.size

    def delete(self, names: Iterable[str]) -> None:
        """Deletes files."""
        self._storage.delete_all(self._prefix + name for name in names)

    def delete_folder(self, name: str) -> None:
        """Deletes all files of a folder."""
        self.delete([file.name for file in self.listed(name)])

    def listed(self, folder: str = "") -> Sequence[StoredFile]:
        """All files."""
        found = self._storage.list(f"{self._prefix}{folder}/" if folder else self._prefix)
        start, now = len(self._prefix), datetime.now(UTC)  # where no time is told, none is taken for old
        return [StoredFile(file.path[start:], file.size, file.modify_time or now) for file in found]
