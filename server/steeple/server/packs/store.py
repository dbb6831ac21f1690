"""Published packs: a row in the catalogue's database and a file each."""

from __future__ import annotations

import io
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, RowMapping, func, insert, select

from steeple.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    SteepleError,
)
from steeple.server.catalogue import Page, audit, pages, tables
from steeple.server.catalogue.database import Database
from steeple.server.durable import errors_translated
from steeple.server.files import FileStore, kept_name
from steeple.server.logs import facts
from steeple.server.packs.records import PackSettings, PublishedPack, pack_name

log = logging.getLogger(__name__)

_TABLE: Final = tables.pack
_COLLECTION: Final = "packs"
_ABANDONED: Final = timedelta(days=1)
_TIDY_SECONDS: Final = 24 * 3600.0


class PackStore:
    """Packs by id. Thread safe; every change is durable when its call returns.

    A file never changes. One that takes the place of another has another name, and the row tells which counts: so a
    pack is replaced in a transaction, and who reads the old file goes on.

    Args:
        database: The catalogue's.
        files: Where the files are.

    Attributes:
        files: As given.
    """

    def __init__(self, database: Database, files: FileStore) -> None:
        self._database = database
        self.files = files
        self._tidy_due = 0.0

    def kept(self, pack: PublishedPack, path: Path) -> PublishedPack:
        """Takes the file of a pack, before :meth:`publish`; the pack, which tells where it is.

        Args:
            pack: The pack.
            path: Of the file on this host, which is whole.

        Raises:
            SteepleError: If that fails.
        """
        name = kept_name(self.files, path.name, pack.sha256)
        with errors_translated("packs"):
            self.files.put_file(name, path, sha256=pack.sha256)
        return replace(pack, file=name)

    def get(self, pack_id: str) -> PublishedPack:
        """A pack.

        Raises:
            NotFoundError: If there is none of that id.
        """
        with self._database.read() as connection:
            return _get(connection, pack_id)

    def find(self, pack_id: str) -> PublishedPack | None:
        """A pack; None if there is none of that id."""
        with self._database.read() as connection:
            return _find(connection, pack_id)

    def list(self, page_size: int = pages.DEFAULT_PAGE_SIZE, page_token: str = "") -> Page[PublishedPack]:
        """A page of packs, by id. A size of 0 stands for 50, more than 1000 for 1000.

        Raises:
            InvalidArgumentError: If the page size is negative, or the token of another list.
        """
        size, last = pages.check_page_size(page_size), pages.last_id(_COLLECTION, page_token)
        query = select(_TABLE).where(_TABLE.c.id > last).order_by(_TABLE.c.id).limit(size + 1)
        with self._database.read() as connection:
            found = [_pack(row) for row in connection.execute(query).mappings()]
            total = connection.execute(select(func.count()).select_from(_TABLE)).scalar_one()
        return pages.page_by_id(found, size, _COLLECTION, int(total))

    def publish(self, pack: PublishedPack) -> None:
        """Makes a pack that of its id, in the place of the one that there is; its file must be kept."""
        values: dict[str, Any] = {**vars(pack), "settings": pack.settings.to_json()}
        with self._database.write() as connection:
            old = _find(connection, pack.id)
            connection.execute(sqlalchemy.delete(_TABLE).where(_TABLE.c.id == pack.id))
            connection.execute(insert(_TABLE).values(values))
            audit.record(connection, pack.create_time, pack.name)
        if old is not None and old.file != pack.file:
            self._remove(old.file)

    def delete(self, pack_id: str) -> None:
        """Takes a pack away.

        Raises:
            NotFoundError: If there is none of that id.
        """
        with self._database.write() as connection:
            pack = _get(connection, pack_id)
            connection.execute(sqlalchemy.delete(_TABLE).where(_TABLE.c.id == pack_id))
            audit.record(connection, datetime.now(UTC), pack.name)
        self._remove(pack.file)

    def lost(self, packs: Sequence[PublishedPack]) -> frozenset[str]:
        """Ids of those packs whose files are not there, or not as long as they should be.

        Raises:
            SteepleError: If that cannot be told.
        """
        with errors_translated("packs"):
            if self.files.shared and len(packs) > 1:  # one request, not one for each
                there = {file.name: file.size_bytes for file in self.files.listed()}
                sizes = [there.get(pack.file) for pack in packs]
            else:
                sizes = [self.files.size(pack.file) for pack in packs]
        return frozenset(pack.id for pack, size in zip(packs, sizes, strict=True) if size != pack.size_bytes)

    def open(self, pack_id: str, offset: int, sha256: str = "") -> io.RawIOBase:
        """A pack's file, to be read from an offset on.

        Where files are this server's own, it can be read to its end whatever becomes of the pack. Where they are
        shared, reading it fails once the pack is made anew or deleted.

        Args:
            pack_id: The pack.
            offset: Of the first byte.
            sha256: Of the file that is wanted, hex; empty: whichever the pack has.

        Raises:
            NotFoundError: If there is no such pack.
            FailedPreconditionError: If it has another file by now.
            InvalidArgumentError: If the file has no such offset.
            DataLossError: If the file is missing or damaged.
        """
        pack = self.get(pack_id)
        while True:
            _check(pack, offset, sha256)
            with errors_translated("packs"):
                try:
                    file = self.files.open(pack.file)
                    break
                except FileNotFoundError:
                    again = self.get(pack_id)
                    if again.file == pack.file:
                        raise _lost(pack) from None
                    pack = again  # it was replaced between the two
        if file.seek(0, io.SEEK_END) != pack.size_bytes:
            file.close()
            raise _lost(pack)
        file.seek(offset)
        return file

    def tidy(self) -> None:
        """Deletes files that no pack has, which a server left that was killed.

        Where files are this server's own, that is to be done before any pack is made. Where they are shared, it is done
        once a day, and a file of a day may still be about to be published.
        """
        if time.monotonic() < self._tidy_due:
            return
        self._tidy_due = time.monotonic() + (_TIDY_SECONDS if self.files.shared else math.inf)
        try:
            with errors_translated("packs"):
                files = self.files.listed()
                with self._database.read() as connection:
                    kept = set(connection.execute(select(_TABLE.c.file)).scalars())
                old = datetime.now(UTC) - _ABANDONED
                left = [
                    file.name
                    for file in files
                    if file.name not in kept and (not self.files.shared or file.change_time < old)
                ]
        except SteepleError as error:
            log.warning("files of packs cannot be listed", extra=facts(error=error))
            return
        for name in left:
            self._remove(name)

    def _remove(self, file: str) -> None:
        try:
            with errors_translated("packs"):
                self.files.delete([file])
        except SteepleError:  # it takes space and nothing else; it is tried again
            log.exception("a file of a pack was not deleted", extra=facts(file=file))


