"""Who runs which operation: claimed by one run at a time, for as long as its lease is renewed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy
from sqlalchemy import Connection, Select, and_, func, or_, select

from steeple.server.catalogue import tables
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.locks import Locks
from steeple.server.operations import rows
from steeple.server.operations.records import UNFINISHED, Operation, OperationState
from steeple.server.operations.rows import LeaseLostError

_TABLE = tables.operation
_SILENT: Final = timedelta(minutes=2)


class Claims:
    """What runners ask of the table of operations. Thread safe; every change is durable when its call returns.

    Args:
        database: The catalogue's.

    Attributes:
        locks: The database's.
        shared: Whether other servers may use it too.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.locks: Locks = database.locks
        self.shared = not database.is_sqlite

    def requeue(self) -> int:
        """Queues what a server that is gone was running; how many that are. Only where there is one server."""
        with self._database.write() as connection:
            query = sqlalchemy.update(_TABLE).where(_TABLE.c.state == str(OperationState.RUNNING))
            return connection.execute(query.values(state=str(OperationState.QUEUED))).rowcount

    def fail_unfinished(self, message: str) -> int:
        """Ends what is queued or running as ABORTED; it can be resumed. How many that are.

        Args:
            message: Why.
        """
        now = datetime.now(UTC)
        values = {"state": str(OperationState.FAILED), "error_status": "ABORTED", "error_message": message}
        with self._database.write() as connection:
            query = sqlalchemy.update(_TABLE).where(_TABLE.c.state.in_([str(state) for state in UNFINISHED]))
            return connection.execute(query.values(**values, end_time=now, update_time=now)).rowcount

    def claim(self, owner: str = "", lease: timedelta | None = None) -> Operation | None:
        """Takes the operation that has waited for longest to be RUNNING; None if there is none.

        One waits that is queued, and one whose owner has let its lease run out: it is gone, or has stood still.

        Args:
            owner: What is to run it; no two runs have the same.
            lease: How long it has the right to, unless it is renewed; None: for good, as there is one server.
        """
        with self._database.read() as connection:  # most often there is none, and nobody has to wait to learn that
            if connection.execute(_waiting(connection, lease)).first() is None:
                return None
        with self._database.write() as connection:
            now, query = _now(connection), _waiting(connection, lease).with_for_update(skip_locked=True)
            operation_id = connection.execute(query).scalar_one_or_none()
            if operation_id is None:
                return None
            operation = rows.get(connection, operation_id)
            values = {"owner": owner, "lease_until": None if lease is None else now + lease, "update_time": now}
            running, start_time = str(OperationState.RUNNING), operation.start_time or now
            rows.put(connection, operation_id, state=running, start_time=start_time, **values)
            return rows.get(connection, operation_id)

    def renew(self, operation_id: str, owner: str, lease: timedelta) -> bool:
        """Lets an owner go on; whether it has the right to. What has lost it never gets it back."""
        with self._database.write() as connection:
            values = {"lease_until": _now(connection) + lease}
            return bool(connection.execute(rows.owned(operation_id, owner).values(values)).rowcount)

    def check_owner_in(self, connection: Connection, operation_id: str, owner: str) -> None:
        """Sees to it that an operation is run by an owner, in a write transaction of the catalogue that is under way.

        Raises:
            LeaseLostError: If it is not.
        """
        if not connection.execute(rows.owned(operation_id, owner).values(owner=owner)).rowcount:
            raise LeaseLostError(operation_id)

    def told_to_stop(self, operation_ids: Iterable[str]) -> set[str]:
        """Those of some operations that have been told to stop."""
        query = select(_TABLE.c.id).where(_TABLE.c.id.in_(list(operation_ids)), _TABLE.c.cancel_requested)
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())

    def unclaim(self, operation_id: str, owner: str = "") -> None:
        """Queues a running operation again, for another run.

        Raises:
            LeaseLostError: If the owner does not run it any more.
        """
        values = {"state": str(OperationState.QUEUED), "update_time": datetime.now(UTC), "lease_until": None}
        with self._database.write() as connection:
            rows.change(connection, operation_id, owner, **values)


def _waiting(connection: Connection, lease: timedelta | None) -> Select[str]:
    """Query for the id of the operation that has waited for longest; without leases, none is waited for."""
    queued, running = (_TABLE.c.state == str(state) for state in UNFINISHED)
    waits = queued
    if lease is not None:
        now = _now(connection)
        # Servers of a version without leases told of progress now and then.
        silent = and_(_TABLE.c.lease_until.is_(None), _TABLE.c.update_time < now - _SILENT)
        waits = or_(queued, and_(running, or_(_TABLE.c.lease_until < now, silent)))
    return select(_TABLE.c.id).where(waits).order_by(_TABLE.c.id).limit(1)


def _now(connection: Connection) -> datetime:
    """By the one clock that all servers on a database have."""
    if connection.dialect.name == "postgresql":
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now
    return datetime.now(UTC)
