"""What servers on one PostgreSQL database learn of each other's changes: marks that they read, and hints to do so.

Triggers of the database count changes, whoever makes them, and notify who listens when these are committed. A
notification may be lost; so marks are what counts, and are read now and then without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Engine

from steeple.errors import FailedPreconditionError

CHANNEL: Final = "steeple"
"""Of the notifications, whose payload is a topic."""

_MARKS: Final = (
    "SELECT topic, number FROM announcement UNION ALL SELECT 'gallery', coalesce(max(sequence), 0) FROM change"
)


class Topic(StrEnum):
    """What changes are about."""

    GALLERY = "gallery"  # what is found
    ACCESS = "access"  # keys, people and sessions
    MODELS = "models"  # which releases are served, or are to be
    OPERATIONS = "operations"  # what is queued, ends or is told to stop


Marks = Mapping[str, int]
"""By topic: a number that is another after each change."""


class Announcements:
    """A connection that listens, outside of the pool. For one thread.

    Every call may raise an error of the database's driver, after which there must be another of these.

    Args:
        engine: Of the database.

    Raises:
        FailedPreconditionError: If it is not PostgreSQL, or its driver cannot listen.
        sqlalchemy.exc.DBAPIError: If it cannot be reached.
    """

    def __init__(self, engine: Engine) -> None:
        if engine.dialect.name != "postgresql":
            raise FailedPreconditionError(f"{engine.name} tells nobody of changes")
        pooled = engine.raw_connection()
        connection: Any = pooled.driver_connection
        try:
            pooled.detach()
            connection.rollback()
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def wait(self, seconds: float) -> bool:
        """Waits until something was announced; whether it was. What is announced at the same time counts once."""
        told = False
        for _ in self._connection.notifies(timeout=seconds, stop_after=1):
            told = True
        for _ in self._connection.notifies(timeout=0):
            told = True
        return told

    def marks(self) -> Marks:
        """As they are now: one statement."""
        return dict(self._connection.execute(_MARKS).fetchall())

    def close(self) -> None:
        """Ends the connection; may be called again, and while it waits."""
        self._connection.close()
