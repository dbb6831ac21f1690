"""Whose an index is that servers share: a name that no other catalogue has."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, select, text

from steeple.server.catalogue.database import Database
from steeple.server.catalogue.index_tables import shared_index_identity

_TABLE: Final = shared_index_identity
_ROW: Final = 1
_BYTES: Final = 6


def identity_of(database: Database) -> str:
    """The identity of a catalogue, 12 hexadecimal digits: the same for all servers of its database.

    It is made when it is first asked for, by whoever comes first. A snapshot and a copy of the catalogue have none, so
    that they get another; a copy of the whole database, as by ``pg_dump``, has the same.

    Raises:
        UnavailableError: If the database cannot be reached.
    """
    with database.read() as connection:
        if found := known_identity(connection):
            return found
    made = secrets.token_hex(_BYTES)
    with database.aside() as connection:
        connection.execute(
            text("INSERT INTO shared_index_identity (id, identity) VALUES (:id, :made) ON CONFLICT (id) DO NOTHING"),
            {"id": _ROW, "made": made},
        )
        return known_identity(connection)  # another server's, where that one was first


def known_identity(connection: Connection) -> str:
    """The identity of a catalogue; empty if it has none yet."""
    found: str | None = connection.execute(select(_TABLE.c.identity)).scalar_one_or_none()
    return found or ""
