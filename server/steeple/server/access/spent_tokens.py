"""Tokens that were taken once and are not taken again, by whatever server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import delete, insert, select

from steeple.server.catalogue.database import Database
from steeple.server.catalogue.person_tables import spent_token

_LONGEST_SECONDS: Final = 10 * 365 * 86400.0


class SpentTokens:
    """What was taken, until it expires. Thread-safe; a call that returned is on the disk.

    Args:
        database: The catalogue's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def spend(self, digest: bytes, expires: float, now: float) -> bool:
        """Takes a token; whether it was not taken before.

        Args:
            digest: SHA-256 of it.
            expires: When it does; seconds since 1970.
            now: The same of the present.
        """
        with self._database.write() as connection:
            connection.execute(delete(spent_token).where(spent_token.c.expire_time < datetime.fromtimestamp(now, UTC)))
            there = select(spent_token.c.digest).where(spent_token.c.digest == digest.hex())
            if connection.execute(there).first() is not None:
                return False
            end = datetime.fromtimestamp(min(expires, now + _LONGEST_SECONDS), UTC)
            values = {"digest": digest.hex(), "expire_time": end}
            connection.execute(insert(spent_token).values(values))
        return True
