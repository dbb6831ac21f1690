"""The table of operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, func, insert, select

from steeple.errors import FailedPreconditionError, ResourceExhaustedError
from steeple.server.catalogue import audit, pages, tables
from steeple.server.catalogue.ids import timed_id
from steeple.server.catalogue.records import Page
from steeple.server.catalogue.requests import Request
from steeple.server.operations import rows
from steeple.server.operations.claims import Claims
from steeple.server.operations.records import UNFINISHED, Operation, OperationState, Problem, operation_name

_TABLE = tables.operation
_PROBLEM = tables.operation_problem
MAX_UNFINISHED: Final = 100
"""Operations that are queued or running."""

_LONGEST_ITEM: Final = 500
_LONGEST_MESSAGE: Final = 2000
_LONGEST_STEP: Final = 200


class OperationStore(Claims):
    """Operations in the catalogue's database. Thread safe; every change is durable when its call returns.

    Args:
        database: The catalogue's.
    """

    def create(self, method: str, arguments: Mapping[str, Any], *, request_id: str = "") -> Operation:
        """Queues an operation.

        Args:
            method: That began it.
            arguments: What was asked for, fit for JSON.
            request_id: A repeat gets the same operation, however far it is by then.

        Raises:
            InvalidArgumentError: If the request id is no UUID, or was used with other content.
            NotFoundError: If the operation of the same request was deleted.
            ResourceExhaustedError: If there are :data:`MAX_UNFINISHED` already.
        """
        request = Request.of(method, request_id, dict(arguments))
        with self._database.write() as connection:
            answer = request.answer(connection)
            if answer is not None:
                return rows.get(connection, str(answer["operation"]))
            _check_room(connection)
            now = datetime.now(UTC)
            operation_id = timed_id(now)
            connection.execute(
                insert(_TABLE).values(
                    id=operation_id,
                    method=method,
                    arguments=dict(arguments),
                    state=str(OperationState.QUEUED),
                    actor=audit.actor(),
                    create_time=now,
                    update_time=now,
                )
            )
            request.remember(connection, {"operation": operation_id}, now)
            audit.record(connection, now, operation_name(operation_id))
            return rows.get(connection, operation_id)

    def get(self, operation_id: str) -> Operation:
        """An operation.

        Raises:
            NotFoundError: If there is none of that id.
        """
        with self._database.read() as connection:
            return rows.get(connection, operation_id)

    def list(
        self,
        page_size: int = pages.DEFAULT_PAGE_SIZE,
        page_token: str = "",
        *,
        states: Iterable[OperationState] = (),
    ) -> Page[Operation]:
        """A page of operations, the latest first.

        Args:
            page_size: 0 stands for 50, more than 1000 for 1000.
            page_token: Of the last page.
            states: Only those in one of these; none: all.

        Raises:
            InvalidArgumentError: If the page size is negative, or the token of another list.
        """
        size = pages.check_page_size(page_size)
        wanted = sorted({str(state) for state in states})
        collection = f"operations:{','.join(wanted)}"
        last = pages.last_id(collection, page_token)
        query, count = select(_TABLE), select(func.count()).select_from(_TABLE)
        if wanted:
            query, count = query.where(_TABLE.c.state.in_(wanted)), count.where(_TABLE.c.state.in_(wanted))
        if last:
            query = query.where(_TABLE.c.id < last)
        with self._database.read() as connection:
            there = connection.execute(query.order_by(_TABLE.c.id.desc()).limit(size + 1)).mappings()
            found = [rows.operation_of(row) for row in there]
            total = connection.execute(count).scalar_one()
        return pages.page_by_id(found, size, collection, total)

    def problems(
        self, operation_id: str, page_size: int = pages.DEFAULT_PAGE_SIZE, page_token: str = ""
    ) -> Page[Problem]:
        """A page of an operation's problems, in the order in which they were met.

        Raises:
            InvalidArgumentError: If the page size is negative, or the token of another list.
            NotFoundError: If there is no such operation.
        """
        size = pages.check_page_size(page_size)
        collection = f"{operation_name(operation_id)}/problems"
        last = pages.last_id(collection, page_token)
        query = select(_PROBLEM).where(_PROBLEM.c.operation_id == operation_id, _PROBLEM.c.number > int(last or 0))
        with self._database.read() as connection:
            operation = rows.get(connection, operation_id)
            there = connection.execute(query.order_by(_PROBLEM.c.number).limit(size + 1)).mappings()
            found = [Problem(str(row["number"]), row["item"], row["status"], row["message"]) for row in there]
        return pages.page_by_id(found, size, collection, operation.problem_count)

    def cancel(self, operation_id: str) -> Operation:
        """Tells an operation to stop; one that has not begun is cancelled at once, a finished one stays as it is.

        Raises:
            NotFoundError: If there is none of that id.
        """
        with self._database.write() as connection:
            operation, now = rows.get(connection, operation_id), datetime.now(UTC)
            if operation.state is OperationState.QUEUED:
                rows.put(connection, operation_id, state=str(OperationState.CANCELLED), end_time=now, update_time=now)
            elif operation.state is OperationState.RUNNING:
                rows.put(connection, operation_id, cancel_requested=True)
            audit.record(connection, now, operation.name)
            return rows.get(connection, operation_id)

    def resume(self, operation_id: str) -> Operation:
        """Queues an operation again that failed or was cancelled; it goes on where it was.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If it is not finished, or has succeeded.
            ResourceExhaustedError: If there are :data:`MAX_UNFINISHED` already.
        """
        with self._database.write() as connection:
            operation, now = rows.get(connection, operation_id), datetime.now(UTC)
            if operation.state not in (OperationState.FAILED, OperationState.CANCELLED):
                raise FailedPreconditionError(
                    f"{operation.name} is {operation.state}; only what is FAILED or CANCELLED can be resumed",
                    resource=operation.name,
                )
            _check_room(connection)
            rows.put(
                connection,
                operation_id,
                state=str(OperationState.QUEUED),
                error_status="",
                error_message="",
                cancel_requested=False,
                end_time=None,
                update_time=now,
            )
            audit.record(connection, now, operation.name)
            return rows.get(connection, operation_id)

    def delete(self, operation_id: str) -> None:
        """Forgets a finished operation and its problems.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If it is not finished.
        """
        with self._database.write() as connection:
            operation = rows.get(connection, operation_id)
            if not operation.finished:
                raise FailedPreconditionError(
                    f"{operation.name} is {operation.state}; cancel it first", resource=operation.name
                )
            rows.delete(connection, [operation_id])
            audit.record(connection, datetime.now(UTC), operation.name)

    # For the runner

    def save(
        self,
        operation_id: str,
        owner: str = "",
        *,
        step: str,
        done: int,
        total: int,
        checkpoint: Mapping[str, Any] | None = None,
    ) -> bool:
        """Stores progress and, if given, a checkpoint; whether the operation has been told to stop.

        Raises:
            LeaseLostError: If the owner does not run it any more.
        """
        with self._database.write() as connection:
            return self.save_in(
                connection, operation_id, owner, step=step, done=done, total=total, checkpoint=checkpoint
            )

    def save_in(
        self,
        connection: Connection,
        operation_id: str,
        owner: str = "",
        *,
        step: str,
        done: int,
        total: int,
        checkpoint: Mapping[str, Any] | None = None,
    ) -> bool:
        """As :meth:`save`, in a write transaction of the catalogue that is under way."""
        values: dict[str, Any] = {"step": step[:_LONGEST_STEP], "done": done, "total": total}
        if checkpoint is not None:
            values["checkpoint"] = dict(checkpoint)
        rows.change(connection, operation_id, owner, update_time=datetime.now(UTC), **values)
        query = select(_TABLE.c.cancel_requested).where(_TABLE.c.id == operation_id)
        return bool(connection.execute(query).scalar_one())

    def add_problem(self, operation_id: str, item: str, status: str, message: str) -> None:
        """Keeps what is wrong with an item, instead of what was wrong with the same item before."""
        with self._database.write() as connection:
            self.add_problem_in(connection, operation_id, item, status, message)

    def add_problem_in(self, connection: Connection, operation_id: str, item: str, status: str, message: str) -> None:
        """As :meth:`add_problem`, in a write transaction of the catalogue that is under way."""
        item, message = rows.text(item, _LONGEST_ITEM), rows.text(message, _LONGEST_MESSAGE)
        of_item = (_PROBLEM.c.operation_id == operation_id, _PROBLEM.c.item == item)
        values = {"status": status, "message": message}
        if connection.execute(sqlalchemy.update(_PROBLEM).where(*of_item).values(values)).rowcount:
            return
        operation = rows.get(connection, operation_id)
        last = select(func.max(_PROBLEM.c.number)).where(_PROBLEM.c.operation_id == operation_id)
        number = (connection.execute(last).scalar_one() or 0) + 1
        connection.execute(insert(_PROBLEM).values(operation_id=operation_id, number=number, item=item, **values))
        rows.put(connection, operation_id, problem_count=operation.problem_count + 1)

    def finish(
        self,
        operation_id: str,
        state: OperationState,
        owner: str = "",
        *,
        results: Mapping[str, str] | None = None,
        error_status: str = "",
        error_message: str = "",
    ) -> None:
        """Ends a running operation.

        Raises:
            LeaseLostError: If the owner does not run it any more.
        """
        now = datetime.now(UTC)
        values = {"error_status": error_status, "error_message": rows.text(error_message, _LONGEST_MESSAGE)}
        with self._database.write() as connection:
            rows.change(
                connection,
                operation_id,
                owner,
                state=str(state),
                results=dict(results or {}),
                end_time=now,
                update_time=now,
                lease_until=None,
                **values,
            )

    def states(self) -> dict[str, OperationState]:
        """Of all operations, by id."""
        with self._database.read() as connection:
            rows = connection.execute(select(_TABLE.c.id, _TABLE.c.state))
            return {row.id: OperationState(row.state) for row in rows}

    def purge(self, finished_before: datetime) -> tuple[str, ...]:
        """Forgets what was finished before a time, with its problems; the ids."""
        old = (_TABLE.c.end_time < finished_before, _TABLE.c.state.not_in([str(state) for state in UNFINISHED]))
        with self._database.read() as connection:
            if not connection.execute(select(_TABLE.c.id).where(*old).limit(1)).first():
                return ()
        with self._database.write() as connection:
            ids = tuple(connection.execute(select(_TABLE.c.id).where(*old)).scalars())
            rows.delete(connection, ids)
            return ids


def _check_room(connection: Connection) -> None:
    unfinished = _TABLE.c.state.in_([str(state) for state in UNFINISHED])
    count = connection.execute(select(func.count()).select_from(_TABLE).where(unfinished)).scalar_one()
    if count >= MAX_UNFINISHED:
        raise ResourceExhaustedError(
            f"{count} operations are queued or running, and no more are taken: wait for some, or cancel those that "
            "nobody needs (steeple operations list, steeple operations cancel)"
        )
