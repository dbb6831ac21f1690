"""Copies a whole catalogue from one database to another, of whatever kind each of them is."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy
from sqlalchemy import Column, Connection, LargeBinary, Table, delete, func, insert, select

from steeple.errors import DataLossError, FailedPreconditionError
from steeple.server.catalogue.compatibility_table import schema_compatibility
from steeple.server.catalogue.migrate import UNFINISHED, known_revisions, revision_of, upgrade
from steeple.server.catalogue.schema import metadata
from steeple.server.catalogue.tables import COPIED
from steeple.server.catalogue.trigrams import make_index

if TYPE_CHECKING:
    from steeple.server.catalogue.database import Database

_ROWS_AT_ONCE: Final = 2000
_LARGE_ROWS_AT_ONCE: Final = 100  # of those with features: about 5 MB
_SUM_BITS: Final = 256

Told = Callable[[int, int], None]
"""Is told of the rows done and of their total; may raise to end a copy."""

# Not of the metadata: it belongs to databases that are not catalogues yet.
_unfinished: Final = Table(UNFINISHED, sqlalchemy.MetaData(), Column("token", sqlalchemy.String(32), nullable=False))


@dataclass(frozen=True)
class CopiedTable:
    """A table that was copied.

    Attributes:
        name: Of the table.
        rows: In it.
        digest: Of all its rows in no order, in hex; the same of what was read and of what was written.
    """

    name: str
    rows: int
    digest: str


@dataclass(frozen=True)
class Copied:
    """A catalogue that was copied.

    Attributes:
        revision: Of its schema.
        tables: All that it has.
        replaced_characters: NUL characters that texts had and PostgreSQL's cannot have: they are U+FFFD now.
        changed_meanwhile: Whether the source was changed since, which the copy does not have.
    """

    revision: str
    tables: tuple[CopiedTable, ...]
    replaced_characters: int
    changed_meanwhile: bool

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)


def copy_catalogue(
    source: Database, target: Database, told: Told = lambda done, total: None, *, verify: bool = True
) -> Copied:
    """Copies all tables in one state, with their keys, and with the numbers that keys go on from.

    Until it has ended, the target cannot be opened as a catalogue. After it was interrupted, call it again: what there
    is of a copy that has not ended is removed first.

    Args:
        source: A catalogue; it can be in use, but the copy has nothing of what is changed after it began.
        target: An empty database, or one with a copy that has not ended.
        told: Of the rows done, which count twice where they are verified, and of their total.
        verify: Whether all is read from the target again and compared.

    Raises:
        FailedPreconditionError: If the source is not a catalogue of this version of Steeple, the target is not empty,
            or another copy to it has begun meanwhile.
        DataLossError: If the target has other rows than the source.
        SteepleError: If either database cannot be used.
    """
    with source.read() as reading:
        revision = _checked_source(reading)
        tables = [table for table in metadata.sorted_tables if table.info.get(COPIED, True)]
        counts = {table: _count(reading, table) for table in tables}
        progress = _Progress(told, sum(counts.values()) * (2 if verify else 1))
        token = _begin(target)
        copy = _Copy(reading, target, token, progress)
        copied = tuple(copy.table(table) for table in tables)
        _continue_numbers(reading, target, token)
        if verify:
            with target.read() as written:
                for one, table in zip(copied, tables, strict=True):
                    _check(one, _summed(written, table, progress))
        latest = _latest(reading)
    with target.write() as connection:
        _check_token(connection, token)
        _unfinished.drop(connection)
    with source.read() as reading:
        changed = _latest(reading) != latest
    return Copied(revision, copied, copy.replaced, changed)


class _Progress:
    def __init__(self, told: Told, total: int) -> None:
        self._told, self._done, self._total = told, 0, total

    def __call__(self, rows: int) -> None:
        self._done += rows
        self._told(self._done, self._total)


class _Sum:
    """A digest of rows in no order: databases sort texts by rules of their own."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row: Mapping[str, Any]) -> None:
        digest = hashlib.sha256()
        for name in sorted(row):
            digest.update(_bytes_of(row[name]))
        self._sum = (self._sum + int.from_bytes(digest.digest(), "big")) % (1 << _SUM_BITS)
        self.rows += 1

    @property
    def digest(self) -> str:
        return f"{self._sum:0{_SUM_BITS // 4}x}"


class _Copy:
    def __init__(self, reading: Connection, target: Database, token: str, progress: _Progress) -> None:
        self._reading, self._target, self._token, self._progress = reading, target, token, progress
        self._without_nul = target.engine.dialect.name == "postgresql"
        self.replaced = 0

    def table(self, table: Table) -> CopiedTable:
        total = _Sum()
        for rows in _batches(self._reading, table):
            if self._without_nul:
                for row in rows:
                    self._replace_nul(row)
            for row in rows:
                total.add(row)
            with self._target.write() as connection:
                _check_token(connection, self._token)
                connection.execute(insert(table), rows)
            self._progress(len(rows))
        return CopiedTable(table.name, total.rows, total.digest)

    def _replace_nul(self, row: dict[str, Any]) -> None:
        for name, value in row.items():
            if isinstance(value, str) and "\0" in value:
                self.replaced += value.count("\0")
                row[name] = value.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _checked_source(connection: Connection) -> str:
    revision, newest = revision_of(connection), known_revisions()[0]
    if not revision or sqlalchemy.inspect(connection).has_table(UNFINISHED):
        raise FailedPreconditionError("the source is not a catalogue of Steeple")
    if revision != newest:
        raise FailedPreconditionError(
            f"the source has schema {revision}, and this version of Steeple copies {newest}: start `steeple serve` on "
            "it once, which brings it there, or copy it with the version that serves it"
        )
    return revision


