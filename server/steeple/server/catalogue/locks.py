"""Locks by name: of the threads of a process and, on PostgreSQL, of all processes on the database."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import sqlalchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from steeple.errors import UnavailableError
from steeple.server.logs import facts

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.2
"""How often who waits asks whether to go on waiting."""

PATIENCE_SECONDS: Final = 10.0
"""How long to wait, unless it is said: who has a lock may be a process that was stopped."""

# PostgreSQL numbers advisory locks by 64 bits, or by 32 and 32; the writers' lock is of the first kind and below 2^32.
_MARK: Final = 1 << 62
_TOO_LONG: Final = "55P03"  # lock_not_available


class Hold:
    """A lock that is held.

    Attributes:
        lost: Whether it turned out, when it was given back, that the database had given it away: its connection had
            been closed meanwhile. Known after the block.
    """

    def __init__(self) -> None:
        self.lost = False


class Locks:
    """Locks of a database, each by a name. Thread safe; not re-entrant.

    Several may share a lock, or one has it alone. On SQLite they are of this process, which is the only one. On
    PostgreSQL they are advisory locks of sessions, each on a connection of its own: the database gives them back when
    the process dies.

    Args:
        engine: Of the database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._local = None if engine.dialect.name == "postgresql" else _LocalLocks()

    @contextmanager
    def shared(self, *names: str) -> Iterator[Hold]:
        """Has locks beside others that share them; waits for who has one alone.

        Args:
            names: Of the locks.

        Raises:
            UnavailableError: If the database cannot be reached, or it takes too long.
        """
        if not names:
            yield Hold()
            return
        stopped = _patient()
        with ExitStack() as held:
            if self._local is None:
                yield held.enter_context(self._held(names, shared=True, stopped=stopped))
            else:
                for name in sorted(set(names)):
                    held.enter_context(self._local.held(name, shared=True, stopped=stopped))
                yield Hold()

    @contextmanager
    def alone(self, name: str, *, stopped: Callable[[], None] | None = None) -> Iterator[Hold]:
        """Has a lock that nobody else has; waits for that.

        Args:
            name: Of the lock.
            stopped: Asked now and then while it waits; raises to end that. None: it ends after
                :data:`PATIENCE_SECONDS`.

        Raises:
            UnavailableError: If the database cannot be reached, or it takes too long.
        """
        stopped = stopped or _patient()
        if self._local is None:
            with self._held([name], shared=False, stopped=stopped) as hold:
                yield hold
        else:
            with self._local.held(name, shared=False, stopped=stopped):
                yield Hold()

    @contextmanager
    def alone_at_once(self, name: str) -> Iterator[bool]:
        """Has a lock that nobody else has, if it is free now; says whether it is.

        Raises:
            UnavailableError: If the database cannot be reached.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.alone(name, stopped=_busy))
            except _BusyError:
                yield False
            else:
                yield True

    @contextmanager
    def _held(self, names: Iterable[str], *, shared: bool, stopped: Callable[[], None]) -> Iterator[Hold]:
        """Locks of PostgreSQL: in one order, so that nobody waits for one another."""
        suffix, hold, held = "_shared" if shared else "", Hold(), list[int]()
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except DBAPIError as error:
            raise _unreachable(error) from error
        try:
            try:
                for number in sorted({number_of(name) for name in names}):
                    _take(connection, number, suffix, stopped)
                    held.append(number)
            except DBAPIError as error:
                connection.invalidate()
                raise _unreachable(error) from error
            try:
                yield hold
            finally:
                hold.lost = not _given_back(connection, held, suffix)
                held.clear()
        finally:
            if held:  # not all could be taken
                _given_back(connection, held, suffix)
            connection.close()


def number_of(name: str) -> int:
    """PostgreSQL's number of the lock of a name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) >> 2 | _MARK


def _take(connection: Connection, number: int, suffix: str, stopped: Callable[[], None]) -> None:
    free = sqlalchemy.text(f"SELECT pg_try_advisory_lock{suffix}(:number)")
    if connection.execute(free, {"number": number}).scalar_one():
        return
    # In the queue, so that who waits is not passed by for ever; out of it now and then, to ask.
    stopped()
    waiting = sqlalchemy.text(f"SELECT pg_advisory_lock{suffix}(:number)")
    connection.execute(sqlalchemy.text(f"SET lock_timeout = '{round(POLL_SECONDS * 1000)}ms'"))
    try:
        while not _taken(connection, waiting, number):
            stopped()
    finally:
        connection.execute(sqlalchemy.text("RESET lock_timeout"))


def _taken(connection: Connection, waiting: sqlalchemy.TextClause, number: int) -> bool:
    try:
        connection.execute(waiting, {"number": number})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != _TOO_LONG:
            raise
        return False
    return True


def _given_back(connection: Connection, numbers: Iterable[int], suffix: str) -> bool:
    """Whether all were still held."""
    try:
        query = sqlalchemy.text(f"SELECT pg_advisory_unlock{suffix}(:number)")
        held = [connection.execute(query, {"number": number}).scalar_one() for number in numbers]
    except DBAPIError as error:
        log.warning("a lock was lost, with its connection", extra=facts(error=str(error.orig)))
        connection.invalidate()
        return False
    return all(held)


def _patient() -> Callable[[], None]:
    """Ends a wait that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS

    def stopped() -> None:
        if time.monotonic() > deadline:
            raise UnavailableError(f"something has been locked by others for {PATIENCE_SECONDS:g} s; try again")

    return stopped


class _BusyError(Exception):
    """A lock is not free now."""


def _busy() -> None:
    raise _BusyError


def _unreachable(error: DBAPIError) -> UnavailableError:
    return UnavailableError(f"the catalogue's database cannot be reached; try again ({error.orig})")


@dataclass
class _State:
    """Of a lock of this process.

    Attributes:
        sharing: Holds that share it.
        taken: Whether somebody has it alone.
        waiting: Who wait to have it alone: nobody begins to share it meanwhile.
        users: Who hold it or wait for it.
    """

    sharing: int = 0
    taken: bool = False
    waiting: int = 0
    users: int = 0


class _LocalLocks:
    """Locks of the threads of this process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._states: dict[str, _State] = {}

    @contextmanager
    def held(self, name: str, *, shared: bool, stopped: Callable[[], None]) -> Iterator[None]:
        """A lock for the block."""
        with self._changed:
            state = self._states.setdefault(name, _State())
            state.users += 1
        try:
            with self._changed:
                self._take(state, shared, stopped)
            try:
                yield
            finally:
                with self._changed:
                    if shared:
                        state.sharing -= 1
                    else:
                        state.taken = False
                    self._changed.notify_all()
        finally:
            with self._changed:
                state.users -= 1
                if not state.users:
                    del self._states[name]

    def _take(self, state: _State, shared: bool, stopped: Callable[[], None]) -> None:
        if shared:
            while state.taken or state.waiting:
                stopped()
                self._changed.wait(POLL_SECONDS)
            state.sharing += 1
            return
        state.waiting += 1
        try:
            while state.taken or state.sharing:
                stopped()
                self._changed.wait(POLL_SECONDS)
            state.taken = True
        finally:
            state.waiting -= 1
            self._changed.notify_all()
