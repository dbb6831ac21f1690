"""What lists of landmarks are found by: derived from the landmarks, in the transactions that change these.

Terms are in a table of their own, the same in every database. Texts inside of names are found by what the database has
for that: SQLite by a full-text table of trigrams, which triggers keep current, PostgreSQL by an index of its extension
``pg_trgm``, where that is installed.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy
from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    FunctionElement,
    Index,
    Table,
    event,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from steeple.server.catalogue.tables import Key, landmark, metadata

NAMES: Final = "landmark_names"
"""SQLite's full-text table of the landmarks' folded names; its own tables are named after it."""

TRIGRAM: Final = 3
"""Characters of the shortest text that trigrams find."""

# Labels and metadata, as numbers: see terms.
landmark_term: Final = Table(
    "landmark_term",
    metadata,
    Column("term", BigInteger, primary_key=True),
    Column("landmark_key", Key, ForeignKey("landmark.key", ondelete="CASCADE"), primary_key=True),
    Index(None, "landmark_key"),
    sqlite_with_rowid=False,
)

SQLITE_NAMES: Final = (
    "CREATE VIRTUAL TABLE landmark_names USING fts5("
    "search_names, content='landmark', content_rowid='key', columnsize=0, tokenize='trigram case_sensitive 1')",
    "CREATE TRIGGER landmark_names_insert AFTER INSERT ON landmark BEGIN"
    " INSERT INTO landmark_names (rowid, search_names) VALUES (NEW.key, NEW.search_names); END",
    "CREATE TRIGGER landmark_names_delete AFTER DELETE ON landmark BEGIN"
    " INSERT INTO landmark_names (landmark_names, rowid, search_names)"
    " VALUES ('delete', OLD.key, OLD.search_names); END",
    "CREATE TRIGGER landmark_names_update AFTER UPDATE OF search_names ON landmark"
    " WHEN OLD.search_names <> NEW.search_names BEGIN"
    " INSERT INTO landmark_names (landmark_names, rowid, search_names)"
    " VALUES ('delete', OLD.key, OLD.search_names);"
    " INSERT INTO landmark_names (rowid, search_names) VALUES (NEW.key, NEW.search_names); END",
)
"""Statements that make the full-text table, empty, and what keeps it current."""

for _statement in SQLITE_NAMES:
    _made = DDL(_statement)  # type: ignore[no-untyped-call]
    event.listen(landmark, "after_create", _made.execute_if(dialect="sqlite"))


def has_term(term: int) -> ColumnElement[bool]:
    """Whether a landmark has a term."""
    return _Scanned(landmark.c.key).in_(select(landmark_term.c.landmark_key).where(landmark_term.c.term == term))


def name_contains(text: str, *, counting: bool) -> ColumnElement[bool]:
    """Whether a landmark has a name that contains a text.

    Args:
        text: Folded as names are; not empty.
        counting: Whether landmarks are only counted, in no order.
    """
    contains = landmark.c.search_names.contains(text, autoescape=True)
    if len(text) < TRIGRAM:
        if counting:
            return contains
        named = landmark.alias("named")
        keys = select(named.c.key).where(named.c.search_names.contains(text, autoescape=True))
    else:
        phrase = '"' + text.replace('"', '""') + '"'
        match = sqlalchemy.column(NAMES, is_literal=True).bool_op("MATCH")(phrase)
        keys = select(sqlalchemy.table(NAMES, sqlalchemy.column("rowid")).c.rowid).where(match)
    # Where a page is wanted, an index is in its order. A count has none, and few names contain a text.
    key = landmark.c.key if counting else _Scanned(landmark.c.key)
    return _Names(contains, key.in_(keys))


class _Scanned(FunctionElement[int]):
    """A key that SQLite does not look up.

    It takes every set of keys for a small one, and would read the row of each, where to go through an index of all
    landmarks is faster once that set is a third of them, and takes 15 ms for 100,000 if it is small.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(_Scanned)
def _as_it_is(element: FunctionElement[Any], compiler: SQLCompiler, **options: object) -> str:
    return compiler.process(element.clauses.clauses[0], **options)


@compiles(_Scanned, "sqlite")
def _with_a_plus(element: FunctionElement[Any], compiler: SQLCompiler, **options: object) -> str:
    return "+" + compiler.process(element.clauses.clauses[0], **options)


class _Names(FunctionElement[bool]):
    """Either of two conditions that mean the same: of every database, and of what SQLite has."""

    type = sqlalchemy.Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:  # noqa: ANN401 - as of any element
        """As it is: compared with 1, as SQLAlchemy would, it would be of no use to choose an index by."""
        return self


@compiles(_Names)
def _by_pattern(element: FunctionElement[Any], compiler: SQLCompiler, **options: object) -> str:
    like, _ = element.clauses
    return compiler.process(like.self_group(), **options)


@compiles(_Names, "sqlite")
def _by_keys(element: FunctionElement[Any], compiler: SQLCompiler, **options: object) -> str:
    _, found = element.clauses
    return compiler.process(found.self_group(), **options)
