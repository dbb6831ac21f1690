"""What a migration takes from an older Steeple that goes on beside it: found by comparing schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import Connection


@dataclass(frozen=True)
class Column:
    """What an older Steeple relies on of a column."""

    kind: str
    nullable: bool
    filled: bool  # where a statement that does not know it leaves it out


@dataclass(frozen=True)
class Table:
    """What an older Steeple relies on of a table."""

    columns: dict[str, Column]
    unique: frozenset[tuple[str, ...]]
    checks: frozenset[str]
    keeps: frozenset[str]  # tables whose rows cannot be deleted while this one has rows of them


def schema(connection: Connection) -> dict[str, Table]:
    """The tables of a database, without Alembic's own."""
    found = sqlalchemy.inspect(connection)
    return {name: _table(found, name) for name in found.get_table_names() if name != "alembic_version"}


def _table(found: Any, name: str) -> Table:
    primary = found.get_pk_constraint(name)["constrained_columns"]
    columns = {
        column["name"]: Column(
            str(column["type"]).partition(" COLLATE ")[0],  # the order of text is nothing that a statement relies on
            bool(column["nullable"]),
            bool(column["nullable"]) or column["default"] is not None or primary == [column["name"]],
        )
        for column in found.get_columns(name)
    }
    unique = [each["column_names"] for each in found.get_unique_constraints(name)]
    unique += [each["column_names"] for each in found.get_indexes(name) if each["unique"]]
    return Table(
        columns,
        frozenset(tuple(names) for names in [*unique, primary]),
        frozenset(each["sqltext"] for each in found.get_check_constraints(name)),
        frozenset(
            each["referred_table"] for each in found.get_foreign_keys(name) if not each["options"].get("ondelete")
        ),
    )


def taken_away(before: dict[str, Table], after: dict[str, Table]) -> list[str]:
    """What keeps a Steeple that knows the first schema from using the second; empty: it only adds."""
    wrong = [f"table {name} is gone" for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        wrong += [f"{name}{what}" for what in _changed(before[name], after[name])]
    for name in after.keys() - before.keys():
        wrong += [f"{name} keeps rows of {of} from being deleted" for of in after[name].keeps & before.keys()]
    return sorted(wrong)


def _changed(before: Table, after: Table) -> list[str]:
    wrong = [f".{name} is gone" for name in before.columns.keys() - after.columns.keys()]
    for name, column in after.columns.items():
        old = before.columns.get(name)
        if old is None:
            wrong += [] if column.filled else [f".{name} must be given"]
            continue
        wrong += [f".{name} was {old.kind} and is {column.kind}"] if old.kind != column.kind else []
        wrong += [f".{name} must not be null any more"] if old.nullable and not column.nullable else []
        wrong += [f".{name} may be null now"] if column.nullable and not old.nullable else []
        wrong += [f".{name} must be given now"] if old.filled and not column.filled else []
    wrong += [f": {', '.join(names)} must be unique now" for names in after.unique - before.unique]
    wrong += [f": {', '.join(names)} need not be unique any more" for names in before.unique - after.unique]
    wrong += [f": checks {text} now" for text in after.checks - before.checks]
    wrong += [f" keeps rows of {of} from being deleted now" for of in after.keeps - before.keeps]
    return wrong
