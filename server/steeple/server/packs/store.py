"""Published packs: a row in the catalogue's database and a file in the data folder each."""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, RowMapping, func, insert, select

from steeple.errors import DataLossError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from steeple.server.catalogue import Page, audit, pages, tables
from steeple.server.catalogue.database import Database
from steeple.server.durable import errors_translated
from steeple.server.logs import facts
from steeple.server.packs.records import PackSettings, PublishedPack, pack_name

log = logging.getLogger(__name__)

_TABLE: Final = tables.pack
_COLLECTION: Final = "packs"


class PackStore:
    """Packs by id. Thread safe; every change is durable when its call returns.

    A file never changes. One that takes the place of another has another name, and the row tells which counts: so a
    pack is replaced in a transaction, and who reads the old file goes on.

    Args:
        database: The catalogue's.
        folder: Of the files; made when it is first needed.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def path(self, file: str) -> Path:
        """Where a file of that name lies, or is to be written; the folder is there.

        Raises:
            SteepleError: If the folder cannot be made.
        """
        with errors_translated("packs"):
            self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / file

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
        """Makes a pack that of its id, in the place of the one that there is; its file must be on the disk."""
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

    def is_there(self, pack: PublishedPack) -> bool:
        """Whether a pack's file is on the disk, as long as it should be."""
        try:
            return (self._folder / pack.file).stat().st_size == pack.size_bytes
        except OSError:
            return False

    def open(self, pack_id: str, offset: int, sha256: str = "") -> io.BufferedReader:
        """A pack's file, to be read from an offset on; it can be read to its end whatever becomes of the pack.

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
                    file = (self._folder / pack.file).open("rb")
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
        """Deletes files that no pack has, which a server left that was killed; before any pack is made."""
        with self._database.read() as connection:
            kept = set(connection.execute(select(_TABLE.c.file)).scalars())
        try:
            left = [path for path in self._folder.iterdir() if path.name not in kept]
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("the folder of packs cannot be read", extra=facts(folder=self._folder, error=error))
            return
        for path in left:
            self._remove(path.name)

    def _remove(self, file: str) -> None:
        try:
            (self._folder / file).unlink(missing_ok=True)
        except OSError:  # it takes space and nothing else; the next start tries again
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
        f"the file of {pack.name} is missing or incomplete on the server's disk; make it anew: steeple packs refresh "
        f"{pack.id}",
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
