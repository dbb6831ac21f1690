"""The database behind the catalogue: connections, transactions, and its errors in Steeple's words."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

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

_BUSY_SECONDS: Final = 5.0  # unless the URL says ?timeout=
_POLL_SECONDS: Final = 0.01
_PATIENCE: Final = 6  # times as long, until a reader is done: half a minute
_IDLE_CONNECTIONS: Final = 8
_PAGES_AT_ONCE: Final = 1024
_WRITE: Final = "steeple_write"
# Any number will do, as long as every Steeple server on one PostgreSQL database uses the same.
_WRITER_LOCK: Final = 0x57EE91E

_SQLITE_ERRORS: Final[dict[int, tuple[type[SteepleError], str]]] = {
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


class Database:
    """A thread-safe source of read and write transactions.

    Args:
        url: SQLAlchemy URL, such as ``sqlite:////var/lib/steeple/catalogue.db``.

    Raises:
        InvalidArgumentError: If the URL is not one, or names a database that cannot be durable.
        FailedPreconditionError: If the database's driver is not installed or its folder cannot be made.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self._closed = False
        self._is_sqlite = parsed.get_backend_name() == "sqlite"
        # SQLite lets one writer in at a time and the others poll, in no order. Threads that queue here instead never
        # see it busy; other processes still do, for which there is the timeout.
        self._writer = threading.Lock()
        try:
            self._file = DatabaseFile(Path(parsed.database)) if self._is_sqlite and parsed.database else None
            self._engine = _engine(parsed, self._file)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise FailedPreconditionError(
                f"the database driver for {parsed.drivername!r} is not installed: {error}"
            ) from error
        self._write_engine = self._engine.execution_options(**{_WRITE: True})
        # Every SQLite transaction sees one state; other databases must be asked to.
        self._read_engine = (
            self._engine if self._is_sqlite else self._engine.execution_options(isolation_level="REPEATABLE READ")
        )

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine behind all transactions."""
        return self._engine

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine, used by one server at a time."""
        return self._is_sqlite

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and is not held up by writers."""
        with self._transaction(self._read_engine) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction with no other writer beside it; durable once the block has been left without an error."""
        with self._turn(), self._transaction(self._write_engine) as connection:
            if not self._is_sqlite:
                # Sequence numbers must become visible in their order, or a reader would miss a change for good.
                connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_WRITER_LOCK)))
            yield connection
            if self._file is not None:
                self._file.check()  # what is committed to a file without a name is lost

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A transaction that may write, and that keeps nobody but who wants the same rows; on SQLite, as :meth:`write`.

        For rows that nobody follows by the order in which they are committed.
        """
        if self._is_sqlite:
            with self.write() as connection:
                yield connection
        else:
            with self._transaction(self._engine) as connection:
                yield connection

    def copy_to(self, target: Path, told: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Copies the database to a file of its own, in one state, while others read and write.

        Args:
            target: The file, in rollback mode: nothing lies beside it.
            told: Of the pages copied and of their total; may raise to end this.

        Raises:
            FailedPreconditionError: If it is not SQLite.
        """
        if not self._is_sqlite:
            raise FailedPreconditionError(
                f"the catalogue is kept by {self._engine.name}: back it up with that database's own tools, and the "
                "photos after it; snapshots are of SQLite catalogues"
            )
        with self.read() as connection, closing(sqlite3.connect(target)) as copy:
            # The first read settles which state the transaction sees. Otherwise every write by somebody else would
            # make SQLite begin the copy anew.
            connection.execute(sqlalchemy.text("SELECT count(*) FROM sqlite_master"))
            source = connection.connection.driver_connection
            if not isinstance(source, sqlite3.Connection):
                raise FailedPreconditionError(f"the catalogue's driver {self._engine.driver} cannot copy a database")
            source.backup(copy, pages=_PAGES_AT_ONCE, progress=lambda _, left, total: told(total - left, total))
            copy.execute("PRAGMA journal_mode = DELETE")

    def close(self) -> None:
        """Closes all connections; waits for a write in progress."""
        with self._writer:
            self._closed = True
            self._engine.dispose()

    def forget_deleted(self) -> None:
        """Leaves nothing on the disk of rows that were deleted: SQLite's write-ahead log still has their old pages.

        Raises:
            UnavailableError: If readers have kept the log in use for half a minute, or the database is closed.
        """
        if not self._is_sqlite:
            return
        began = time.monotonic()
        while (patience := self._emptied_log()) is not None:
            if time.monotonic() - began > patience:
                raise UnavailableError(
                    "what was deleted is still in the catalogue's write-ahead log, in use; try again"
                )
            time.sleep(_POLL_SECONDS)  # others write meanwhile: a reader may need to, to come to its end

    def _emptied_log(self) -> float | None:
        """None if SQLite's write-ahead log is empty now; else, as a reader needs it, seconds to go on trying for."""
        with self._turn():
            if self._closed:
                raise UnavailableError("the catalogue is closed")
            connection = self._engine.raw_connection()
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
                raise _translate(error) from error
            finally:
                connection.close()
        return _PATIENCE * milliseconds / 1000 if busy else None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # Those before may each have waited for another process; their threads must not be held up one after another.
        if not self._writer.acquire(timeout=_BUSY_SECONDS):
            raise UnavailableError(f"others have been changing the catalogue for {_BUSY_SECONDS:g} s; try again")
        try:
            yield
        finally:
            self._writer.release()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        if self._closed:
            raise UnavailableError("the catalogue is closed")
        try:
            with engine.begin() as connection:
                yield connection
        except (DBAPIError, sqlite3.Error) as error:  # the second while a connection is being configured
            if self._is_sqlite and _code(error) == sqlite3.SQLITE_CANTOPEN:
                check_descriptors()
            raise _translate(error) from error


