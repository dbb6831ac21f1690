"""PostgreSQL's index of the texts inside of names, where its extension ``pg_trgm`` is to be had.

It is no part of the schema's versions: whether there can be one is up to the server, and may change.
"""

from __future__ import annotations

import logging
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from steeple.server.logs import facts

log = logging.getLogger(__name__)

TRIGRAMS: Final = "ix_landmark_search_names_trigrams"
"""Name of the index."""

_EXTENSION: Final = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
_INDEX: Final = f"CREATE INDEX {TRIGRAMS} ON landmark USING gin (search_names gin_trgm_ops)"
# Not installed on the server, which versions of it say in two ways; not allowed to this user; of another schema.
_NOT_TO_BE_HAD: Final = frozenset({"0A000", "58P01", "42501", "42704"})


def has_index(connection: Connection) -> bool:
    """Whether a PostgreSQL database has the index."""
    found = connection.execute(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": TRIGRAMS})
    return bool(found.scalar_one())


def make_index(connection: Connection) -> None:
    """Makes the index if it is missing and can be made; else it is logged that names are searched more slowly.

    Args:
        connection: In a write transaction of a catalogue; of another database than PostgreSQL, nothing is done.
    """
    if connection.dialect.name != "postgresql" or has_index(connection):
        return
    try:
        with connection.begin_nested():
            connection.execute(text(_EXTENSION))
            connection.execute(text(_INDEX))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") not in _NOT_TO_BE_HAD:
            raise
        log.warning(
            "names are searched row by row, as the database has no pg_trgm: install PostgreSQL's contrib modules, or "
            "have an administrator run CREATE EXTENSION pg_trgm; the next start makes the index",
            extra=facts(reason=str(error.orig).splitlines()[0]),
        )
