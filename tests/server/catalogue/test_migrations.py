from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateTable

from steeple.errors import FailedPreconditionError
from steeple.server.access import KeyStore, MonthlyUsage, Scope
from steeple.server.catalogue import Catalogue, LandmarkDraft, tables
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.migrate import SCRIPTS, upgrade
from steeple.server.catalogue.schema import compared
from steeple.server.review import Origin, QueryVerdict
from steeple.server.review.store import KeptQueryStore
from steeple.server.usage import UsageCounts


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


def schema(path: Path) -> dict[str, set[str]]:
    """The parts of every statement that made a table or an index: columns and constraints, in no order."""
    with closing(sqlite3.connect(path)) as connection:
        made = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
            " AND name NOT IN ('alembic_version', 'sqlite_sequence')"
        ).fetchall()
    return {name: {" ".join(part.split()) for part in parts_of(sql)} for name, sql in made}


def parts_of(sql: str) -> list[str]:
    """A statement at the commas between its outermost parentheses."""
    parts, depth = [""], 0
    for letter in sql:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 1:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def test_a_new_database_gets_the_tables_of_the_metadata(url: str, tmp_path: Path) -> None:
    Catalogue.open(url).close()
    database = Database(url)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts=dict(compared("sqlite")))
        assert compare_metadata(context, tables.metadata) == []
        assert context.get_current_revision() is not None
    database.close()


def test_migrations_make_what_the_metadata_would(url: str, tmp_path: Path) -> None:
    # compare_metadata does not see check constraints or AUTOINCREMENT.
    Catalogue.open(url).close()
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/direct.db")
    tables.metadata.create_all(engine)
    engine.dispose()
    migrated, direct = schema(tmp_path / "catalogue.db"), schema(tmp_path / "direct.db")

    def parts(found: dict[str, set[str]]) -> dict[str, list[str]]:
        return {name: sorted(re.sub(r"[\s()]+", " ", part).strip() for part in of) for name, of in found.items()}

    assert parts(migrated) == parts(direct)
    assert any("AUTOINCREMENT" in part for part in migrated["reference_image"])


def test_there_is_one_line_of_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_migrations_go_down_and_up_again(url: str, tmp_path: Path) -> None:
    database = Database(url)
    with database.write() as connection:
        upgrade(connection)
    first = schema(tmp_path / "catalogue.db")
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert schema(tmp_path / "catalogue.db") == {}
    with database.write() as connection:
        upgrade(connection)
    database.close()
    assert schema(tmp_path / "catalogue.db") == first


def test_opening_again_changes_nothing(url: str, tmp_path: Path) -> None:
    with Catalogue.open(url) as catalogue:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
    before = schema(tmp_path / "catalogue.db")
    with Catalogue.open(url) as catalogue:
        assert catalogue.get_landmark("x").display_name == "Tower"
    assert schema(tmp_path / "catalogue.db") == before


def test_a_catalogue_from_before_keys_is_kept_and_gets_them(url: str) -> None:
    database = Database(url)
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO landmark VALUES (1, 'tower', 'Tower', '', NULL, NULL, '{}', 1, '2026-01-01', '2026-01-01')"
        )
    database.close()
    with Catalogue.open(url) as catalogue:
        assert catalogue.get_landmark("tower").display_name == "Tower"
        store = KeyStore(catalogue.database)
        assert store.list().items == ()
        made = store.create("First", Scope.ADMIN)
        assert store.get(made.key.id).scope is Scope.ADMIN


def test_what_keys_have_used_becomes_the_usage_of_the_server(url: str) -> None:
    database = Database(url)
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for key in ("a", "b"):
            connection.exec_driver_sql(
                "INSERT INTO api_key (id, display_name, scope, digest, requests_per_second, burst,"
                " monthly_identifications, successor, create_time) VALUES (?, '', 'device', '', 0, 0, 0, '', ?)",
                (key, "2026-01-02 03:04:05.000000"),
            )
            connection.exec_driver_sql("INSERT INTO key_usage VALUES (?, '2026-05', 3, 1)", (key,))
        connection.exec_driver_sql("INSERT INTO key_usage VALUES ('b', '2026-06', 0, 7)")
    database.close()
    with Catalogue.open(url) as catalogue:
        usage = UsageCounts(catalogue.database, lambda: datetime(2026, 7, 1, tzinfo=UTC))
        assert usage.report().months == [MonthlyUsage("2026-06", 0, 7), MonthlyUsage("2026-05", 6, 2)]