def _parse(url: str) -> URL:
    try:
        parsed = sqlalchemy.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise InvalidArgumentError(
            f"{url!r} is not a database URL; one reads sqlite:////absolute/path/catalogue.db"
        ) from error
    if parsed.get_backend_name() != "sqlite":
        return parsed
    if not parsed.database or parsed.database == ":memory:" or "mode=memory" in parsed.database:
        raise InvalidArgumentError(
            "a catalogue in memory would not survive the process; give a file: sqlite:////absolute/path/catalogue.db"
        )
    folder = Path(parsed.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FailedPreconditionError(
            f"the catalogue's folder {folder} cannot be made: {error.strerror or error}"
        ) from error
    return parsed


def _engine(url: URL, file: DatabaseFile | None) -> Engine:
    # No cap on the connections: the threads of the server cap them, and none shall wait for another's.
    arguments = {"timeout": _BUSY_SECONDS} if file is not None and "timeout" not in url.query else {}
    engine = sqlalchemy.create_engine(url, pool_size=_IDLE_CONNECTIONS, max_overflow=-1, connect_args=arguments)
    if file is not None:
        # SQLite would make a new, empty file.
        event.listen(engine, "do_connect", lambda *_: file.check())
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "connect", lambda *_: file.opened())
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: DBAPIConnection, _record: object) -> None:
    # The driver must leave transactions to _begin_sqlite: of itself it would begin one late, and not around DDL.
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


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the writer's lock at once. A transaction that reads first and then wants to write is refused
    # as busy, without waiting, when somebody else has written in between.
    writes = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _code(error: DBAPIError | sqlite3.Error) -> int:
    """SQLite's code of the kind of an error; 0 if it has none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    # The low byte is the kind of the error, the rest its details.
    return int(getattr(cause, "sqlite_errorcode", 0)) & 0xFF if isinstance(cause, sqlite3.Error) else 0


def _translate(error: DBAPIError | sqlite3.Error) -> SteepleError:
    cause, code = error.orig if isinstance(error, DBAPIError) else error, _code(error)
    if code in _SQLITE_ERRORS:
        kind, message = _SQLITE_ERRORS[code]
        return kind(f"{message} ({cause})")
    if isinstance(error, OperationalError) and not isinstance(cause, sqlite3.Error):
        return UnavailableError(f"the catalogue's database cannot be reached; try again ({cause})")
    return InternalError(f"the catalogue's database refused a statement ({cause})")
