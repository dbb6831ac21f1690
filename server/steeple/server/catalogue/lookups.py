"""Many rows by their keys, however many keys there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from sqlalchemy import Connection

from steeple.server.catalogue.database import Database

MAX_KEY: Final = 2**63 - 1
"""The largest integer that a column holds."""

_KEYS_PER_QUERY: Final = 5000  # SQLite takes 32,766 parameters, PostgreSQL 65,535

_KeyT = TypeVar("_KeyT", int, str)
_ValueT = TypeVar("_ValueT")


def by_key(
    database: Database, keys: Iterable[_KeyT], fetch: Callable[[Connection, list[_KeyT]], dict[_KeyT, _ValueT]]
) -> dict[_KeyT, _ValueT]:
    """What ``fetch`` finds for all the keys, asked for no more of them at a time than a database takes.

    All of it is read in one transaction: of one state of the catalogue.
    """
    unique = list(dict.fromkeys(keys))
    found: dict[_KeyT, _ValueT] = {}
    if unique:
        with database.read() as connection:
            for start in range(0, len(unique), _KEYS_PER_QUERY):
                found.update(fetch(connection, unique[start : start + _KEYS_PER_QUERY]))
    return found


def image_keys(keys: Iterable[int]) -> Iterator[int]:
    """Those of the numbers that can be keys, as Python's integers: indexes give numpy's, which no driver takes."""
    return (int(key) for key in keys if 0 < key <= MAX_KEY)
