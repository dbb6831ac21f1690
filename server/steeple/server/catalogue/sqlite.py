"""SQLite behind the catalogue: its connections, its transactions, and its errors in Steeple's words."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy
from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
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
from steeple.server.catalogue.database_file import DatabaseFile
from steeple.server.descriptors import check_descriptors

_POLL_SECONDS: Final = 0.01
_PATIENCE: Final = 6  # times as long, until a reader is done: half a minute
_PAGES_AT_ONCE: Final = 1024
_WRITE: Final = "steeple_write"

_ERRORS: Final[dict[int, tuple[type[SteepleError], str]]] = {
    sqlite3.SQLITE_BUSY: (UnavailableError, "another process keeps the catalogue locked; try again"),
    sqlite3.SQLITE_LOCKED: (UnavailableError, "another process keeps the catalogue locked; try again"),
    sqlite3.SQLITE_FULL: (ResourceExhaustedError, "the disk that holds the catalogue is full"),
    sqlite3.SQLITE_NOTADB: (DataLossError, "the catalogue's file is not a database, or is damaged: restore a backup"),
    sqlite3.SQLITE_CORRUPT: (DataLossError, "the catalogue's file is damaged: restore a backup"),
    sqlite3.SQLITE_CANTOPEN: (FailedPreconditionError, "the catalogue's file cannot be opened: check its folder"),
    sqlite3.SQLITE_READONLY: (FailedPreconditionError, "the catalogue's file is read-only: check its permissions"),
    sqlite3.SQLITE_PERM: (FailedPreconditionError, "the catalogue's file is not accessible: check its permissions"),
    sqlite3.SQLITE_IOERR: (UnavailableError, "the disk that holds the catalogue failed"),
}


class Sqlite:
    """What a catalogue needs to know of a database that is a SQLite file.

    Args:
        url: Of the file; its folder is made if it is missing.
        busy_seconds: A transaction waits so long for one of another process, unless the URL says ``?timeout=``.

    Raises:
        InvalidArgumentError: If the URL names no file.
        FailedPreconditionError: If the folder cannot be made.
    """

    def __init__(self, url: URL, *, busy_seconds: float, idle_connections: int) -> None:
        self._file = DatabaseFile(_made_folder(url))
        arguments = {} if "timeout" in url.query else {"timeout": busy_seconds}
        # No cap on the connections: the threads of the server cap them, and none shall wait for another's.
        engine = sqlalchemy.create_engine(url, pool_size=idle_connections, max_overflow=-1, connect_args=arguments)
        # SQLite would make a new, empty file.
        event.listen(engine, "do_connect", lambda *_: self._file.check())
        event.listen(engine, "connect", _configure)
        event.listen(engine, "connect", lambda *_: self._file.opened())
        event.listen(engine, "begin", _begin)
        self.engine = engine
        self.read_engine = engine  # every transaction sees one state
        self.write_engine = engine.execution_options(**{_WRITE: True})

    def begin_write(self, connection: Connection) -> None:
        """Nothing: the transaction has begun as the only one that writes."""

    def end_write(self) -> None:
        """Before what was written is committed.

        Raises:
            FailedPreconditionError: If the file has no name any more: what is committed to it is lost.
        """
        self._file.check()

    def error(self, error: DBAPIError | sqlite3.Error) -> SteepleError:
        """In Steeple's words."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        # The low byte is the kind of the error, the rest its details.
        code = int(getattr(cause, "sqlite_errorcode", 0)) & 0xFF if isinstance(cause, sqlite3.Error) else 0
        if code == sqlite3.SQLITE_CANTOPEN:
            check_descriptors()
        if code in _ERRORS:
            kind, message = _ERRORS[code]
            return kind(f"{message} ({cause})")
        return InternalError(f"the catalogue's database refused a statement ({cause})")

    def emptied_log(self) -> float | None:
        """None if the write-ahead log is empty now; else, as a reader needs it, seconds to go on trying for."""
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA busy_timeout")
            [(milliseconds,)] = cursor.fetchall()
            cursor.execute("PRAGMA busy_timeout = 0")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            [(busy, *_)] = cursor.fetchall()
            cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
            cursor.close()
        except sqlite3.Error as error:
            connection.invalidate()
            raise self.error(error) from error
        finally:
            connection.close()
        return _PATIENCE * milliseconds / 1000 if busy else None


def back_up(connection: Connection, target: Path, told: Callable[[int, int], None]) -> None:
    """Copies a database to another file, page by page, in the one state that a transaction sees.

    Args:
        connection: In a transaction.
        target: The file, in rollback mode: nothing lies beside it.
        told: Of the pages copied and of their total; may raise to end this.

    Raises:
        FailedPreconditionError: If the driver cannot do it.
    """
    with closing(sqlite3.connect(target)) as copy:
        # The first read settles which state the transaction sees. Otherwise every write by somebody else would make
        # SQLite begin the copy anew.
        connection.execute(sqlalchemy.text("SELECT count(*) FROM sqlite_master"))
        source = connection.connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise FailedPreconditionError(f"the catalogue's driver {connection.engine.driver} cannot copy a database")
        source.backup(copy, pages=_PAGES_AT_ONCE, progress=lambda _, left, total: told(total - left, total))
        leave_nothing_beside(copy)


def leave_nothing_beside(connection: sqlite3.Connection) -> None:
    """Ends the write-ahead log of a file that nobody else has open."""
    connection.execute("PRAGMA journal_mode = DELETE")


def _made_folder(url: URL) -> Path:
    """The file of a URL, whose folder there is now."""
    if not url.database or url.database == ":memory:" or "mode=memory" in url.database:
        raise InvalidArgumentError(
            "a catalogue in memory would not survive the process; give a file: sqlite:////absolute/path/catalogue.db"
        )
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FailedPreconditionError(
            f"the catalogue's folder {folder} cannot be made: {error.strerror or error}"
        ) from error
    return Path(url.database)


def _configure(connection: DBAPIConnection, _record: object) -> None:
    # The driver must leave transactions to _begin: of itself it would begin one late, and not around DDL.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous = FULL")  # in WAL mode: every commit reaches the disk before it returns
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten in the file, not left to be reused
    finally:
        cursor.close()


def _write_ahead(cursor: DBAPICursor) -> None:
    # Of several processes that open a new file at once, SQLite lets one set its mode and refuses the others without
    # waiting, as each of them holds a lock that another one wants. For an older file there is nothing to set.
    cursor.execute("PRAGMA busy_timeout")
    [(milliseconds,)] = cursor.fetchall()
    deadline = time.monotonic() + milliseconds / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return


def _begin(connection: Connection) -> None:
    # IMMEDIATE takes the writer's lock at once. A transaction that reads first and then wants to write is refused
    # as busy, without waiting, when somebody else has written in between.
    writes = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
