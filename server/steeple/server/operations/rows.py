"""Rows of operations, in the transaction of the connection that is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy
from sqlalchemy import Connection, RowMapping, select

from steeple.errors import CancelledError, NotFoundError
from steeple.server.catalogue import tables
from steeple.server.operations.records import UNFINISHED, Operation, OperationState, operation_name

OPERATION: Final = tables.operation
PROBLEM: Final = tables.operation_problem


class LeaseLostError(CancelledError):
    """Another run has been given an operation meanwhile: this one must change nothing of it any more."""

    def __init__(self, operation_id: str) -> None:
        name = operation_name(operation_id)
        super().__init__(f"{name} is not run here any more: its lease ran out, and it goes on elsewhere", resource=name)


def get(connection: Connection, operation_id: str) -> Operation:
    """An operation; NotFoundError if there is none of that id."""
    row = connection.execute(select(OPERATION).where(OPERATION.c.id == operation_id)).mappings().one_or_none()
    if row is None:
        name = operation_name(operation_id)
        raise NotFoundError(f"there is no {name}", resource=name)
    return operation_of(row)


def put(connection: Connection, operation_id: str, **values: object) -> None:
    """Sets columns."""
    connection.execute(sqlalchemy.update(OPERATION).where(OPERATION.c.id == operation_id).values(values))


def owned(operation_id: str, owner: str) -> sqlalchemy.Update:
    """What updates an operation if it is not finished and nobody has claimed it since the owner."""
    unfinished = OPERATION.c.state.in_([str(state) for state in UNFINISHED])
    return sqlalchemy.update(OPERATION).where(OPERATION.c.id == operation_id, OPERATION.c.owner == owner, unfinished)


def change(connection: Connection, operation_id: str, owner: str, **values: object) -> None:
    """Sets columns of an operation that the owner runs; LeaseLostError if it does not any more."""
    if not connection.execute(owned(operation_id, owner).values(values)).rowcount:
        get(connection, operation_id)
        raise LeaseLostError(operation_id)


def delete(connection: Connection, ids: Iterable[str]) -> None:
    """Forgets operations and their problems."""
    for one in ids:
        connection.execute(sqlalchemy.delete(PROBLEM).where(PROBLEM.c.operation_id == one))
        connection.execute(sqlalchemy.delete(OPERATION).where(OPERATION.c.id == one))


def text(text: str, longest: int) -> str:
    """What a file's name or an exception says may be anything; it is shown, not interpreted."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")[:longest]


def operation_of(row: RowMapping) -> Operation:
    """An operation as a record."""
    fields = dict(row)
    return Operation(**{**fields, "state": OperationState(fields["state"])})
