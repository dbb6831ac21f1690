"""S3, and what talks like it: as few requests as can be, each of which comes to an end."""

from __future__ import annotations

import base64
import binascii
import logging
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from fsspec import AbstractFileSystem

from steeple.server.object_storage import ObjectStorage, Patience, Stored, check_url
from steeple.server.storage_errors import code_of

_CONNECTIONS: Final = 64
"""At once: those of the threads that work on calls, and of a snapshot beside them."""

_PART: Final = 32 << 20
_MOST_PARTS: Final = 10_000
_PARTS_AT_ONCE: Final = 4
_BYTES_PER_SECOND: Final = 1 << 20  # of a line so slow that it is given up
_DELETED_AT_ONCE: Final = 1000
_LOGGERS: Final = ("botocore", "aiobotocore", "s3fs", "fsspec")
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def options(patience: Patience) -> dict[str, Any]:
    """What the driver of S3 is made with, so that no request takes for ever.

    Args:
        patience: With the server.

    Raises:
        InvalidArgumentError: If the endpoint's URL, which the environment gives, has credentials in it.
    """
    for name in _ENDPOINTS:
        check_url(os.environ.get(name, ""))
    # At DEBUG these would log the headers of requests, and with them the tokens of temporary credentials.
    for name in _LOGGERS:
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(logging.INFO)
    return {
        "config_kwargs": {
            "connect_timeout": patience.connect_seconds,
            "read_timeout": patience.read_seconds,
            "retries": {"total_max_attempts": patience.attempts, "mode": "standard"},
            "max_pool_connections": _CONNECTIONS,
        }
    }


class S3Storage(ObjectStorage):
    """Files in a bucket, or below a prefix of it.

    Credentials, region and endpoint are found as AWS's own tools find them: environment, profiles, the machine's role.

    Args:
        url: ``s3://bucket`` or ``s3://bucket/prefix``.
        files: Of s3fs, made with :func:`options`.
        root: Bucket and prefix.
        patience: With the server.
    """

    def __init__(self, url: str, files: AbstractFileSystem, root: str, patience: Patience) -> None:
        super().__init__(url, files, root.strip("/"))
        self._bucket, _, prefix = root.strip("/").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._patience = patience

    def check(self) -> None:
        """As said of :class:`ObjectStorage`: whether it can be listed."""
        self._call("list_objects_v2", Prefix=self._prefix, MaxKeys=1)

    def stat(self, path: str) -> Stored | None:
        """By one request."""
        try:
            found = self._call("head_object", Key=self._key(path), ChecksumMode="ENABLED")
        except FileNotFoundError:
            return None
        return Stored(path, int(found["ContentLength"]), _sha256(found), found.get("LastModified"))

    def get(self, path: str) -> bytes | None:
        """By one request."""
        try:
            # One at a time: of several at once, the driver would ask for the size first.
            found = self._files.cat_file(self._full(path), max_concurrency=1, timeout=self._patience.total_seconds)
        except FileNotFoundError as error:
            _check_bucket(error)
            return None
        return bytes(found)

    def put(self, path: str, data: bytes, *, sha256: str) -> None:
        """By one request. S3 refuses what arrives with another SHA-256, and keeps it beside the object."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        self._call(
            "put_object",
            sends=len(data),
            Key=self._key(path),
            Body=data,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum,
        )

    def put_file(self, path: str, source: Path, *, sha256: str) -> None:
        """By one request if it is small, else in parts, with a checksum of each."""
        size = source.stat().st_size
        if size <= 2 * _PART:
            self.put(path, source.read_bytes(), sha256=sha256)
            return
        self._files.put_file(
            os.fspath(source),
            self._full(path),
            chunksize=max(_PART, -(-size // _MOST_PARTS)),
            max_concurrency=_PARTS_AT_ONCE,
            timeout=self._seconds(size),
        )
        there = self.stat(path)
        if there is None or there.size != size:
            raise OSError(f"{path} was not stored whole")

    def get_file(self, path: str, target: Path) -> bool:
        """By one request; what is broken off is gone on with."""
        try:
            self._files.get_file(self._full(path), os.fspath(target), max_concurrency=1)
        except FileNotFoundError as error:
            _check_bucket(error)
            target.unlink(missing_ok=True)
            return False
        return True

    def copy_from(self, other: ObjectStorage, source: str, path: str) -> str | None:
        """By one request, on the server, which says what SHA-256 it found where it can compute one."""
        if not isinstance(other, S3Storage):
            return None
        try:
            done = self._call(
                "copy_object",
                Key=self._key(path),
                CopySource={"Bucket": other._bucket, "Key": other._key(source)},
                ChecksumAlgorithm="SHA256",
            )
        except FileNotFoundError as error:
            _check_bucket(error)
            raise
        return _sha256(done.get("CopyObjectResult", {}))

    def delete(self, path: str) -> None:
        """By one request."""
        self._call("delete_object", Key=self._key(path))

    def delete_all(self, paths: Iterable[str]) -> None:
        """By one request a thousand."""
        more = iter(paths)
        while some := list(islice(more, _DELETED_AT_ONCE)):
            objects = [{"Key": self._key(path)} for path in some]
            done = self._call("delete_objects", Delete={"Objects": objects, "Quiet": True})
            if failed := done.get("Errors"):
                raise _answered(failed[0])

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """By one request a thousand: they are not all in memory."""
        for page in self._pages(Prefix=self._key(prefix)):
            for found in page.get("Contents", ()):
                path = found["Key"][len(self._prefix) :]
                yield Stored(path, int(found["Size"]), modify_time=found.get("LastModified"))

    def folders(self, prefix: str) -> Iterator[str]:
        """By one request a thousand."""
        for page in self._pages(Prefix=self._key(prefix), Delimiter="/"):
            for found in page.get("CommonPrefixes", ()):
                yield found["Prefix"][len(self._key(prefix)) :].rstrip("/")

    def _pages(self, **asked: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - the driver's
        while True:
            page = self._call("list_objects_v2", **asked)
            yield page
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def _call(self, method: str, *, sends: int = 0, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - the driver's
        seconds = self._seconds(sends)
        answer: dict[str, Any] = self._files.call_s3(method, Bucket=self._bucket, timeout=seconds, **asked)
        return answer

    def _seconds(self, size: int) -> float:
        """That sending so many bytes may take. Nothing else ends it when the server does not take them."""
        return self._patience.total_seconds + size / _BYTES_PER_SECOND

    def _key(self, path: str) -> str:
        return self._prefix + path


def _check_bucket(error: FileNotFoundError) -> None:
    """Raises the error if it is not the file, but the bucket that is not there."""
    if code_of(error) == "NoSuchBucket":
        raise error


def _sha256(answer: dict[str, Any]) -> str:
    """SHA-256 of a whole object, hex, if the answer tells it."""
    if answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return ""
    try:
        digest = base64.b64decode(answer.get("ChecksumSHA256", ""), validate=True)
    except (binascii.Error, TypeError):  # of the checksums of its parts: "...=-3"
        return ""
    return digest.hex() if len(digest) == 32 else ""


def _answered(failed: dict[str, Any]) -> Exception:
    """What was refused of a request that as such was not, as an error of the driver's."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the driver has it

    error: Exception = ClientError({"Error": failed}, "DeleteObjects")
    return error
