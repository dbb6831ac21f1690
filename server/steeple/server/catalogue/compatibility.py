"""Which versions of Steeple may use a database, where a newer one has changed its schema.

Each revision says in ``oldest_steeple`` whether an older Steeple may go on beside it, and the database keeps the answer
for all revisions that it has been through: the oldest revision that a Steeple must know of. That is all an older one
can go by, as it has no word of the newer revisions themselves.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cache
from importlib import metadata as packages
from typing import Final

import sqlalchemy
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from steeple.errors import UnavailableError
from steeple.server.catalogue.compatibility_table import schema_compatibility
from steeple.server.catalogue.database import Database
from steeple.server.logs import facts

log = logging.getLogger(__name__)

SCRIPTS: Final = "steeple.server.catalogue:migrations"

_ROW: Final = 1


@cache
def known_revisions() -> tuple[str, ...]:
    """Revisions of the schema that this version of Steeple knows, the newest first."""
    return tuple(script.revision for script in revisions())


def revisions() -> list[Script]:
    """The migrations, the newest first."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return list(ScriptDirectory.from_config(config).walk_revisions())


def record(connection: Connection) -> None:
    """Has a database that was brought to this version's schema say which oldest Steeple may still use it."""
    stated = (getattr(script.module, "oldest_steeple", None) for script in revisions())
    oldest = next((revision for revision in stated if revision is not None), known_revisions()[-1])
    connection.execute(schema_compatibility.delete())
    connection.execute(
        schema_compatibility.insert().values(
            id=_ROW, oldest_revision=oldest, migrated_by=packages.version("steeple")[:64]
        )
    )


def objection(connection: Connection) -> str:
    """Why this version of Steeple cannot use a database with a schema that it does not know; empty if it can."""
    if not sqlalchemy.inspect(connection).has_table(schema_compatibility.name):
        return "the catalogue was written by another Steeple, whose schema this one does not know; install that one"
    return _objection(connection)


def _objection(connection: Connection) -> str:
    columns = schema_compatibility.c
    row = connection.execute(sqlalchemy.select(columns.oldest_revision, columns.migrated_by)).one_or_none()
    if row is None or row.oldest_revision in known_revisions():
        return ""
    return (
        f"the catalogue's schema was changed by Steeple {row.migrated_by} so that only versions that know schema "
        f"{row.oldest_revision} can use it, and this one knows none after {known_revisions()[0]}; install Steeple "
        f"{row.migrated_by} or a newer one"
    )


class SchemaWatch:
    """Keeps a running Steeple from using a database that a newer one has changed beyond it.

    Args:
        database: PostgreSQL's are looked at with every write, in its transaction and before it: no change of the schema
            comes between. A SQLite file has one server, and is looked at by :meth:`check` alone.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._objection = ""
        self._told: list[Callable[[str], object]] = []
        database.before_write = self._admit

    @property
    def objection(self) -> str:
        """Why the database can no longer be used; empty while it can."""
        return self._objection

    def tell(self, told: Callable[[str], object]) -> None:
        """Has ``told`` called, on any thread, with the objection as soon as there is one."""
        with self._lock:
            self._told.append(told)
            objection = self._objection
        if objection:
            told(objection)

    def check(self) -> None:
        """Looks whether the database can still be used. Cheap: it reads one row."""
        with self._database.read() as connection:
            found = _objection(connection)
        if found:
            self._object(found)

    def _admit(self, connection: Connection) -> None:
        if found := _objection(connection):
            self._object(found)
            raise UnavailableError(found)

    def _object(self, found: str) -> None:
        with self._lock:
            if self._objection:
                return
            self._objection = found
            told = list(self._told)
        log.error("no longer ready: the catalogue is beyond this version", extra=facts(reason=found))
        for each in told:
            each(found)
