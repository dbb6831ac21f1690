"""Empty catalogues, of a SQLite file or of a PostgreSQL server each."""

from __future__ import annotations

import secrets
import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy

from steeple.server.catalogue import Catalogue

if TYPE_CHECKING:
    from tests.engines.postgres import PostgresServer


class Catalogues(ABC):
    """Makes empty catalogues."""

    @abstractmethod
    def make(self) -> str:
        """URL of a new one."""

    @abstractmethod
    def drop(self, url: str) -> None:
        """Removes one that nobody needs any more."""


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
    """In databases of a server; their tables are there, as migrations take longer than most tests."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._template = f"template_{secrets.token_hex(6)}"
        Catalogue.open(server.database(self._template)).close()

    def make(self) -> str:
        return self._server.database(f"test_{secrets.token_hex(6)}", self._template)

    def drop(self, url: str) -> None:
        self._server.drop(sqlalchemy.make_url(url).database or "")
