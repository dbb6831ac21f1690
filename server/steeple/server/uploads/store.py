"""What there is to know of uploads, in the catalogue's database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, RowMapping, func, insert, select

from steeple.errors import AbortedError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from steeple.server.catalogue import file_tables, pages
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.ids import timed_id
from steeple.server.catalogue.records import Page
from steeple.server.catalogue.requests import check_request_id
from steeple.server.files import Part
from steeple.server.uploads.records import Upload, upload_name

KEPT: Final = timedelta(days=7)
"""How long an upload is kept after it was last written or used."""

_TABLE: Final = file_tables.upload
_PART: Final = file_tables.upload_part
_COLLECTION: Final = "uploads"
_FIELDS: Final = [column for column in _TABLE.c if column.name != "writer"]


class UploadStore:
    """Uploads by id. Thread safe; every change is durable when its call returns, whichever server makes it.

    Args:
        database: The catalogue's.
        clock: The time, UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        file_name: str,
        size_bytes: int,
        sha256: str,
        request_id: str,
        check_room: Callable[[int, int, int], None],
    ) -> Upload:
        """Begins an upload.

        Args:
            file_name: For people.
            size_bytes: Of the whole file.
            sha256: Of the whole file, hex; empty: not known.
            request_id: A repeat gets the upload that the first request made.
            check_room: Is told the number of uploads, the bytes of all of them as announced, and how many of these
                have come. Raises if there is no room.

        Raises:
            InvalidArgumentError: If the request id is none, or was used with others.
        """
        request_id = check_request_id(request_id)
        with self._database.write() as connection:
            if request_id:
                found = connection.execute(select(*_FIELDS).where(_TABLE.c.request_id == request_id)).mappings().first()
                if found is not None:
                    return _repeated(_upload(found), file_name, size_bytes)
            check_room(*_held(connection))
            now = self._clock()
            upload = Upload(timed_id(now), file_name, size_bytes, sha256, 0, False, now, now + KEPT, request_id)
            self.add(connection, upload)
        return upload

    def add(self, connection: Connection, upload: Upload) -> None:
        """Adds an upload as it is."""
        connection.execute(insert(_TABLE).values(vars(upload)))

    def adopt(self, upload: Upload) -> bool:
        """Adds an upload that was known from a file until now; whether it was not known here yet."""
        with self._database.write() as connection:
            if _find(connection, upload.id) is not None:
                return False
            self.add(connection, upload)
            return True

    def get(self, upload_id: str) -> Upload:
        """An upload.

        Raises:
            NotFoundError: If there is none of that id.
        """
        with self._database.read() as connection:
            return _get(connection, upload_id)

    def list(self, page_size: int, page_token: str) -> Page[Upload]:
        """A page of uploads, the latest first."""
        size, last = pages.check_page_size(page_size), pages.last_id(_COLLECTION, page_token)
        query = select(*_FIELDS).order_by(_TABLE.c.id.desc()).limit(size + 1)
        if last:
            query = query.where(_TABLE.c.id < last)
        with self._database.read() as connection:
            found = [_upload(row) for row in connection.execute(query).mappings()]
            total = connection.execute(select(func.count()).select_from(_TABLE)).scalar_one()
        return pages.page_by_id(found, size, _COLLECTION, int(total))

    def all(self) -> Sequence[tuple[Upload, int]]:
        """All uploads, and how many bytes the parts of each have."""
        size = func.coalesce(func.sum(_PART.c.size_bytes), 0)
        sums = select(_PART.c.upload_id, size.label("size")).group_by(_PART.c.upload_id)
        with self._database.read() as connection:
            sizes = {row.upload_id: int(row.size) for row in connection.execute(sums)}
            rows = connection.execute(select(*_FIELDS).order_by(_TABLE.c.id)).mappings()
            return [(_upload(row), sizes.get(row["id"], 0)) for row in rows]

    def held(self) -> tuple[int, int]:
        """Bytes of all uploads that are there, and their number."""
        with self._database.read() as connection:
            count, _, committed = _held(connection)
            return committed, count

    def parts(self, upload_id: str) -> Sequence[Part]:
        """The files of an upload in shared storage, in their order."""
        with self._database.read() as connection:
            return _parts(connection, upload_id)

    def part_names(self) -> frozenset[str]:
        """Of the parts of all uploads."""
        with self._database.read() as connection:
            return frozenset(connection.execute(select(_PART.c.name)).scalars())

    def take(self, upload_id: str) -> tuple[Upload, Sequence[Part], str]:
        """Makes a new writer the only one that may write; the upload, its parts, and what shows who that is.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If it is complete.
        """
        writer = secrets.token_hex(16)
        with self._database.write() as connection:
            upload = _get(connection, upload_id)
            if upload.complete:
                raise FailedPreconditionError(
                    f"{upload.name} is complete: nothing is to be written any more", resource=upload.name
                )
            _set(connection, upload_id, writer=writer)
            return upload, _parts(connection, upload_id), writer

    def note(self, upload_id: str, writer: str, committed_bytes: int, part: Part | None) -> Upload:
        """Stores how far an upload is; it is kept for 7 days from now.

        Args:
            upload_id: Which.
            writer: Who has written.
            committed_bytes: That are there.
            part: Takes the place of all parts from its start on; None: there are none.

        Raises:
            NotFoundError: If the upload was deleted.
            AbortedError: If another writer has begun.
        """
        with self._database.write() as connection:
            self._change(connection, upload_id, writer, committed_bytes=committed_bytes)
            if part is not None:
                gone = sqlalchemy.delete(_PART).where(_PART.c.upload_id == upload_id, _PART.c.start >= part.start)
                connection.execute(gone)
                connection.execute(insert(_PART).values(upload_id=upload_id, **vars(part)))
            return _get(connection, upload_id)

    def complete(self, upload_id: str, writer: str, sha256: str) -> Upload:
        """Stores that all is there. Errors as for :meth:`note`."""
        with self._database.write() as connection:
            self._change(connection, upload_id, writer, sha256=sha256, complete=True)
            return _get(connection, upload_id)

    def restart(self, upload_id: str, writer: str) -> Upload:
        """Stores that nothing is there. Errors as for :meth:`note`."""
        with self._database.write() as connection:
            self._change(connection, upload_id, writer, committed_bytes=0)
            connection.execute(sqlalchemy.delete(_PART).where(_PART.c.upload_id == upload_id))
            return _get(connection, upload_id)

    def use(self, upload_id: str) -> Upload:
        """A complete upload, which is kept for 7 more days.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If it is not complete.
        """
        with self._database.write() as connection:
            upload = _get(connection, upload_id)
            if not upload.complete:
                raise FailedPreconditionError(
                    f"{upload.name} is not complete: {upload.committed_bytes} of {upload.size_bytes} bytes are there",
                    resource=upload.name,
                )
            _set(connection, upload_id, expire_time=self._clock() + KEPT)
            return _get(connection, upload_id)

    def delete(self, upload_id: str, *, expired_by: datetime | None = None) -> bool:
        """Forgets an upload; whether there was one.

        Args:
            upload_id: Which.
            expired_by: Only if it has expired then; None: in any case.
        """
        where = [_TABLE.c.id == upload_id]
        if expired_by is not None:
            where.append(_TABLE.c.expire_time <= expired_by)
        with self._database.write() as connection:
            if connection.execute(select(_TABLE.c.id).where(*where)).first() is None:
                return False
            connection.execute(sqlalchemy.delete(_PART).where(_PART.c.upload_id == upload_id))
            connection.execute(sqlalchemy.delete(_TABLE).where(_TABLE.c.id == upload_id))
            return True

    def expired(self, now: datetime) -> Sequence[str]:
        """Ids of what may be deleted."""
        with self._database.read() as connection:
            return [*connection.execute(select(_TABLE.c.id).where(_TABLE.c.expire_time <= now)).scalars()]

    def _change(self, connection: Connection, upload_id: str, writer: str, **values: Any) -> None:  # noqa: ANN401 - of each column's type
        mine = sqlalchemy.update(_TABLE).where(
            _TABLE.c.id == upload_id, _TABLE.c.writer == writer, _TABLE.c.complete.is_(False)
        )
        if not connection.execute(mine.values(expire_time=self._clock() + KEPT, **values)).rowcount:
            raise taken_over(_get(connection, upload_id).name)


