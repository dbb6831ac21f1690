"""The app's database: one SQLite file in WAL mode, with what the person saved."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from steeple.app.damage import readable
from steeple.app.files import set_aside
from steeple.app.salvage import save_rows
from steeple.app.schema import MIGRATIONS
from steeple.errors import (
    DataLossError,
    FailedPreconditionError,
    ResourceExhaustedError,
    SteepleError,
    UnavailableError,
)

_BUSY_SECONDS: Final = 5.0  # that another process of the app is waited for
_COMPANIONS: Final = ("-wal", "-shm")


class Database:
    """The database, open. Thread safe: calls wait for each other.

    What :meth:`transaction` has returned from is on the disk, whatever happens to the process or the power afterwards.

    Args:
        path: Of the file, which is made if need be; its folder must be there. One that is damaged is renamed, and a
            new one is made, with all that can still be read.

    Attributes:
        set_aside: The damaged file that was found; None if there was none.
        saved_rows: Of it, those that could still be read and are in the new one.

    Raises:
        FailedPreconditionError: If the file was made by a newer version of the app, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._depth = 0
        self.set_aside: Path | None = None
        self.saved_rows = 0
        try:
            self._connection: sqlite3.Connection | None = _opened(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise FailedPreconditionError(f"{path} cannot be opened ({error}); look at who may read it") from error
            self.set_aside = set_aside(path, _COMPANIONS)
            self._connection = _opened(path)
            self.saved_rows = save_rows(self.set_aside, self._connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A block whose changes are kept together when it ends, or not at all when it raises. Blocks may be nested.

        Raises:
            FailedPreconditionError: If the database is closed.
            ResourceExhaustedError: If the disk is full.
            UnavailableError: If another process of the app is writing for too long.
            DataLossError: If the file turns out to be damaged.
        """
        with self._lock, self._told():
            connection = self._open_connection()
            if self._depth:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield connection
            except BaseException:
                self._depth -= 1
                connection.rollback()
                raise
            self._depth -= 1
            try:
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A block that reads. Raises as :meth:`transaction`."""
        with self._lock, self._told():
            yield self._open_connection()

    def wipe(self) -> None:
        """Empties the log, so that nothing is left there of what was deleted and overwritten in the file."""
        with self._lock, self._told():
            self._open_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def shrink(self) -> None:
        """Does as :meth:`wipe`, and gives back the space of what was deleted."""
        with self._lock, self._told():
            self._open_connection().execute("VACUUM")
        self.wipe()

    def close(self) -> None:
        """Closes the file; later calls raise."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise FailedPreconditionError("the app's data are closed; open them again")
        return self._connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _explained(error, self._path) from error


def _explained(error: sqlite3.Error, path: Path) -> SteepleError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return ResourceExhaustedError("there is no space left on this device; delete something, and try again")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return UnavailableError("another window of the app is writing; close it, or try again")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return DataLossError(f"{path} is damaged; start the app again, which sets it aside and makes a new one")
    return FailedPreconditionError(f"{path} cannot be used: {error}")


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.text_factory = readable
    try:
        _check_version(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # in WAL mode, less may lose the last commits to a power cut
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        _migrate(connection, path)
        _check_pages(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    while (version := _check_version(connection, path)) != len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _check_version(connection, path) == version:  # else another process was faster
                for statement in (*MIGRATIONS[version].split(";"), f"PRAGMA user_version = {version + 1}"):
                    connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    # In one statement: another process may be making the tables just now.
    version, tables = connection.execute(
        "SELECT user_version, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version"
    ).fetchone()
    if version > len(MIGRATIONS):
        _check_pages(connection)  # or it is a number that damage has made
        raise FailedPreconditionError(f"{path} was made by a newer version of the app; install that one again")
    if version < 0 or (version == 0 and tables):
        raise sqlite3.DatabaseError(f"version {version} of a database with tables")
    return int(version)


def _check_pages(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)
