"""The history of the gallery, by which an index catches up."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, insert, literal, select

from steeple.server.catalogue import tables
from steeple.server.catalogue.records import Change, ChangeKind


def record(connection: Connection, kind: ChangeKind, image_key: int) -> None:
    """Records what is done to an image in the same transaction."""
    connection.execute(insert(tables.change).values(kind=kind.value, image_key=image_key))


def record_all(connection: Connection, kind: ChangeKind, which: ColumnElement[bool]) -> None:
    """Records what is done to all reference images that meet a condition; in case of a removal, before it is done."""
    keys = select(literal(kind.value), tables.reference_image.c.key)
    ordered = keys.where(which).order_by(tables.reference_image.c.key)
    connection.execute(insert(tables.change).from_select(["kind", "image_key"], ordered))


def latest(connection: Connection) -> int:
    """Sequence number of the last change; 0 before the first."""
    return int(connection.execute(select(func.max(tables.change.c.sequence))).scalar_one() or 0)


def since(connection: Connection, sequence: int, limit: int) -> list[Change]:
    """The first ``limit`` changes after ``sequence``, in their order."""
    query = select(tables.change).where(tables.change.c.sequence > sequence)
    rows = connection.execute(query.order_by(tables.change.c.sequence).limit(limit))
    return [Change(row.sequence, ChangeKind(row.kind), row.image_key) for row in rows]
