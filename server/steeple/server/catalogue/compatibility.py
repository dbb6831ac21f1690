"""Which versions of Steeple may use a database, where a newer one has changed its schema.

Each revision says in ``oldest_steeple`` whether an older Steeple may go on beside it, and the database keeps the answer
for all revisions that it has been through: the oldest revision that a Steeple must know of. That is all an older one
can go by, as it has no word of the newer revisions themselves.
"""

from __future__ import annotations

from functools import cache
from importlib import metadata as packages
from typing import Final

import sqlalchemy
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from steeple.server.catalogue.compatibility_table import schema_compatibility

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
    return stated_objection(connection)


def stated_objection(connection: Connection) -> str:
    """The same of a database that states what may use it; cheap: it reads one row."""
    columns = schema_compatibility.c
    row = connection.execute(sqlalchemy.select(columns.oldest_revision, columns.migrated_by)).one_or_none()
    if row is None or row.oldest_revision in known_revisions():
        return ""
    return (
        f"the catalogue's schema was changed by Steeple {row.migrated_by} so that only versions that know schema "
        f"{row.oldest_revision} can use it, and this one knows none after {known_revisions()[0]}; install Steeple "
        f"{row.migrated_by} or a newer one"
    )
