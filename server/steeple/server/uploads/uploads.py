"""Uploads: durable, resumable through any server of a catalogue, bounded."""

from __future__ import annotations

import io
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from steeple.errors import DataLossError, ResourceExhaustedError, SteepleError
from steeple.server.catalogue import pages
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.records import Page
from steeple.server.durable import errors_translated
from steeple.server.files import FileStore
from steeple.server.logs import facts
from steeple.server.uploads import older, records
from steeple.server.uploads.copies import UploadCopies
from steeple.server.uploads.records import Upload
from steeple.server.uploads.store import UploadStore
from steeple.server.uploads.writer import Writer

log = logging.getLogger(__name__)

_COLLECTION: Final = "uploads"
_SPARE: Final = 64 << 20  # bytes of the disk that uploads leave free: the catalogue needs some as well
_TURNS: Final = 16
_ABANDONED: Final = timedelta(days=1)
_SWEEP_SECONDS: Final = 24 * 3600.0


class Uploads:
    """Files sent by callers. Blocking, and thread safe.

    What is known of them is in the catalogue's database, and their bytes are in files, each upload's in a folder named
    by its id. Bytes count once the database says so: what is committed survives ``kill -9`` and a power cut, and is
    seen by every server.

    Args:
        database: The catalogue's.
        files: Where the bytes are.
        copies: Folder for copies of uploads that are not on this host, while they are used.
        max_bytes: Of all of them together, as announced.
        clock: The time, UTC.
        max_count: Of uploads: each is a folder, however few its bytes.

    Raises:
        SteepleError: If the database or the folder cannot be read.
    """

    def __init__(
        self,
        database: Database,
        files: FileStore,
        copies: Path,
        max_bytes: int,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        max_count: int = 1000,
    ) -> None:
        self._store = UploadStore(database, clock)
        self._alone = database.is_sqlite
        self._files = files
        self._copies = UploadCopies(copies)
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._clock = clock
        self._turns = tuple(threading.Lock() for _ in range(_TURNS))  # who begins to write, or deletes
        self._lock = threading.Lock()  # guards the dictionary
        self._writers: dict[str, Writer] = {}
        self._sweep_due = time.monotonic()
        with errors_translated(_COLLECTION):
            self._settle()

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

        def check_room(count: int, announced: int, committed: int) -> None:
            self._check_room(size_bytes, count, announced, committed)

        return self._store.create(file_name, size_bytes, sha256, request_id, check_room)

    def begin(self, upload_id: str) -> Writer:
        """What writes to an upload from now on; an earlier writer, of whichever server, may not any more.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If it is complete.
        """
        with self._turn(upload_id), errors_translated(_COLLECTION):
            upload, parts, token = self._store.take(upload_id)
            self._close_writer(upload_id)
            growing = self._files.grow(_content(upload_id), upload.committed_bytes, parts)
            if growing.size_bytes != upload.committed_bytes:
                log.error("what came of an upload is lost; it begins anew", extra=facts(upload=upload_id))
                upload = self._store.restart(upload_id, token)

            def closed(complete: bool) -> None:
                with self._lock:
                    if self._writers.get(upload_id) is writer:
                        del self._writers[upload_id]
                if complete:
                    self._clear(upload_id)

            writer = Writer(self._store, growing, upload, token, closed)
            with self._lock:
                self._writers[upload_id] = writer
            return writer

    def get(self, upload_id: str) -> Upload:
        """An upload.

        Raises:
            NotFoundError: If there is none of that id.
        """
        return self._store.get(upload_id)

    def list(self, page_size: int = pages.DEFAULT_PAGE_SIZE, page_token: str = "") -> Page[Upload]:
        """A page of uploads, the latest first. A size of 0 stands for 50, more than 1000 for 1000.

        Raises:
            InvalidArgumentError: If the page size is negative, or the token of another list.
        """
        return self._store.list(page_size, page_token)

    def held(self) -> tuple[int, int]:
        """Bytes of all uploads that are there, and their number."""
        return self._store.held()

    def use(self, upload_id: str) -> Upload:
        """A complete upload, which is kept for 7 more days.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If it is not complete.
        """
        return self._store.use(upload_id)

    @contextmanager
    def opened(self, upload_id: str) -> Iterator[Path | io.RawIOBase]:
        """A complete upload, to look into it: its file, or what reads it from elsewhere. It is kept for 7 more days.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If it is not complete.
            DataLossError: If it is missing.
        """
        upload = self._store.use(upload_id)
        path = self._here(upload)
        if path is not None:
            yield path
        else:
            with self._read(upload) as file:
                yield file

    @contextmanager
    def local(self, upload_id: str, check: Callable[[], None] = lambda: None) -> Iterator[Path]:
        """The file of a complete upload on this host, maybe a copy that goes afterwards. It is kept for 7 more days.

        Args:
            upload_id: Which.
            check: Called now and then while it is copied; may raise.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If it is not complete.
            DataLossError: If it is missing or damaged.
            ResourceExhaustedError: If the disk has no room for a copy.
        """
        upload = self._store.use(upload_id)
        path = self._here(upload)
        if path is not None:
            yield path
            return
        with self._copied(upload, check) as copy:
            yield copy

    def delete(self, upload_id: str) -> None:
        """Deletes an upload, whoever writes to it.

        Raises:
            NotFoundError: If there is none of that id.
        """
        with self._turn(upload_id), errors_translated(_COLLECTION):
            self._store.get(upload_id)
            self._close_writer(upload_id)
            self._files.delete_folder(upload_id)
            self._store.delete(upload_id)

    def purge(self, now: datetime | None = None) -> None:
        """Deletes what has expired and, once a day, files in shared storage that belong to no upload."""
        now = now or self._clock()
        for upload_id in self._store.expired(now):
            with self._turn(upload_id), errors_translated(_COLLECTION):
                if self._store.delete(upload_id, expired_by=now):
                    self._close_writer(upload_id)
                    self._files.delete_folder(upload_id)  # if that fails, the next start or sweep does it
                    log.info("an upload expired", extra=facts(upload=upload_id))
        if self._files.shared and time.monotonic() >= self._sweep_due:
            self._sweep_due = time.monotonic() + _SWEEP_SECONDS
            self.sweep()

    def sweep(self) -> int:
        """Deletes files in shared storage that no upload has, and that nobody is just writing; how many."""
        with errors_translated(_COLLECTION):
            files = self._files.listed()
            # Read after the files: an upload is known before it has any.
            known, parts = {upload.id for upload, _ in self._store.all()}, self._store.part_names()
            old = datetime.now(UTC) - _ABANDONED
            strangers = [
                file.name
                for file in files
                if file.name not in parts and (file.name.partition("/")[0] not in known or file.change_time < old)
            ]
            self._files.delete(strangers)
        if strangers:
            log.info("files that no upload has are deleted", extra=facts(files=len(strangers)))
        return len(strangers)

    def _settle(self) -> None:
        """Makes one of what a server before this one has left: the database and the files."""
        if not self._files.shared and self._files.folder is not None and self._files.folder.is_dir():
            older.adopt(self._files.folder, self._store)
        known = set()
        for upload, size in self._store.all():
            there = size if self._files.shared else self._files.size(_content(upload.id)) or 0
            # As after a restore, or where they were kept elsewhere before; unless another server may have it.
            if there < upload.committed_bytes and (self._files.shared or self._alone):
                log.error("what came of an upload is lost; it is deleted", extra=facts(upload=upload.id))
                self._store.delete(upload.id)
            else:
                known.add(upload.id)
        if not self._files.shared and self._files.folder is not None and self._files.folder.is_dir():
            for folder in self._files.folder.iterdir():
                if folder.name not in known:
                    shutil.rmtree(folder, ignore_errors=True)

    def _turn(self, upload_id: str) -> AbstractContextManager[bool]:
        return self._turns[hash(upload_id) % _TURNS]

    def _close_writer(self, upload_id: str) -> None:
        with self._lock:
            writer = self._writers.pop(upload_id, None)
        if writer is not None:
            writer.close()

    def _clear(self, upload_id: str) -> None:
        """Deletes what earlier writers have left of an upload that is complete."""
        if not self._files.shared:
            return
        try:
            with errors_translated(_COLLECTION):
                files = self._files.listed(upload_id)
                parts = {part.name for part in self._store.parts(upload_id)}
                self._files.delete([file.name for file in files if file.name not in parts])
        except SteepleError as error:  # the next sweep does it
            log.warning("parts of an upload that are not used stay", extra=facts(upload=upload_id, error=error))

    def _here(self, upload: Upload) -> Path | None:
        """The file of an upload, if it is on this host."""
        path = self._files.path(_content(upload.id))
        if path is not None:
            with errors_translated(_COLLECTION):
                if self._files.size(_content(upload.id)) != upload.size_bytes:
                    raise DataLossError(f"{upload.name} is missing or damaged; send it again", resource=upload.name)
        return path

    def _read(self, upload: Upload) -> io.RawIOBase:
        return self._files.open_parts(_content(upload.id), self._store.parts(upload.id))

    @contextmanager
    def _copied(self, upload: Upload, check: Callable[[], None]) -> Iterator[Path]:
        copy = self._copies.of(upload, lambda: self._read(upload), check)
        with errors_translated(_COLLECTION):
            path = copy.__enter__()
        try:
            yield path
        finally:
            copy.__exit__(None, None, None)

    def _check_room(self, size_bytes: int, count: int, announced: int, committed: int) -> None:
        if count >= self._max_count:
            raise ResourceExhaustedError(
                f"there are {count} uploads, and no more are taken: delete those that nobody needs"
            )
        if announced + size_bytes > self._max_bytes:
            raise ResourceExhaustedError(
                f"{size_bytes} bytes do not fit: uploads may have {self._max_bytes} bytes together (max_upload_bytes), "
                f"and those that are there have {announced}; delete some, or set more"
            )
        if self._files.folder is None:
            return
        with errors_translated(_COLLECTION):
            self._files.folder.mkdir(parents=True, exist_ok=True)
            awaited, free = announced - committed, shutil.disk_usage(self._files.folder).free
        if awaited + size_bytes + _SPARE > free:
            raise ResourceExhaustedError(
                f"{size_bytes} bytes do not fit on the disk of the uploads: {free} bytes are free, and {awaited} are "
                "still to come of other uploads; make room"
            )


def _content(upload_id: str) -> str:
    """Name of the file of an upload."""
    return f"{upload_id}/content"
