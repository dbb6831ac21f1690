"""Writing to an upload."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from steeple.errors import DataLossError, FailedPreconditionError, InvalidArgumentError
from steeple.server.durable import errors_translated
from steeple.server.files import Growing, Part
from steeple.server.uploads.records import Upload
from steeple.server.uploads.store import UploadStore, taken_over

COMMITTED: Final = "committed_bytes"
"""Metadata of an error about a wrong offset: the right one, in decimal."""

_COMMIT_EVERY: Final = 8 << 20  # bytes: what a kill may cost to send again


class Writer:
    """Writes the bytes of an upload in their order; made by :meth:`Uploads.begin`.

    What was written since the last commit, and by an earlier writer without one, is written over. Of another writer on
    the same server, this is told at once; of one on another server, when it commits, which is every 8 MiB.

    Args:
        store: What is known of uploads.
        growing: Where the bytes go.
        upload: As it was taken.
        writer: Shows that this may write.
        closed: Is told when this writes no more; whether the upload became complete.
    """

    def __init__(
        self, store: UploadStore, growing: Growing, upload: Upload, writer: str, closed: Callable[[bool], None]
    ) -> None:
        self._store = store
        self._growing: Growing | None = growing
        self._upload = upload
        self._writer = writer
        self._closed = closed
        self._offset = upload.committed_bytes
        self._lock = threading.Lock()

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
            UnavailableError: If the storage cannot be reached; what was committed stays.
        """
        if offset < 0:
            raise InvalidArgumentError(f"offset must not be negative, not {offset}", field="offset")
        with self._lock, errors_translated("uploads"):
            growing, upload = self._opened(), self._upload
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
            growing.write(data)
            self._offset += len(data)
            if self._offset - upload.committed_bytes >= _COMMIT_EVERY:
                growing.commit(self._note)

    def end(self) -> Upload:
        """Commits what was written, checks the hash if that is all, and writes no more.

        Raises:
            DataLossError: If the hash is another than was announced: the upload begins anew.
            AbortedError: If another writer has begun.
            NotFoundError: If the upload was deleted.
            ResourceExhaustedError: If the disk is full; what was committed stays.
            UnavailableError: If the storage cannot be reached; what was committed stays.
        """
        with self._lock, errors_translated("uploads"):
            growing = self._opened()
            try:
                growing.commit(self._note)
                if self._upload.committed_bytes == self._upload.size_bytes:
                    self._complete(growing)
            finally:
                self._close()
            return self._upload

    def close(self) -> None:
        """Writes no more, once what is being written is. May be called again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        growing, self._growing = self._growing, None
        if growing is not None:
            growing.close()
            self._closed(self._upload.complete)

    def _opened(self) -> Growing:
        if self._growing is None:
            raise taken_over(self._store.get(self._upload.id).name)
        return self._growing

    def _note(self, committed_bytes: int, part: Part | None) -> None:
        self._upload = self._store.note(self._upload.id, self._writer, committed_bytes, part)

    def _complete(self, growing: Growing) -> None:
        upload = self._upload
        try:
            digest = growing.sha256()
        except FileNotFoundError:  # others have deleted what there was
            digest = ""
        if not digest or (upload.sha256 and digest != upload.sha256):
            self._upload = self._store.restart(upload.id, self._writer)
            growing.discard()
            raise DataLossError(
                f"what came of {upload.name} has the SHA-256 {digest}, not {upload.sha256} as announced; send it again"
                if digest
                else f"a part of {upload.name} is missing from the storage; send it again",
                resource=upload.name,
            )
        self._upload = self._store.complete(upload.id, self._writer, digest)
