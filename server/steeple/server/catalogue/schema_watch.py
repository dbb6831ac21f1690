"""An eye on the schema of the database, which a newer Steeple may change while this one runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Connection

from steeple.errors import UnavailableError
from steeple.server.catalogue.compatibility import stated_objection
from steeple.server.catalogue.database import Database
from steeple.server.logs import facts

log = logging.getLogger(__name__)


class SchemaWatch:
    """Keeps a running Steeple from using a database that a newer one has changed beyond it.

    Args:
        database: PostgreSQL's are looked at with every write, in its transaction and before it: no change of the schema
            comes between. A SQLite file has one server, and is looked at by :meth:`check` alone.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._objection = ""
        self._told: list[Callable[[str], object]] = []
        database.before_write = self._admit

    @property
    def objection(self) -> str:
        """Why the database can no longer be used; empty while it can."""
        return self._objection

    def tell(self, told: Callable[[str], object]) -> None:
        """Has ``told`` called, on any thread, with the objection as soon as there is one."""
        with self._lock:
            self._told.append(told)
            objection = self._objection
        if objection:
            told(objection)

    def check(self) -> None:
        """Looks whether the database can still be used. Cheap: it reads one row."""
        with self._database.read() as connection:
            found = stated_objection(connection)
        if found:
            self._object(found)

    def _admit(self, connection: Connection) -> None:
        if found := stated_objection(connection):
            self._object(found)
            raise UnavailableError(found)

    def _object(self, found: str) -> None:
        with self._lock:
            if self._objection:
                return
            self._objection = found
            told = list(self._told)
        log.error("no longer ready: the catalogue is beyond this version", extra=facts(reason=found))
        for each in told:
            each(found)
