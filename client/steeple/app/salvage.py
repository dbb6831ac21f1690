"""What can still be read of a damaged database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from steeple.app.damage import readable
from steeple.app.schema import MIGRATIONS, TABLES


def save_rows(damaged: Path, target: sqlite3.Connection) -> int:
    """Copies the rows that can still be read into a new database.

    Args:
        damaged: The damaged file, and its log beside it if there was one; neither is changed.
        target: The new database, with the tables of this version.

    Returns:
        Rows that were copied; none if the damaged file is of another version.
    """
    try:
        # One that may write would empty the log into the damaged file.
        with closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)) as source:
            source.text_factory = readable
            if source.execute("PRAGMA user_version").fetchone()[0] != len(MIGRATIONS):
                return 0
            target.execute("BEGIN IMMEDIATE")  # each row alone would wait for the disk
            count = sum(_copied(source, target, table) for table in TABLES)
            target.execute("COMMIT")
            return count
    except sqlite3.Error:
        target.rollback()
        return 0


def _copied(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> int:
    # From both ends towards the damage.
    count = 0
    for order in ("ASC", "DESC"):
        for row in _readable(source, table, order):
            marks = ", ".join("?" * len(row))
            try:
                count += target.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row).rowcount  # noqa: S608
            except sqlite3.IntegrityError:
                continue  # what it refers to could not be read
    return count


def _readable(source: sqlite3.Connection, table: str, order: str) -> Iterator[tuple[object, ...]]:
    try:
        yield from source.execute(f"SELECT * FROM {table} ORDER BY rowid {order}")  # noqa: S608
    except sqlite3.DatabaseError:
        return