def not_found(upload_id: str) -> NotFoundError:
    """What is raised where there is no such upload."""
    name = upload_name(upload_id)
    return NotFoundError(f"there is no {name}; it may have expired", resource=name)


def taken_over(name: str) -> AbortedError:
    """What is raised where another writer has begun."""
    return AbortedError(f"another call writes to {name} now", resource=name)


def _repeated(found: Upload, file_name: str, size_bytes: int) -> Upload:
    if (found.file_name, found.size_bytes) != (file_name, size_bytes):
        raise InvalidArgumentError(
            f"request_id {found.request_id} was used before with other content; make a new UUID for each request",
            field="request_id",
        )
    return found


def _find(connection: Connection, upload_id: str) -> Upload | None:
    row = connection.execute(select(*_FIELDS).where(_TABLE.c.id == upload_id)).mappings().one_or_none()
    return None if row is None else _upload(row)


def _get(connection: Connection, upload_id: str) -> Upload:
    upload = _find(connection, upload_id)
    if upload is None:
        raise not_found(upload_id)
    return upload


def _parts(connection: Connection, upload_id: str) -> Sequence[Part]:
    query = select(_PART.c.start, _PART.c.size_bytes, _PART.c.name).where(_PART.c.upload_id == upload_id)
    return [Part(*row) for row in connection.execute(query.order_by(_PART.c.start))]


def _held(connection: Connection) -> tuple[int, int, int]:
    """How many uploads there are, their bytes as announced, and how many of these have come."""
    sums = [func.coalesce(func.sum(column), 0) for column in (_TABLE.c.size_bytes, _TABLE.c.committed_bytes)]
    count, announced, committed = connection.execute(select(func.count(_TABLE.c.id), *sums)).one()
    return int(count), int(announced), int(committed)


def _set(connection: Connection, upload_id: str, **values: Any) -> None:  # noqa: ANN401 - of each column's type
    connection.execute(sqlalchemy.update(_TABLE).where(_TABLE.c.id == upload_id).values(values))


def _upload(row: RowMapping) -> Upload:
    return Upload(**row)