def _check(pack: PublishedPack, offset: int, sha256: str) -> None:
    if sha256 and sha256 != pack.sha256:
        raise FailedPreconditionError(
            f"{pack.name} was made anew: its file is no longer the one of which a download began; download it from its "
            "beginning",
            resource=pack.name,
        )
    if not 0 <= offset <= pack.size_bytes:
        raise InvalidArgumentError(
            f"offset must be 0 to {pack.size_bytes}, the size of the file, not {offset}", field="offset"
        )


def _lost(pack: PublishedPack) -> DataLossError:
    return DataLossError(
        f"the file of {pack.name} is missing or incomplete in the server's storage; make it anew: "
        f"steeple packs refresh {pack.id}",
        resource=pack.name,
    )


def _find(connection: Connection, pack_id: str) -> PublishedPack | None:
    row = connection.execute(select(_TABLE).where(_TABLE.c.id == pack_id)).mappings().one_or_none()
    return None if row is None else _pack(row)


def _get(connection: Connection, pack_id: str) -> PublishedPack:
    pack = _find(connection, pack_id)
    if pack is None:
        name = pack_name(pack_id)
        raise NotFoundError(f"there is no {name}; see: steeple packs list", resource=name)
    return pack


def _pack(row: RowMapping) -> PublishedPack:
    values = dict(row)
    return PublishedPack(**{**values, "settings": PackSettings.of_json(values["settings"])})
