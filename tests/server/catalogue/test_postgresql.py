"""What goes wrong with a PostgreSQL server, and how the catalogue goes on."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import text

from steeple.delf.features import FeatureSet
from steeple.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
    SteepleError,
    UnavailableError,
)
from steeple.server.catalogue import Catalogue, ChangeKind, ImageDraft, LandmarkDraft
from steeple.server.catalogue.database import Database
from tests.engines.catalogues import Catalogues

pytestmark = pytest.mark.engines

MakeFeatures = Callable[..., FeatureSet]


@pytest.fixture
def url(postgres_catalogues: Catalogues) -> Iterator[str]:
    with postgres_catalogues.lent() as url:
        yield url


def other(url: str, **parts: Any) -> str:
    return sqlalchemy.make_url(url).set(**parts).render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("parts", "kind", "message"),
    [
        ({"database": "nowhere"}, FailedPreconditionError, "there is no such database"),
        ({"username": "nobody", "password": "s3cret"}, FailedPreconditionError, "check database_url"),
        ({"port": 1, "password": "s3cret"}, UnavailableError, "cannot be reached; try again"),
        ({"query": {"sslmode": "perhaps"}, "password": "s3cret"}, UnavailableError, "cannot be reached"),
    ],
)
def test_what_cannot_be_opened_is_told_without_a_password(
    url: str, parts: dict[str, Any], kind: type[SteepleError], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        Catalogue.open(other(url, **parts))
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_the_scheme_of_other_programs_is_taken_too(url: str) -> None:
    with Catalogue.open(url.replace("postgresql://", "postgres://")) as catalogue:
        assert catalogue.sequence() == 0
        assert "postgresql+psycopg://" in repr(catalogue.database)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        *((state, UnavailableError) for state in ("57P01", "57P02", "57P03", "08006", "53300", "25006", "40001")),
        *((state, UnavailableError) for state in ("40P01", "55P03", "25P03", "58030")),
        *((state, ResourceExhaustedError) for state in ("53100", "53200")),
        *((state, FailedPreconditionError) for state in ("42501", "28P01", "28000", "3D000")),
        *((state, DataLossError) for state in ("XX001", "XX002")),
        *((state, InvalidArgumentError) for state in ("22001", "22003", "22021")),
    ],
)
def test_each_error_of_the_server_has_a_name_of_ours(url: str, state: str, kind: type[SteepleError]) -> None:
    database = Database(url)
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'as it happens' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(kind, match="as it happens"), database.write() as connection:
        connection.execute(text(statement))
    with database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    database.close()


def test_readers_see_one_state_and_cannot_write(url: str) -> None:
    with Catalogue.open(url) as catalogue:
        with pytest.raises(UnavailableError, match="read-only"), catalogue.database.read() as connection:
            connection.execute(text("DELETE FROM landmark"))
        with catalogue.database.read() as connection:
            query = text("SELECT count(*) FROM landmark")
            assert connection.execute(query).scalar_one() == 0
            catalogue.create_landmark(LandmarkDraft("Tower"))
            assert connection.execute(query).scalar_one() == 0


def test_a_writer_waits_for_another_server_s_only_so_long(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steeple.server.catalogue.database._BUSY_SECONDS", 0.2)
    with Catalogue.open(url) as catalogue, Catalogue.open(url) as another:
        with another.database.write() as connection:
            connection.execute(text("UPDATE landmark SET revision = revision"))
            with pytest.raises(UnavailableError, match=r"others have been changing the catalogue for 0\.2 s"):
                catalogue.create_landmark(LandmarkDraft("Tower"))
            assert catalogue.list_landmarks().total_size == 0
        catalogue.create_landmark(LandmarkDraft("Tower"))


def test_numbers_of_changes_become_visible_in_their_order(url: str, make_features: MakeFeatures) -> None:
    done = threading.Event()

    def write(number: int) -> None:
        with Catalogue.open(url) as catalogue:
            catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id=f"t{number}")
            for seed in range(15):
                catalogue.create_image(f"t{number}", ImageDraft(make_features(seed)))

    def follow() -> int:
        with Catalogue.open(url) as catalogue:
            sequence, seen = 0, 0
            while True:
                last = done.is_set()
                found = catalogue.changes_since(sequence)
                seen += len(found)
                sequence = found[-1].sequence if found else sequence
                if last and not found:
                    return seen

    with ThreadPoolExecutor(5) as pool:
        following = [pool.submit(follow) for _ in range(2)]
        for writing in [pool.submit(write, number) for number in range(3)]:
            writing.result()
        done.set()
        assert [future.result() for future in following] == [45, 45]


def test_several_open_an_empty_database_at_once(postgres_url: str) -> None:
    start = threading.Barrier(4)

    def open_it(number: int) -> str:
        start.wait()
        with Catalogue.open(postgres_url) as catalogue:
            return catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id=f"t{number}").id

    with ThreadPoolExecutor(4) as pool:
        made = sorted(pool.map(open_it, range(4)))
    with Catalogue.open(postgres_url) as catalogue:
        assert [landmark.id for landmark in catalogue.list_landmarks().items] == made


def test_connections_that_the_server_ended_are_replaced(url: str) -> None:
    with Catalogue.open(url) as catalogue:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
        database = Database(url)

        def end_all() -> None:
            with database.write() as connection:
                mine = "pid <> pg_backend_pid() AND datname = current_database()"
                connection.execute(text(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {mine}"))  # noqa: S608

        end_all()
        assert catalogue.get_landmark("x").display_name == "Tower"
        with pytest.raises(UnavailableError), catalogue.database.read() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert catalogue.update_landmark("x", display_name="Tour").display_name == "Tour"
        database.close()


def test_a_database_that_was_a_standby_for_a_while_is_written_to_again(postgres_server: Any, postgres_url: str) -> None:
    with Catalogue.open(postgres_url) as catalogue:
        name = sqlalchemy.make_url(postgres_url).database
        administrator = Database(other(postgres_url, database="postgres"))
        for setting, works in (("on", False), ("off", True)):
            with administrator.write() as connection:
                connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = {setting}"))
            catalogue.database.engine.dispose()  # as a failover does
            for _ in range(3):
                if works:
                    catalogue.create_landmark(LandmarkDraft("Tower"))
                    continue
                with pytest.raises(UnavailableError, match="as if it were a standby"):
                    catalogue.create_landmark(LandmarkDraft("Tower"))
            assert catalogue.list_landmarks().total_size == (3 if works else 0)
        administrator.close()


def test_a_statement_that_was_prepared_before_a_migration_fails_once(url: str) -> None:
    with Catalogue.open(url) as catalogue, Catalogue.open(url) as another:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
        for _ in range(10):
            catalogue.get_landmark("x")
        for collation in ("default", "C"):
            with another.database.write() as connection:
                change = f'ALTER TABLE landmark ALTER COLUMN display_name TYPE VARCHAR(200) COLLATE "{collation}"'
                connection.execute(text(change))
            with suppress(UnavailableError):
                catalogue.get_landmark("x")
            for _ in range(10):
                assert catalogue.get_landmark("x").display_name == "Tower"


def test_a_killed_server_loses_nothing_and_is_found_again(
    own_postgres_server: Any, make_features: MakeFeatures
) -> None:
    own_server, acknowledged = own_postgres_server, list[str]()
    failed = [threading.Event() for _ in range(4)]
    back = threading.Event()

    def write(catalogue: Catalogue, thread: int) -> list[type[BaseException]]:
        errors, number, done = list[type[BaseException]](), 0, False
        while not done:
            number += 1
            image_id = f"i{thread}-{number}"
            try:
                catalogue.create_image("tower", ImageDraft(make_features(number)), image_id=image_id)
            except SteepleError as error:
                errors.append(type(error))
                failed[thread].set()
                back.wait(30)
            else:
                acknowledged.append(image_id)
                done = back.is_set() and failed[thread].is_set()
        return errors

    with Catalogue.open(own_server.database("some")) as catalogue, ThreadPoolExecutor(4) as pool:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
        writing = [pool.submit(write, catalogue, thread) for thread in range(4)]
        while len(acknowledged) < 20:
            threading.Event().wait(0.01)
        own_server.stop(signal.SIGQUIT)
        for one in failed:
            assert one.wait(30)
        own_server.start()
        before = set(acknowledged)
        back.set()
        errors = {kind for future in writing for kind in future.result(60)}
        assert errors == {UnavailableError}
        there = {image.id for image in catalogue.list_images("tower", page_size=1000).items}
        assert before < set(acknowledged) <= there
        assert len(there) <= len(acknowledged) + len(writing)  # what was under way may have been done
        history = catalogue.changes_since(0)
        assert all(change.kind is ChangeKind.ADD for change in history)
        assert len({change.image_key for change in history}) == len(history) == len(there)


def test_a_key_does_not_come_back(url: str, make_features: MakeFeatures) -> None:
    with Catalogue.open(url) as catalogue:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
        key = catalogue.create_image("x", ImageDraft(make_features()), image_id="one").key
        catalogue.delete_image("x", "one")
        etag = catalogue.get_landmark("x").etag
        catalogue.delete_landmark("x")
        assert catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x").etag != etag
        assert catalogue.create_image("x", ImageDraft(make_features()), image_id="one").key > key


def test_a_database_of_another_encoding_is_refused(postgres_server: Any, postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"))
    database.close()
    with pytest.raises(FailedPreconditionError, match="keeps text as LATIN1"):
        Catalogue.open(other(postgres_url, database="latin"))
    postgres_server.drop("latin")
