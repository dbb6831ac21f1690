"""Sessions in the catalogue's database: those that have not ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import sqlalchemy
from sqlalchemy import Connection, RowMapping, delete, insert, or_, select

from steeple.errors import NotFoundError, UnauthenticatedError
from steeple.server.access.person_records import NewSession, Session, SessionLifetime, person_name
from steeple.server.access.person_rows import person_of
from steeple.server.access.records import Scope
from steeple.server.access.secret import SESSION, KeyText
from steeple.server.catalogue import audit
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.person_tables import person, session

MOST_SESSIONS: Final = 50
"""Of one person."""

_LONGEST_AGENT: Final = 200


class SessionStore:
    """Sessions. Thread-safe; a call that returned is on the disk.

    Args:
        database: The catalogue's.
        lifetime: How long they go on.
    """

    def __init__(self, database: Database, lifetime: SessionLifetime) -> None:
        self._database = database
        self.lifetime = lifetime

    def create(self, person_id: str, password: str | None, *, user_agent: str, address: str) -> NewSession:
        """Begins a session of somebody who has shown who they are.

        Args:
            person_id: Who.
            password: The hash that theirs was compared with; None: they have shown it otherwise.
            user_agent: What has signed in; cut off if it is long.
            address: From where.

        Raises:
            UnauthenticatedError: If they were deleted or disabled, or their password was changed, meanwhile.
        """
        text = KeyText.make(SESSION)
        with self._database.write() as connection:
            now = datetime.now(UTC)
            found = person_of(connection, person_id)
            if found is None or found.person.disabled or password not in (None, found.password):
                raise UnauthenticatedError(f"{person_name(person_id)} was changed meanwhile; sign in again")
            values = {
                "id": text.id,
                "person_id": person_id,
                "digest": text.digest(),
                "user_agent": _shown(user_agent),
                "address": address,
                "create_time": now,
                "last_use_time": now,
                "expire_time": now + self.lifetime.longest,
            }
            connection.execute(insert(session).values(values))
            _end_oldest(connection, person_id)
            connection.execute(sqlalchemy.update(person).where(person.c.id == person_id).values(last_sign_in_time=now))
            made = _session(connection.execute(_of(person_id).where(session.c.id == text.id)).mappings().one())
            audit.act(made.actor)
            audit.record(connection, now, made.name)
            after = person_of(connection, person_id)
        return NewSession(made, found.person if after is None else after.person, text.whole())

    def all(self) -> dict[str, Session]:
        """All by id, also those that have expired and were not forgotten yet."""
        with self._database.read() as connection:
            return {row["id"]: _session(row) for row in connection.execute(_JOINED).mappings()}

    def end(self, person_id: str, session_id: str) -> None:
        """Ends a session.

        Raises:
            NotFoundError: If the person has none of that id.
        """
        name = f"{person_name(person_id)}/sessions/{session_id}"
        with self._database.write() as connection:
            gone = delete(session).where(session.c.id == session_id, session.c.person_id == person_id)
            if not connection.execute(gone).rowcount:
                raise NotFoundError(f"there is no {name}, or it has ended", resource=name)
            audit.record(connection, datetime.now(UTC), name)

    def add_uses(self, last_uses: Mapping[str, datetime], now: datetime) -> None:
        """Moves the times of the last use on, and forgets what has expired; one transaction.

        Args:
            last_uses: By id.
            now: UTC, of a clock that nobody can set forward.
        """
        with self._database.write() as connection:
            for session_id, time in last_uses.items():
                moved = sqlalchemy.update(session).where(session.c.id == session_id, session.c.last_use_time < time)
                connection.execute(moved.values(last_use_time=time))
            idle = session.c.last_use_time <= now - self.lifetime.idle
            connection.execute(delete(session).where(or_(session.c.expire_time <= now, idle)))


def end_sessions(connection: Connection, person_id: str, *, but: str = "") -> None:
    """Ends a person's sessions in the transaction of what ends them.

    Args:
        connection: Of the transaction.
        person_id: Whose.
        but: Id of one that goes on.
    """
    connection.execute(delete(session).where(session.c.person_id == person_id, session.c.id != but))


def _end_oldest(connection: Connection, person_id: str) -> None:
    latest = select(session.c.id).where(session.c.person_id == person_id)
    ids = connection.execute(latest.order_by(session.c.last_use_time.desc(), session.c.id)).scalars().all()
    connection.execute(delete(session).where(session.c.id.in_(ids[MOST_SESSIONS:])))


def _shown(user_agent: str) -> str:
    return "".join(character if character.isprintable() else " " for character in user_agent)[:_LONGEST_AGENT]


_JOINED: Final = select(session, person.c.display_name, person.c.role).join(person, session.c.person_id == person.c.id)


def _of(person_id: str) -> sqlalchemy.Select[tuple[object, ...]]:
    return _JOINED.where(session.c.person_id == person_id)


def _session(row: RowMapping) -> Session:
    return Session(
        id=row["id"],
        person_id=row["person_id"],
        display_name=row["display_name"],
        scope=Scope.parse(row["role"]),
        digest=row["digest"],
        user_agent=row["user_agent"],
        address=row["address"],
        create_time=row["create_time"],
        last_use_time=row["last_use_time"],
        expire_time=row["expire_time"],
    )
