"""The database behind the catalogue: transactions that read, and transactions that write, one at a time."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy
from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError

from steeple.errors import FailedPreconditionError, InvalidArgumentError, UnavailableError
from steeple.server.catalogue import copying
from steeple.server.catalogue.locks import Locks
from steeple.server.catalogue.postgresql import Postgresql
from steeple.server.catalogue.sqlite import Sqlite, back_up, leave_nothing_beside

_BUSY_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.01
_IDLE_CONNECTIONS: Final = 8


class Database:
    """A thread-safe source of read and write transactions.

    Args:
        url: SQLAlchemy URL: ``sqlite:////var/lib/steeple/catalogue.db`` or ``postgresql://USER@HOST/DATABASE``.

    Attributes:
        before_write: Called at the start of every write transaction, once no other can begin, unless it is SQLite;
            raises to end it.
        locks: Of all who use the database.

    Raises:
        InvalidArgumentError: If the URL is not one, or names a database that cannot be durable or is of another kind.
        FailedPreconditionError: If the database's driver is not installed or its folder cannot be made.
    """

    def __init__(self, url: str | URL) -> None:
        parsed = parse_url(url)
        self._closed = False
        self.before_write: Callable[[Connection], None] = lambda _: None
        # SQLite lets one writer in at a time and the others poll, in no order. Threads that queue here instead never
        # see it busy; other processes still do, for which there is the timeout.
        self._writer = threading.Lock()
        kind = Sqlite if parsed.get_backend_name() == "sqlite" else Postgresql
        try:
            self._backend = kind(parsed, busy_seconds=_BUSY_SECONDS, idle_connections=_IDLE_CONNECTIONS)
        except ModuleNotFoundError as error:
            raise FailedPreconditionError(
                f"the driver of PostgreSQL is not installed ({error}): pip install 'steeple[postgres]'"
            ) from error
        self.locks = Locks(self._backend.engine)

    def __repr__(self) -> str:
        return f"Database({safe_url(self.engine.url)!r})"

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine behind all transactions."""
        return self._backend.engine

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine, used by one server at a time."""
        return isinstance(self._backend, Sqlite)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and is not held up by writers."""
        with self._transaction(self._backend.read_engine) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction with no other writer beside it; durable once the block has been left without an error."""
        with self._turn(), self._transaction(self._backend.write_engine) as connection:
            self._backend.begin_write(connection)
            if not self.is_sqlite:
                self.before_write(connection)
            yield connection
            self._backend.end_write()

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A transaction that may write, and that keeps nobody but who wants the same rows; on SQLite, as :meth:`write`.

        For rows that nobody follows by the order in which they are committed.
        """
        if self.is_sqlite:
            with self.write() as connection:
                yield connection
        else:
            with self._transaction(self._backend.write_engine) as connection:
                yield connection

    def copy_to(self, target: Path, told: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Copies the database to a SQLite file of its own, in one state, while others read and write.

        Args:
            target: The file, which must not be there; in rollback mode: nothing lies beside it.
            told: Of the pages or rows copied and of their total; may raise to end this.

        Raises:
            SteepleError: If the database cannot be read, or the file not written.
        """
        if isinstance(self._backend, Sqlite):
            with self.read() as connection:
                back_up(connection, target, told)
            return
        copy = Database(URL.create("sqlite", database=str(target)))
        try:
            copying.copy_catalogue(self, copy, told, verify=False)
        finally:
            copy.close()
        with closing(sqlite3.connect(target)) as connection:
            leave_nothing_beside(connection)

    def close(self) -> None:
        """Closes all connections; waits for a write in progress."""
        with self._writer:
            self._closed = True
            self.engine.dispose()

    def forget_deleted(self) -> None:
        """Leaves nothing on the disk of rows that were deleted: SQLite's write-ahead log still has their old pages.

        Raises:
            UnavailableError: If readers have kept the log in use for half a minute, or the database is closed.
        """
        if not isinstance(self._backend, Sqlite):
            return
        began = time.monotonic()
        while (patience := self._emptied_log(self._backend)) is not None:
            if time.monotonic() - began > patience:
                raise UnavailableError(
                    "what was deleted is still in the catalogue's write-ahead log, in use; try again"
                )
            time.sleep(_POLL_SECONDS)  # others write meanwhile: a reader may need to, to come to its end

    def _emptied_log(self, backend: Sqlite) -> float | None:
        with self._turn():
            if self._closed:
                raise UnavailableError("the catalogue is closed")
            return backend.emptied_log()

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
            raise self._backend.error(error) from error


def parse_url(url: str | URL) -> URL:
    """The URL of a catalogue's database.

    Raises:
        InvalidArgumentError: If it is not one, or of a database of another kind.
    """
    try:
        parsed = sqlalchemy.make_url(url)
    except (ArgumentError, ValueError):
        # Neither what was given nor the error that quotes it: there may be a password in it.
        raise InvalidArgumentError(
            "that is not a database URL; one reads sqlite:////absolute/path/catalogue.db or "
            "postgresql://USER:PASSWORD@HOST/DATABASE"
        ) from None
    name = parsed.get_backend_name()
    if name == "postgres":  # as other programs write it
        parsed = parsed.set(drivername="postgresql")
    elif name not in ("sqlite", "postgresql"):
        raise InvalidArgumentError(f"a catalogue is kept by SQLite or PostgreSQL, not by {name!r}; see database_url")
    return parsed


def safe_url(url: str | URL) -> str:
    """A database's URL without its passwords, to be shown."""
    parsed = parse_url(url)
    secret = {name: "hidden" for name in parsed.query if "password" in name}
    return parsed.update_query_dict(secret).render_as_string(hide_password=True)
