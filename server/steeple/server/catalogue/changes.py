"""The history of the gallery, by which an index catches up."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, ColumnElement, Connection, RowMapping, func, insert, literal, select

from steeple.server.catalogue import tables
from steeple.server.catalogue.records import Change, ChangeKind

# A server that is older than the column takes what it marks for an image that came, and adds it once more, which is
# harmless: a kind that it does not know would stop it.
_AS: Final = {ChangeKind.FACTS: ChangeKind.ADD}


def record(connection: Connection, kind: ChangeKind, image_key: int) -> None:
    """Records what is done to an image in the same transaction."""
    values = {"kind": _AS.get(kind, kind).value, "image_key": image_key, "facts": kind is ChangeKind.FACTS}
    connection.execute(insert(tables.change).values(values))


def record_all(connection: Connection, kind: ChangeKind, which: ColumnElement[bool]) -> None:
    """Records what is done to all reference images that meet a condition; in case of a removal, before it is done."""
    marks = (literal(_AS.get(kind, kind).value), literal(kind is ChangeKind.FACTS, Boolean))
    keys = select(*marks, tables.reference_image.c.key)
    ordered = keys.where(which).order_by(tables.reference_image.c.key)
    connection.execute(insert(tables.change).from_select(["kind", "facts", "image_key"], ordered))


def latest(connection: Connection) -> int:
    """Sequence number of the last change; 0 before the first."""
    return int(connection.execute(select(func.max(tables.change.c.sequence))).scalar_one() or 0)


def since(connection: Connection, sequence: int, limit: int) -> list[Change]:
    """The first ``limit`` changes after ``sequence``, in their order."""
    query = select(tables.change).where(tables.change.c.sequence > sequence)
    rows = connection.execute(query.order_by(tables.change.c.sequence).limit(limit)).mappings()
    return [Change(row["sequence"], _kind(row), row["image_key"]) for row in rows]


def _kind(row: RowMapping) -> ChangeKind:
    return ChangeKind.FACTS if row["facts"] else ChangeKind(row["kind"])
