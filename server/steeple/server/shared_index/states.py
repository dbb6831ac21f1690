"""How far a shared index has come: a row of the catalogue's database for each model release."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

import sqlalchemy
from sqlalchemy import Connection, select

from steeple.errors import UnavailableError
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.index_tables import shared_index, shared_index_attempt

_TABLE: Final = shared_index
_ATTEMPT: Final = shared_index_attempt
_WAIT_SECONDS: Final = 30
_THREADS: Final[WeakKeyDictionary[Database, dict[str, threading.Lock]]] = WeakKeyDictionary()
_MAKING: Final = threading.Lock()


@dataclass(frozen=True)
class SharedState:
    """How far the index of a model release has come.

    Attributes:
        generation: That serves; 0: none yet.
        sequence: Of the last change of the catalogue that it has.
        clock: Of the engine, from which on searches see that change.
        size: Descriptors that it was made for.
        building: Generation that is being made; 0: none.
        building_sequence: Of the catalogue when that was begun: it may lack later changes.
        building_after: Key of the last image that it has, in the order of keys.
        building_images: That it has.
        building_size: Descriptors that it is made for.
        builder: Who makes it.
        builder_until: When another may go on with it, unless the builder says otherwise.
        attempt: Number of the attempt to change the index that serves that ended well last.
    """

    generation: int = 0
    sequence: int = 0
    clock: int = 0
    size: int = 0
    building: int = 0
    building_sequence: int = 0
    building_after: int = 0
    building_images: int = 0
    building_size: int = 0
    builder: str = ""
    builder_until: datetime | None = None
    attempt: int = 0


class LockedState:
    """A state that nobody else changes meanwhile. What :attr:`state` is at the end is saved.

    Attributes:
        state: May be set.
    """

    def __init__(self, state: SharedState, database: Database, model: str) -> None:
        self.state = state
        self._database = database
        self._model = model

    def begin(self) -> bool:
        """To be called before the index is changed; whether all that was done to it is noted in the state.

        If not, somebody who began ended before that: some of what the state lacks may have been done.
        """
        with self._database.aside() as connection:
            query = select(_ATTEMPT.c.attempt).where(_ATTEMPT.c.model == self._model)
            last = connection.execute(query).scalar_one_or_none() or 0
            mine = max(last, self.state.attempt) + 1
            connection.execute(
                sqlalchemy.text(
                    "INSERT INTO shared_index_attempt (model, attempt) VALUES (:model, :attempt) "
                    "ON CONFLICT (model) DO UPDATE SET attempt = :attempt"
                ),
                {"model": self._model, "attempt": mine},
            )
        certain = last == self.state.attempt
        self.state = replace(self.state, attempt=mine)
        return certain


class SharedStates:
    """The states of one model release's index, as of now. Thread safe.

    Args:
        database: The catalogue's.
        model: Name of the release.
    """

    def __init__(self, database: Database, model: str) -> None:
        self._database = database
        self._model = model
        with _MAKING:
            self._threads = _THREADS.setdefault(database, {}).setdefault(model, threading.Lock())

    def read(self) -> SharedState:
        """The state, whoever is about to change it.

        Raises:
            UnavailableError: If the database cannot be reached.
        """
        with self._database.read() as connection:
            return _read(connection, self._model)

    @contextmanager
    def locked(self) -> Iterator[LockedState]:
        """Keeps all others, also on other machines, from changing the state and the index that it is about.

        An error leaves the state as it was. So does the end of this process, and of the connection to the database.

        Raises:
            UnavailableError: If another has kept it for half a minute, or the database cannot be reached.
        """
        if not self._threads.acquire(timeout=_WAIT_SECONDS):
            raise UnavailableError(f"the index has been changed by others for {_WAIT_SECONDS} s; try again")
        try:
            with self._locked_in_process() if self._database.is_sqlite else self._locked_by_row() as held:
                yield held
        finally:
            self._threads.release()

    def forget(self) -> None:
        """Forgets the index: it is gone, or somebody else's."""
        with self._database.aside() as connection:
            connection.execute(sqlalchemy.delete(_TABLE).where(_TABLE.c.model == self._model))

    @contextmanager
    def _locked_in_process(self) -> Iterator[LockedState]:
        # One server at a time uses the file. A transaction would keep all others of it from writing.
        before = self.read()
        held = LockedState(before, self._database, self._model)
        yield held
        if held.state != before:
            with self._database.aside() as connection:
                _make(connection, self._model)
                _write(connection, self._model, held.state)

    @contextmanager
    def _locked_by_row(self) -> Iterator[LockedState]:
        with self._database.aside() as connection:
            connection.execute(sqlalchemy.text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
            _make(connection, self._model)
            before = _read(connection, self._model, lock=True)
            held = LockedState(before, self._database, self._model)
            yield held
            if held.state != before:
                _write(connection, self._model, held.state)


def _read(connection: Connection, model: str, *, lock: bool = False) -> SharedState:
    query = select(*(_TABLE.c[name] for name in asdict(SharedState()))).where(_TABLE.c.model == model)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return SharedState() if row is None else SharedState(**row)


def _make(connection: Connection, model: str) -> None:
    values = "INSERT INTO shared_index (model) VALUES (:model) ON CONFLICT (model) DO NOTHING"
    connection.execute(sqlalchemy.text(values), {"model": model})


def _write(connection: Connection, model: str, state: SharedState) -> None:
    connection.execute(sqlalchemy.update(_TABLE).where(_TABLE.c.model == model).values(asdict(state)))
