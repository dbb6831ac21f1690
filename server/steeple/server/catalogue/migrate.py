"""Brings a database to the schema of this version of Steeple."""

from __future__ import annotations

import threading
from typing import Final

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from steeple.errors import FailedPreconditionError

SCRIPTS: Final = "steeple.server.catalogue:migrations"

UNFINISHED: Final = "unfinished_copy"
"""Table of a database to which a catalogue is being copied; it goes when that is done."""

# Alembic keeps the migration in progress in module globals.
_ALEMBIC: Final = threading.Lock()


def known_revisions() -> list[str]:
    """Revisions of the schema that this version of Steeple knows, the newest first."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]


def revision_of(connection: Connection) -> str:
    """Of the schema that a database has; empty if it has none of Steeple's."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(connection: Connection) -> None:
    """Runs the missing migrations in the transaction of ``connection``: all of them take effect, or none.

    Raises:
        FailedPreconditionError: If the database belongs to a newer Steeple or to something else altogether, or a
            catalogue is being copied to it.
    """
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    with _ALEMBIC:
        found = MigrationContext.configure(connection).get_current_heads()
        unknown = sorted(set(found) - set(known_revisions()))
        if unknown:
            raise FailedPreconditionError(
                f"the catalogue was written by a newer Steeple (schema {', '.join(unknown)}); install that one"
            )
        tables = sorted(set(sqlalchemy.inspect(connection).get_table_names()) - {"alembic_version"})
        if UNFINISHED in tables:
            raise FailedPreconditionError(
                "the database holds a copy of a catalogue that has not ended: run `steeple catalogue migrate` again"
            )
        if tables and not found:
            raise FailedPreconditionError(
                f"the database is not a catalogue of Steeple: it holds the tables {', '.join(tables[:5])}; "
                "give an empty or a new one"
            )
        command.upgrade(config, "head")
