"""Brings a database to the schema of this version of Steeple."""

from __future__ import annotations

import logging
import threading
from typing import Final

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from steeple.errors import FailedPreconditionError
from steeple.server.catalogue import compatibility
from steeple.server.catalogue.compatibility import SCRIPTS, known_revisions
from steeple.server.logs import facts

__all__ = ["SCRIPTS", "known_revisions", "upgrade"]

log = logging.getLogger(__name__)

_LOCK_MILLISECONDS: Final = 10_000
UNFINISHED: Final = "unfinished_copy"
"""Table of a database to which a catalogue is being copied; it goes when that is done."""

# Alembic keeps the migration in progress in module globals.
_ALEMBIC: Final = threading.Lock()


def revision_of(connection: Connection) -> str:
    """Of the schema that a database has; empty if it has none of Steeple's."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(connection: Connection) -> None:
    """Runs the missing migrations in the transaction of ``connection``: all of them take effect, or none.

    On PostgreSQL it gives up, and changes nothing, where somebody reads a table for ten seconds that it has to change.
    A database that a newer Steeple has migrated is left as it is, if that one says that older ones may go on beside it.

    Raises:
        FailedPreconditionError: If the database belongs to a newer Steeple that older ones cannot go on beside, or to
            something else altogether, or a catalogue is being copied to it.
    """
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    with _ALEMBIC:
        found = MigrationContext.configure(connection).get_current_heads()
        unknown = sorted(set(found) - set(known_revisions()))
        if unknown:
            _go_on_beside(connection, unknown)
            return
        tables = sorted(set(sqlalchemy.inspect(connection).get_table_names()) - {"alembic_version"})
        if UNFINISHED in tables:
            raise FailedPreconditionError(
                "the database holds a copy of a catalogue that has not ended: run the command again that makes it, "
                "`steeple catalogue migrate` or `steeple snapshots restore`"
            )
        if tables and not found:
            raise FailedPreconditionError(
                f"the database is not a catalogue of Steeple: it holds the tables {', '.join(tables[:5])}; "
                "give an empty or a new one"
            )
        if list(found) != [known_revisions()[0]]:
            _bound_waiting(connection)
            command.upgrade(config, "head")
            compatibility.record(connection)


def _bound_waiting(connection: Connection) -> None:
    # Whoever would read a table queues behind a migration that waits to change it, until those who read it are done.
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")


def _go_on_beside(connection: Connection, unknown: list[str]) -> None:
    schema = ", ".join(unknown)
    if objection := compatibility.objection(connection):
        raise FailedPreconditionError(f"{objection} (schema {schema})")
    log.warning(
        "the catalogue has the schema of a newer Steeple, which lets this one go on beside it",
        extra=facts(schema=schema, known=known_revisions()[0]),
    )
