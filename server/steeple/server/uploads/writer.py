"""Writing to an upload."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

from steeple.errors import AbortedError, DataLossError, FailedPreconditionError, InvalidArgumentError
from steeple.server.durable import errors_translated, sha256_of
from steeple.server.uploads.entry import Entry
from steeple.server.uploads.records import Upload

COMMITTED: Final = "committed_bytes"
"""Metadata of an error about a wrong offset: the right one, in decimal."""

_COMMIT_EVERY: Final = 8 << 20  # bytes: what a kill may cost to send again


class Writer:
    """Writes the bytes of an upload in their order; made by :meth:`Uploads.begin`.

    What was written since the last commit, and by an earlier writer without one, is written over.
    """

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._offset = entry.upload.committed_bytes
        self._file: int | None = os.open(entry.content, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.ftruncate(self._file, self._offset)

    def write(self, offset: int, data: bytes) -> None:
        """Writes the next bytes.

        Args:
            offset: Of the first of them in the file.
            data: They.

        Raises:
            FailedPreconditionError: If the offset is not where the bytes before end; :data:`COMMITTED` tells the right
                one.
            InvalidArgumentError: If there are more than were announced, or the offset is negative.
            AbortedError: If another writer has begun.
            NotFoundError: If the upload was deleted.
            ResourceExhaustedError: If the disk is full; what was committed stays.
        """
        if offset < 0:
            raise InvalidArgumentError(f"offset must not be negative, not {offset}", field="offset")
        with self._entry.lock, errors_translated("uploads"):
            file, upload = self._opened(), self._entry.upload
            if offset != self._offset:
                raise FailedPreconditionError(
                    f"the next byte of {upload.name} is at offset {self._offset}, not {offset}",
                    resource=upload.name,
                    **{COMMITTED: str(self._offset)},
                )
            if offset + len(data) > upload.size_bytes:
                raise InvalidArgumentError(
                    f"{upload.name} was announced with {upload.size_bytes} bytes, and these go on to byte "
                    f"{offset + len(data)}; make a new upload with the right size_bytes",
                    field="data",
                )
            try:
                _write_all(file, data, offset)
            except OSError:
                os.ftruncate(file, self._offset)
                raise
            self._offset += len(data)
            if self._offset - upload.committed_bytes >= _COMMIT_EVERY:
                self._commit(file)

    def end(self) -> Upload:
        """Commits what was written, checks the hash if that is all, and writes no more.

        Raises:
            DataLossError: If the hash is another than was announced: the upload begins anew.
            AbortedError: If another writer has begun.
            NotFoundError: If the upload was deleted.
            ResourceExhaustedError: If the disk is full; what was committed stays.
        """
        with self._entry.lock, errors_translated("uploads"):
            file = self._opened()
            try:
                self._commit(file)
                if self._entry.upload.committed_bytes == self._entry.upload.size_bytes:
                    self._complete(file)
            finally:
                self.close()
            return self._entry.upload

    def close(self) -> None:
        """Writes no more. May be called again; the lock of the entry is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _opened(self) -> int:
        self._entry.check_there()
        if self._file is None:
            name = self._entry.upload.name
            raise AbortedError(f"another call writes to {name} now", resource=name)
        return self._file

    def _commit(self, file: int) -> None:
        if self._offset != self._entry.upload.committed_bytes:
            os.fsync(file)
            self._entry.keep(replace(self._entry.upload, committed_bytes=self._offset))

    def _complete(self, file: int) -> None:
        upload, digest = self._entry.upload, sha256_of(self._entry.content)
        if upload.sha256 and digest != upload.sha256:
            self._entry.keep(replace(upload, committed_bytes=0))
            os.ftruncate(file, 0)
            raise DataLossError(
                f"what came of {upload.name} has the SHA-256 {digest}, not {upload.sha256} as announced; send it again",
                resource=upload.name,
            )
        self._entry.keep(replace(upload, sha256=digest, complete=True))


def _write_all(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written