def test_queries_that_were_kept_before_there_was_feedback_are_no_feedback(url: str) -> None:
    database = Database(url)
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
        connection.exec_driver_sql(
            "INSERT INTO kept_query (id, create_time, key_id, request_id, outcome, landmark_id, confidence, candidates,"
            " model, width, height, feature_count, content, media_type, size_bytes)"
            " VALUES ('q', '2026-01-02 03:04:05.000000', '', '', 'unknown', '', 0, '[]', 'm', 1, 1, 1, 'photo', '', 9)"
        )
    database.close()
    with Catalogue.open(url) as catalogue:
        store = KeptQueryStore(catalogue.database, timedelta(days=30))
        query = store.get("q")
        assert (query.origin, query.feedback, query.verdict) == (Origin.QUERY, None, QueryVerdict.NONE)
        assert (store.sent_bytes(""), store.sent_times("", 5)) == (0, [])


def test_a_migration_that_fails_leaves_nothing(url: str, tmp_path: Path) -> None:
    database = Database(url)

    def fail_half_way() -> None:
        with database.write() as connection:
            upgrade(connection)
            raise RuntimeError("the process dies here")

    with pytest.raises(RuntimeError, match="dies here"):
        fail_half_way()
    database.close()
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    Catalogue.open(url).close()


def test_a_newer_schema_is_refused(url: str, tmp_path: Path) -> None:
    Catalogue.open(url).close()
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(FailedPreconditionError, match=r"written by a newer Steeple \(schema 9999\)"):
        Catalogue.open(url)


def test_the_database_of_something_else_is_left_alone(url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as connection:
        connection.execute("CREATE TABLE landmark (name TEXT)")
        connection.commit()
    with pytest.raises(FailedPreconditionError, match="not a catalogue of Steeple: it holds the tables landmark"):
        Catalogue.open(url)
    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("landmark",)]


def test_the_tables_have_a_postgresql_form() -> None:
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    statement = str(CreateTable(tables.reference_image).compile(dialect=dialect))
    assert "key BIGSERIAL NOT NULL" in statement
    assert 'id VARCHAR(63) COLLATE "C" NOT NULL' in statement


def test_a_catalogue_of_the_first_schema_keeps_its_data(url: str, tmp_path: Path) -> None:
    database = Database(url)
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        time = "2026-01-02 03:04:05.000000"
        connection.exec_driver_sql(
            "INSERT INTO landmark VALUES (5, 'coeur', 'Sacré-Cœur', 'd', 1.0, 2.0, '{\"a\": \"b\"}', 3, ?, ?)",
            (time, time),
        )
        connection.exec_driver_sql(
            "INSERT INTO reference_image VALUES (8, 5, 'one', 'm', 640, 480, 7, '', 0, '', '{}', ?)", (time,)
        )
        connection.exec_driver_sql(
            "INSERT INTO request VALUES ('0b0e7a3c-7f0a-4a53-9a39-3f4f6f2f2c1d', 'x', '{}', ?)", (time,)
        )
    database.close()
    with Catalogue.open(url) as catalogue:
        (landmark,) = catalogue.list_landmarks(filter="coeur").items
        assert (landmark.display_name, landmark.metadata, landmark.active) == ("Sacré-Cœur", {"a": "b"}, True)
        assert (landmark.aliases, landmark.labels, landmark.delete_time) == ({}, (), None)
        image = catalogue.get_image("coeur", "one")
        assert (image.key, image.feature_count, image.quality, image.identify_count) == (8, 7, None, 0)
        assert set(catalogue.images([8])) == {8}
