"""Uploads in a folder: durable, resumable, bounded."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from steeple.delf.durable import sync
from steeple.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
)
from steeple.server.catalogue import pages
from steeple.server.catalogue.ids import timed_id
from steeple.server.catalogue.records import Page
from steeple.server.catalogue.requests import Request
from steeple.server.durable import errors_translated
from steeple.server.logs import facts
from steeple.server.uploads import records
from steeple.server.uploads.entry import KEPT, Entry, not_found
from steeple.server.uploads.records import Upload
from steeple.server.uploads.writer import Writer

log = logging.getLogger(__name__)

_COLLECTION: Final = "uploads"
_SPARE: Final = 64 << 20  # bytes of the disk that uploads leave free: the catalogue needs some as well


class Uploads:
    """Files sent by callers, each in a folder named by its id. Blocking, and thread safe.

    What is committed is on the disk: it survives ``kill -9`` and a power cut. One process at a time may use the folder.

    Args:
        folder: Where they are kept; made when the first one comes.
        max_bytes: Of all of them together, as announced.
        clock: The time, UTC.
        max_count: Of uploads: each is a folder, however few its bytes.

    Raises:
        SteepleError: If the folder cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        max_count: int = 1000,
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._clock = clock
        self._lock = threading.Lock()  # of the dictionary; never held while bytes are written
        with errors_translated(_COLLECTION):
            self._entries = self._read()

    def create(self, file_name: str, size_bytes: int, sha256: str = "", *, request_id: str = "") -> Upload:
        """Begins an upload.

        Args:
            file_name: For people.
            size_bytes: Of the whole file, at least 1.
            sha256: Of the whole file, hex; empty: not known.
            request_id: A repeat gets the upload that the first request made.

        Raises:
            InvalidArgumentError: If an argument cannot be, or the request id was used with others.
            ResourceExhaustedError: If it does not fit, by the quota or by the disk, or there are too many.
        """
        records.check(file_name, size_bytes, sha256)
        request = Request.of("CreateUpload", request_id, {})
        with self._lock:
            if request.request_id and (found := self._of_request(request.request_id)) is not None:
                if (found.file_name, found.size_bytes) != (file_name, size_bytes):
                    raise InvalidArgumentError(
                        f"request_id {request.request_id} was used before with other content; make a new UUID for each "
                        "request",
                        field="request_id",
                    )
                return found
            self._check_room(size_bytes)
            now = self._clock()
            upload = Upload(timed_id(now), file_name, size_bytes, sha256, 0, False, now, now + KEPT, request.request_id)
            with errors_translated(_COLLECTION):
                self._make(upload)
            self._entries[upload.id] = self._new(upload)
        return upload

    def begin(self, upload_id: str) -> Writer:
        """What writes to an upload from now on; an earlier writer may not any more.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If it is complete.
        """
        entry = self._entry(upload_id)
        with entry.lock, errors_translated(_COLLECTION):
            entry.check_there()
            if entry.upload.complete:
                raise FailedPreconditionError(
                    f"{entry.upload.name} is complete: nothing is to be written any more", resource=entry.upload.name
                )
            entry.close_writer()
            writer = Writer(entry)
            entry.close_writer = writer.close
            return writer

    def get(self, upload_id: str) -> Upload:
        """An upload.

        Raises:
            NotFoundError: If there is none of that id.
        """
        return self._entry(upload_id).upload

    def list(self, page_size: int = pages.DEFAULT_PAGE_SIZE, page_token: str = "") -> Page[Upload]:
        """A page of uploads, the latest first. A size of 0 stands for 50, more than 1000 for 1000.

        Raises:
            InvalidArgumentError: If the page size is negative, or the token of another list.
        """
        size, last = pages.check_page_size(page_size), pages.last_id(_COLLECTION, page_token)
        with self._lock:
            found = sorted((entry.upload for entry in self._entries.values()), key=lambda each: each.id, reverse=True)
        after = [upload for upload in found if not last or upload.id < last]
        return pages.page_by_id(after, size, _COLLECTION, len(found))

    def held(self) -> tuple[int, int]:
        """Bytes of all uploads that are there, and their number."""
        with self._lock:
            return sum(entry.upload.committed_bytes for entry in self._entries.values()), len(self._entries)

    def path(self, upload_id: str) -> Path:
        """The file of a complete upload, which is kept for 7 more days.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If it is not complete.
        """
        entry = self._entry(upload_id)
        with entry.lock, errors_translated(_COLLECTION):
            entry.check_there()
            upload = entry.upload
            if not upload.complete:
                raise FailedPreconditionError(
                    f"{upload.name} is not complete: {upload.committed_bytes} of {upload.size_bytes} bytes are there",
                    resource=upload.name,
                )
            entry.keep(upload)
        return entry.content

    def delete(self, upload_id: str) -> None:
        """Deletes an upload, whoever writes to it.

        Raises:
            NotFoundError: If there is none of that id.
        """
        entry = self._entry(upload_id)
        with entry.lock, errors_translated(_COLLECTION):
            entry.check_there()
            self._remove(entry)

    def purge(self, now: datetime | None = None) -> None:
        """Deletes what has expired."""
        now = now or self._clock()
        with self._lock:
            expired = [entry for entry in self._entries.values() if entry.upload.expire_time <= now]
        for entry in expired:
            with entry.lock, errors_translated(_COLLECTION):
                if not entry.gone and entry.upload.expire_time <= now:
                    self._remove(entry)
                    log.info("an upload expired", extra=facts(upload=entry.upload.id))

    def _entry(self, upload_id: str) -> Entry:
        with self._lock:
            entry = self._entries.get(upload_id)
        if entry is None:
            raise not_found(upload_id)
        return entry

    def _of_request(self, request_id: str) -> Upload | None:
        found = (entry.upload for entry in self._entries.values() if entry.upload.request_id == request_id)
        return next(found, None)

    def _check_room(self, size_bytes: int) -> None:
        if len(self._entries) >= self._max_count:
            raise ResourceExhaustedError(
                f"there are {len(self._entries)} uploads, and no more are taken: delete those that nobody needs"
            )
        held = sum(entry.upload.size_bytes for entry in self._entries.values())
        if held + size_bytes > self._max_bytes:
            raise ResourceExhaustedError(
                f"{size_bytes} bytes do not fit: uploads may have {self._max_bytes} bytes together (max_upload_bytes), "
                f"and those that are there have {held}; delete some, or set more"
            )
        with errors_translated(_COLLECTION):
            self._folder.mkdir(parents=True, exist_ok=True)
            awaited = sum(entry.upload.size_bytes - entry.upload.committed_bytes for entry in self._entries.values())
            free = shutil.disk_usage(self._folder).free
        if awaited + size_bytes + _SPARE > free:
            raise ResourceExhaustedError(
                f"{size_bytes} bytes do not fit on the disk of the uploads: {free} bytes are free, and {awaited} are "
                "still to come of other uploads; make room"
            )

    def _make(self, upload: Upload) -> None:
        folder = self._folder / upload.id
        try:
            folder.mkdir()
            records.save(folder, upload)
            sync(self._folder)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _remove(self, entry: Entry) -> None:
        entry.gone = True
        entry.close_writer()
        records.forget(entry.folder)
        shutil.rmtree(entry.folder)
        with self._lock:
            del self._entries[entry.upload.id]

    def _new(self, upload: Upload) -> Entry:
        return Entry(upload, self._folder / upload.id, self._clock)

    def _read(self) -> dict[str, Entry]:
        """The uploads that a server before this one has kept; what it was about to delete is deleted."""
        entries: dict[str, Entry] = {}
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            try:
                upload = records.load(folder)
            except ValueError as error:
                log.error("an upload cannot be read", extra=facts(folder=folder, error=error))
                continue
            if upload is None:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                entries[upload.id] = self._new(upload)
        return entries
