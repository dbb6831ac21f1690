"""Empty catalogues, of a SQLite file or of a PostgreSQL server each."""

from __future__ import annotations

import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy
from sqlalchemy import delete, text

from steeple.server.catalogue import Catalogue
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.schema import metadata

if TYPE_CHECKING:
    from tests.engines.postgres import PostgresServer


class Catalogues(ABC):
    """Makes empty catalogues."""

    share_of_examples: float = 1.0
    """Of those that property tests try with the fastest kind of database."""

    @abstractmethod
    def make(self) -> str:
        """URL of a new one."""

    @abstractmethod
    def drop(self, url: str) -> None:
        """Takes back one that nobody needs any more."""

    @contextmanager
    def lent(self) -> Iterator[str]:
        """URL of one that goes when the block is left."""
        url = self.make()
        try:
            yield url
        finally:
            self.drop(url)


class SqliteCatalogues(Catalogues):
    """In files below a folder; their tables are there, as migrations take longer than most tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        Catalogue.open(f"sqlite:///{self._template}").close()

    def make(self) -> str:
        path = self._folder / secrets.token_hex(6) / "catalogue.db"
        path.parent.mkdir()
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        shutil.rmtree(Path(sqlalchemy.make_url(url).database or "").parent, ignore_errors=True)


class PostgresCatalogues(Catalogues):
    """In databases of a server; their tables are there, as migrations take longer than most tests.

    What is taken back is emptied and lent again, which is faster than to make another.
    """

    share_of_examples = 0.25

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._empty: list[str] = []
        self._template = f"template_{secrets.token_hex(6)}"
        Catalogue.open(server.database(self._template)).close()

    def make(self) -> str:
        return (
            self._empty.pop() if self._empty else self._server.database(f"test_{secrets.token_hex(6)}", self._template)
        )

    def drop(self, url: str) -> None:
        database = Database(url)
        try:
            with database.write() as connection:
                for table in reversed(metadata.sorted_tables):
                    connection.execute(delete(table))
                    if (numbered := table.autoincrement_column) is not None:
                        name = f"{table.name}_{numbered.name}_seq"
                        connection.execute(text(f"ALTER SEQUENCE {name} RESTART"))
        finally:
            database.close()
        self._empty.append(url)
