"""The tables of the app's database."""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final = (
    """
    CREATE TABLE history (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        origin TEXT NOT NULL,
        pack TEXT,
        answer TEXT NOT NULL,
        words TEXT NOT NULL,
        thumbnail BLOB NOT NULL,
        latitude REAL,
        longitude REAL
    );
    CREATE TABLE history_references (
        entry INTEGER NOT NULL REFERENCES history (id) ON DELETE CASCADE,
        landmark TEXT NOT NULL,
        thumbnail BLOB NOT NULL,
        PRIMARY KEY (entry, landmark)
    );
    CREATE TABLE waiting (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        features BLOB NOT NULL,
        thumbnail BLOB NOT NULL,
        latitude REAL,
        longitude REAL,
        attempts INTEGER NOT NULL DEFAULT 0,
        problem TEXT
    );
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        kind TEXT NOT NULL,
        server TEXT NOT NULL,
        request_id TEXT NOT NULL UNIQUE,
        facts TEXT NOT NULL,
        features BLOB,
        photo BLOB,
        attempts INTEGER NOT NULL DEFAULT 0,
        problem TEXT
    )
    """,
)
"""Scripts of which each takes the database from one ``user_version`` to the next. Released ones never change."""

TABLES: Final = ("history", "history_references", "waiting", "outbox")
"""All of them; those that others refer to come first."""
