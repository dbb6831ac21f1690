"""The order of a list: by fields that the caller names, and by id, so that it is one order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, and_, false, literal, or_

from steeple.errors import InvalidArgumentError

_LARGEST: Final = 2**63 - 1
_LONGEST: Final = 1000


@dataclass(frozen=True)
class OrderField:
    """A field that a list can be sorted by.

    Attributes:
        column: In the database; never NULL.
        read: Reads a value that came out of a page token; raises ValueError for what cannot be one.
    """

    column: ColumnElement[Any]
    read: Callable[[object], object]


@dataclass(frozen=True)
class Order:
    """Fields to sort by, each with whether it falls; ``id`` is among them."""

    terms: Sequence[tuple[str, OrderField, bool]]

    def clauses(self) -> list[ColumnElement[Any]]:
        """For ORDER BY."""
        return [field.column.desc() if falling else field.column.asc() for _, field, falling in self.terms]

    def place(self, item: object) -> list[Any]:
        """Where an item stands, fit for JSON. Fields are attributes of the item."""
        values = [getattr(item, name) for name, _, _ in self.terms]
        return [value.isoformat() if isinstance(value, datetime) else value for value in values]

    def after(self, place: Sequence[object]) -> ColumnElement[bool]:
        """What follows a place.

        Raises:
            ValueError: If the place cannot be one of this order.
        """
        if len(place) != len(self.terms):
            raise ValueError("another number of fields")
        following: list[ColumnElement[bool]] = []
        same: list[ColumnElement[bool]] = []
        for (_, field, falling), raw in zip(self.terms, place, strict=True):
            value = _sent(field.read(raw))
            beyond = field.column < value if falling else field.column > value
            following.append(and_(*same, beyond))
            same.append(field.column == value)
        # A database makes no range of an index of alternatives; of what their first field is in all of them, it does.
        _, first, falling = self.terms[0]
        value = _sent(first.read(place[0]))
        return and_(first.column <= value if falling else first.column >= value, or_(false(), *following))


def _sent(value: object) -> object:
    """A value to compare with: of a whole number, PostgreSQL must know that it may be larger than the column takes."""
    return literal(value, BigInteger) if isinstance(value, int) else value


def read_order(text: str, fields: Mapping[str, OrderField]) -> Order:
    """The order that ``"create_time desc, display_name"`` asks for; by id if it is empty.

    Raises:
        InvalidArgumentError: If it is not a list of these fields.
    """
    terms: list[tuple[str, OrderField, bool]] = []
    for part in text.split(",") if text.strip() else ():
        match part.split():
            case [name]:
                falling = False
            case [name, "asc" | "desc" as direction]:
                falling = direction == "desc"
            case _:
                raise _wrong(f"{part.strip()[:80]!r} is not a field, or one with ' desc' after it", fields)
        if name not in fields:
            raise _wrong(f"there is no field {name[:80]!r}", fields)
        if name in (named for named, _, _ in terms):
            raise _wrong(f"{name} is given twice", fields)
        terms.append((name, fields[name], falling))
    if "id" not in (name for name, _, _ in terms):
        terms.append(("id", fields["id"], False))
    return Order(terms)


def read_text(value: object) -> str:
    """A text that a database takes."""
    if not isinstance(value, str) or len(value) > _LONGEST or "\0" in value:
        raise ValueError("not a text")
    value.encode("utf-8")  # raises UnicodeEncodeError, a ValueError, for half a surrogate pair
    return value


def read_number(value: object) -> int:
    """A whole number that a database takes."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
        raise ValueError("not a whole number")
    return value


def read_real(value: object) -> float:
    """A number that a database takes."""
    if not isinstance(value, float) or not math.isfinite(value):
        raise ValueError("not a number")
    return value


def read_time(value: object) -> datetime:
    """A time, UTC."""
    if not isinstance(value, str):
        raise ValueError("not a time")
    time = datetime.fromisoformat(value)
    if time.utcoffset() != timedelta(0):
        raise ValueError("not a time in UTC")
    return time


def _wrong(what: str, fields: Mapping[str, OrderField]) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"order_by: {what}; it takes {', '.join(sorted(fields))}, each with or without ' desc'", field="order_by"
    )
