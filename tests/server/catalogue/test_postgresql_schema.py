"""Migrations on PostgreSQL, with its extension for trigrams and without."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, text

from steeple.server.catalogue import Catalogue, LandmarkDraft
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.index_identity import identity_of
from steeple.server.catalogue.migrate import SCRIPTS, known_revisions, upgrade
from steeple.server.catalogue.schema import compared, metadata
from steeple.server.catalogue.trigrams import TRIGRAMS, has_index
from steeple.server.doctor import Status
from steeple.server.doctor.catalogue_database import catalogue_database
from steeple.server.doctor.catalogue_file import Catalogued
from tests.server.catalogue.derived import check_derived
from tests.server.catalogue.rows import fill

pytestmark = pytest.mark.engines

NAMES = (
    "Tour Eiffel",
    "Sacré-Cœur",
    "東京タワー",
    'a "b" c',
    "%_/\\",
    "ﬁ",
    "Straße",
    "Ångström",
    "ab",
    "Éa",
    "ea",
    "Zz",
)
TEXTS = (
    "tour",
    "eif",
    "coeur",
    "京",
    "東京",
    "京タワ",
    '"b"',
    "%_/",
    "_",
    "\\",
    "fi",
    "b",
    "ab",
    "STRASSE",
    "angst",
    "nn",
)


def configured(connection: sqlalchemy.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    return config


def constraints(connection: sqlalchemy.Connection) -> list[tuple[str, str]]:
    """Which Alembic does not compare."""
    query = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
    return sorted((str(name), str(what)) for name, what in connection.execute(text(query)))


def test_migrations_make_what_the_metadata_would(postgres_url: str) -> None:
    Catalogue.open(postgres_url).close()
    database = Database(postgres_url)
    with database.write() as connection:
        context = MigrationContext.configure(connection, opts=dict(compared("postgresql")))
        assert compare_metadata(context, metadata) == []
        migrated = constraints(connection)
        command.downgrade(configured(connection), "base")
        assert set(sqlalchemy.inspect(connection).get_table_names()) <= {"alembic_version"}
        connection.execute(text("DROP TABLE alembic_version"))
        metadata.create_all(connection)
        direct = constraints(connection)
    database.close()
    assert [one for one in migrated if one[0] != "alembic_version_pkc"] == direct


@pytest.mark.parametrize("revision", known_revisions()[1:])
def test_every_older_schema_keeps_its_data(postgres_url: str, revision: str) -> None:
    database = Database(postgres_url)
    with database.write() as connection:
        command.upgrade(configured(connection), revision)
        found = MetaData()
        found.reflect(connection)
        fill(connection, [table for table in found.sorted_tables if table.name != "alembic_version"])
    with database.write() as connection:
        before = rows(connection)
        upgrade(connection)
        if revision < "0013":  # later ones have it from whoever writes, who is not this test
            check_derived(connection)
        after = rows(connection)
    made_anew = {"landmark_term", "schema_compatibility"}
    assert {name: count for name, count in after.items() if name in before.keys() - made_anew} == {
        name: count for name, count in before.items() if name not in made_anew
    }
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts=dict(compared("postgresql")))
        assert compare_metadata(context, metadata) == []
    database.close()
    with Catalogue.open(postgres_url) as catalogue:
        assert [landmark.id for landmark in catalogue.list_landmarks(filter="coeur").items] == ["l2"]
        assert catalogue.create_landmark(LandmarkDraft("New"), landmark_id="new").id == "new"


def rows(connection: sqlalchemy.Connection) -> dict[str, int]:
    names = sqlalchemy.inspect(connection).get_table_names()
    return {name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}  # noqa: S608


def answers(url: str) -> dict[str, tuple[list[str], int]]:
    """Landmarks whose names contain a text, in the order of names."""
    with Catalogue.open(url) as catalogue:
        for number, name in enumerate(NAMES):
            catalogue.create_landmark(LandmarkDraft(name), landmark_id=f"l{number:02}")
        found = {}
        for sought in TEXTS:
            quoted = sought.replace("\\", "\\\\").replace('"', '\\"')
            page = catalogue.list_landmarks(filter=f'"{quoted}"', order_by="display_name desc")
            found[sought] = ([landmark.id for landmark in page.items], page.total_size)
        ordered = [landmark.display_name for landmark in catalogue.list_landmarks(order_by="display_name").items]
        assert ordered == sorted(NAMES)
    return found


def test_names_are_found_as_by_sqlite_with_the_extension_and_without(
    postgres_url: str, plain_postgres_server: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = answers(f"sqlite:///{tmp_path}/catalogue.db")
    assert expected["b"] == (["l08", "l03"], 2)
    assert answers(postgres_url) == expected
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    plain = plain_postgres_server.database("names")
    assert answers(plain) == expected
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "no pg_trgm" in record.message
    for url, status in ((postgres_url, Status.OK), (plain, Status.WARNING)):
        known = Catalogued()
        found = list(catalogue_database(url, known))
        assert [(one.check, one.status) for one in found] == [("catalogue", status), ("connections", Status.OK)]
        assert (known.sequence, known.photos, known.model, known.identity) == (0, {}, None, "")
        with closing(Database(url)) as database:
            made = identity_of(database)
        list(catalogue_database(url, known))
        assert known.identity == made


def test_an_extension_that_this_user_may_not_make_is_none_and_later_one(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = sqlalchemy.make_url(postgres_url).database
    owner = Database(postgres_url)
    with owner.write() as connection:
        connection.execute(text(f"CREATE ROLE user_of_{name} LOGIN"))
        connection.execute(text(f"GRANT CREATE ON SCHEMA public TO user_of_{name}"))
    url = sqlalchemy.make_url(postgres_url).set(username=f"user_of_{name}").render_as_string()
    Catalogue.open(url).close()
    assert ["no pg_trgm" in record.message for record in caplog.records if record.levelno >= logging.WARNING] == [True]
    with owner.write() as connection:
        assert not has_index(connection)
        connection.execute(text("CREATE EXTENSION pg_trgm"))
    with Catalogue.open(url) as catalogue, catalogue.database.read() as connection:
        assert has_index(connection)
        connection.execute(text("SET enable_seqscan = off"))
        plan = connection.execute(text("EXPLAIN SELECT * FROM landmark WHERE search_names LIKE '%eif%'")).scalars()
        assert TRIGRAMS in " ".join(plan)
    with owner.write() as connection:
        connection.execute(text(f"DROP OWNED BY user_of_{name} CASCADE"))
        connection.execute(text(f"DROP ROLE user_of_{name}"))
    owner.close()