def _begin(target: Database) -> str:
    """Makes all tables, empty, and leaves a mark that the database is not a catalogue yet; the mark."""
    token = secrets.token_hex(16)
    with target.write() as connection:
        found = set(sqlalchemy.inspect(connection).get_table_names())
        if found and UNFINISHED not in found:
            raise FailedPreconditionError(
                f"the target is not empty: it holds the tables {', '.join(sorted(found)[:5])}; give an empty database"
            )
        if UNFINISHED in found:
            _unfinished.drop(connection)
        upgrade(connection)
        make_index(connection)
        for table in reversed(metadata.sorted_tables):
            if table is not schema_compatibility:
                connection.execute(delete(table))
        _unfinished.create(connection)
        connection.execute(insert(_unfinished).values(token=token))
    return token


def _check_token(connection: Connection, token: str) -> None:
    found = None
    if sqlalchemy.inspect(connection).has_table(UNFINISHED):
        found = connection.execute(select(_unfinished.c.token)).scalar_one_or_none()
    if found != token:
        raise FailedPreconditionError("another copy to the same target has begun meanwhile; let it end")


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    large = any(isinstance(column.type, LargeBinary) for column in table.columns)
    size = _LARGE_ROWS_AT_ONCE if large else _ROWS_AT_ONCE
    # In the order of their keys, in which the target's own index of them takes them fastest.
    query = select(table).order_by(*table.primary_key.columns)
    rows = connection.execution_options(yield_per=size).execute(query).mappings()
    try:
        while batch := [dict(row) for row in islice(rows, size)]:
            yield batch
    finally:
        rows.close()


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _summed(connection: Connection, table: Table, progress: _Progress) -> CopiedTable:
    total = _Sum()
    for rows in _batches(connection, table):
        for row in rows:
            total.add(row)
        progress(len(rows))
    return CopiedTable(table.name, total.rows, total.digest)


def _check(read: CopiedTable, written: CopiedTable) -> None:
    if read.rows != written.rows:
        raise DataLossError(
            f"of {read.rows:,} rows of the table {read.name}, the target has {written.rows:,}; copy it again"
        )
    if read.digest != written.digest:
        raise DataLossError(f"the table {read.name} has other rows in the target than in the source; copy it again")


def _latest(connection: Connection) -> Sequence[object]:
    """What grows with every change."""
    tables = metadata.tables
    numbers = (tables["change"].c.sequence, tables["audit_event"].c.number)
    return [connection.execute(select(func.max(column))).scalar_one() for column in numbers]


def _numbered() -> Iterable[tuple[Table, Column[int]]]:
    """Tables whose rows databases number, and the columns with these numbers."""
    for table in metadata.sorted_tables:
        if (column := table.autoincrement_column) is not None:
            yield table, column


def _continue_numbers(reading: Connection, target: Database, token: str) -> None:
    """Has no number come back that the source has given to a row, even if that is gone."""
    last = {table: _last_number(reading, table, column) for table, column in _numbered()}
    with target.write() as connection:
        _check_token(connection, token)
        for table, column in _numbered():
            if last[table]:
                _set_last_number(connection, table, column, last[table])


def _last_number(connection: Connection, table: Table, column: Column[int]) -> int:
    highest = connection.execute(select(func.max(column))).scalar_one() or 0
    if connection.dialect.name == "sqlite":
        query = sqlalchemy.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        given = connection.execute(query, {"name": table.name}).scalar_one_or_none() or 0
    else:
        numbers = sqlalchemy.table(_sequence(table, column), sqlalchemy.column("last_value"))
        last = sqlalchemy.case((sqlalchemy.column("is_called"), numbers.c.last_value), else_=0)
        given = connection.execute(select(last)).scalar_one()
    return max(highest, given)


def _set_last_number(connection: Connection, table: Table, column: Column[int], number: int) -> None:
    if connection.dialect.name == "sqlite":
        values = {"name": table.name, "number": number}
        connection.execute(sqlalchemy.text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        connection.execute(sqlalchemy.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)"), values)
    else:
        connection.execute(select(func.setval(_sequence(table, column), number)))


def _sequence(table: Table, column: Column[int]) -> str:
    return f"{table.name}_{column.name}_seq"  # as PostgreSQL names those that it makes for a column


def _bytes_of(value: object) -> bytes:
    """A value by its kind and content, so that no two values have the same."""
    match value:
        case None:
            kind, content = "0", b""
        case bytes() | memoryview():
            kind, content = "b", bytes(value)
        case str():
            kind, content = "s", value.encode("utf-8", "surrogatepass")
        case bool() | int():  # a flag is a number in some databases
            kind, content = "i", str(int(value)).encode("ascii")
        case float():
            kind, content = "f", value.hex().encode("ascii")
        case datetime():
            kind, content = "t", value.isoformat().encode("ascii")
        case _:
            kind, content = "j", json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")
    return f"{kind}{len(content)}:".encode("ascii") + content
