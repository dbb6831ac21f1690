"""PostgreSQL behind the catalogue: its connections, its transactions, and its errors in Steeple's words."""

from __future__ import annotations

import re
import sqlite3
from typing import Any, Final

import sqlalchemy
from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError

from steeple.errors import (
    DataLossError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    ResourceExhaustedError,
    SteepleError,
    UnavailableError,
)

OLDEST_VERSION: Final = 13
"""Major version of the oldest PostgreSQL that is served from."""

_DRIVER: Final = "psycopg"
# Any number will do, as long as every Steeple server on one database uses the same.
_WRITER_LOCK: Final = 0x57EE91E
# A transaction that nobody goes on with (its machine may have gone) must not keep all others from writing.
_ABANDONED_SECONDS: Final = 60
# A connection is refused, or a server that has gone silent is taken for gone, after so long.
_CONNECT_SECONDS: Final = 5
_SILENT: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}

_TRY_AGAIN: Final = "the catalogue's database cannot be reached; try again"
_FULL: Final = "the database that holds the catalogue has no room left"
_ACCESS: Final = "the catalogue's database does not let this user do that: check database_url and the user's privileges"
_DAMAGED: Final = "the catalogue's database is damaged: restore a backup"

# By SQLSTATE, or by its first two characters: the class.
_ERRORS: Final[dict[str, tuple[type[SteepleError], str]]] = {
    "08": (UnavailableError, _TRY_AGAIN),
    "22001": (InvalidArgumentError, "a text is longer than the catalogue's database takes"),
    "22003": (InvalidArgumentError, "a number is larger than the catalogue's database takes"),
    "22021": (InvalidArgumentError, "a text has characters that the catalogue's database does not take"),
    "25006": (UnavailableError, "the catalogue's database takes no changes, as if it were a standby; try again"),
    "25P03": (
        UnavailableError,
        f"a change of the catalogue was not gone on with for {_ABANDONED_SECONDS} s; try again",
    ),
    "28": (FailedPreconditionError, _ACCESS),
    "3D000": (FailedPreconditionError, "there is no such database: make it with `createdb`, or mend database_url"),
    "40": (UnavailableError, "another change of the catalogue was in the way; try again"),
    "42501": (FailedPreconditionError, _ACCESS),
    "53": (ResourceExhaustedError, "the catalogue's database lacks a resource"),
    "53100": (ResourceExhaustedError, _FULL),
    "53300": (UnavailableError, "the catalogue's database has no connection left; raise max_connections, or try again"),
    "55P03": (UnavailableError, "others have been changing the catalogue for {busy:g} s; try again"),
    "57": (UnavailableError, _TRY_AGAIN),
    "58": (UnavailableError, "the machine of the catalogue's database failed"),
    "58P01": (DataLossError, _DAMAGED),
    "XX001": (DataLossError, _DAMAGED),
    "XX002": (DataLossError, _DAMAGED),
}
# Of what the server says before a connection is there, libpq keeps the words alone.
_REFUSALS: Final = (
    (re.compile(r'database ".*" does not exist'), "3D000"),
    (
        re.compile(r'password authentication failed|no password supplied|role ".*" (does not exist|is not permitted)'),
        "28",
    ),
    (re.compile(r"no pg_hba\.conf entry|permission denied for database"), "28"),
    (re.compile(r"too many (clients|connections)|remaining connection slots"), "53300"),
)


class Postgresql:
    """What a catalogue needs to know of a database of a PostgreSQL server.

    Args:
        url: Of the database, of any driver: psycopg is used.
        busy_seconds: A change waits so long for those of others.
        idle_connections: That are kept.

    Raises:
        ModuleNotFoundError: If psycopg is not installed.
    """

    def __init__(self, url: URL, *, busy_seconds: float, idle_connections: int) -> None:
        self._busy_seconds = busy_seconds
        defaults: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, "application_name": "steeple", **_SILENT}
        self.engine = sqlalchemy.create_engine(
            url.set(drivername=f"postgresql+{_DRIVER}"),
            # No cap on the connections: the threads of the server cap them, and none shall wait for another's.
            pool_size=idle_connections,
            max_overflow=-1,
            # What a restart of the server has left of older connections is found out before it is used.
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={name: value for name, value in defaults.items() if name not in url.query},
        )
        event.listen(self.engine, "connect", _check_server)
        event.listen(self.engine, "handle_error", _leave_outdated)
        self.read_engine = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        # Whoever has waited for the lock must see what those before have committed, whatever the server's default.
        self.write_engine = self.engine.execution_options(isolation_level="READ COMMITTED")

    def begin_write(self, connection: Connection) -> None:
        """Waits for the turn of this transaction to write.

        Sequence numbers must become visible in their order, or a reader would miss a change for good.
        """
        function = sqlalchemy.func
        connection.execute(
            sqlalchemy.select(
                function.set_config("lock_timeout", f"{self._busy_seconds * 1000:.0f}", True),
                function.set_config("idle_in_transaction_session_timeout", f"{_ABANDONED_SECONDS}s", True),
                function.pg_advisory_xact_lock(_WRITER_LOCK),
            )
        )

    def end_write(self) -> None:
        """Nothing."""

    def error(self, error: DBAPIError | sqlite3.Error) -> SteepleError:
        """In Steeple's words."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        state = _state_of(cause)
        found = _ERRORS.get(state) or _ERRORS.get(state[:2])
        told = _first_line(cause)
        if found is None and (lost or isinstance(error, sqlalchemy.exc.OperationalError)):
            found = UnavailableError, _TRY_AGAIN
        if found is None and isinstance(error, sqlalchemy.exc.DataError):
            found = InvalidArgumentError, "the catalogue's database does not take a value"
        if found is None:
            return InternalError(f"the catalogue's database refused a statement ({told})")
        kind, message = found
        return kind(f"{message.format(busy=self._busy_seconds)} ({told})")


def _check_server(connection: DBAPIConnection, _record: object) -> None:
    info: Any = connection.info
    if info.server_version < OLDEST_VERSION * 10_000:
        raise FailedPreconditionError(
            f"the catalogue's database is PostgreSQL {info.server_version // 10_000}; it must be {OLDEST_VERSION} or "
            "newer"
        )
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise FailedPreconditionError(
            f"the catalogue's database keeps text as {encoding}, which lacks most letters: make one with "
            "`createdb --encoding UTF8 --template template0`"
        )


def _leave_outdated(context: ExceptionContext) -> None:
    """Has all connections made anew after an error that each of them would have again."""
    cause = context.original_exception
    # It was the primary, and is a standby now.
    demoted = _state_of(cause) == "25006"
    # The driver prepared a statement, and a migration has changed what it is about.
    outdated = _state_of(cause) == "0A000" and "cached plan" in str(cause)
    if demoted or outdated:
        context.is_disconnect = True


def _state_of(cause: BaseException | None) -> str:
    """The SQLSTATE of an error, or the class of it; empty if it has none."""
    state = getattr(cause, "sqlstate", None)
    if state:
        return str(state)
    text = str(cause)
    return next((state for pattern, state in _REFUSALS if pattern.search(text)), "")


def _first_line(cause: BaseException | None) -> str:
    """What of an error may be shown: what follows may quote rows."""
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
