"""What one replica has changed, another goes by within a second."""

from __future__ import annotations

import itertools
import logging
import statistics
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

import pytest
import sqlalchemy

from steeple.errors import UnauthenticatedError
from steeple.server.access import KeyStore, Scope
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft
from steeple.server.catalogue.announcements import Announcements, Topic
from steeple.server.engine import Engine
from steeple.server.following import Following, following
from steeple.server.operations import OperationState, OperationStore
from tests.server.conftest import MakeFeatures
from tests.server.following.conftest import OpenReplica, finds, misses, until

pytestmark = pytest.mark.engines

log = logging.getLogger(__name__)


@pytest.fixture
def replicas(open_replica: OpenReplica) -> tuple[Engine, Engine]:
    return open_replica("one"), open_replica("two")


@pytest.fixture
def catalogue(postgres_url: str) -> Iterator[Catalogue]:
    with closing(Catalogue.open(postgres_url)) as opened:
        yield opened


def opens(engine: Engine, secret: str) -> bool:
    try:
        engine.keyring.authenticate(secret)
    except UnauthenticatedError:
        return False
    return True


def refuses(engine: Engine, secret: str) -> bool:
    return not opens(engine, secret)


def end_listening(url: str) -> int:
    """Ends the connections that listen, as a failing network does; how many that were."""
    import psycopg  # noqa: PLC0415 - it is not installed everywhere

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
        return len(connection.execute(query + "query LIKE 'SELECT topic%'").fetchall())


def test_an_image_is_found_and_then_not_through_another_replica_within_a_second(
    replicas: tuple[Engine, Engine], make_features: MakeFeatures
) -> None:
    one, two = replicas
    one.catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    added, removed = [], []
    for number in range(7):
        features = make_features(number)
        one.ingest.create_image("tower", features, image_id=f"image-{number}")
        added.append(until(partial(finds, two, features)))
        one.ingest.delete_image("tower", f"image-{number}")
        removed.append(until(partial(misses, two, features)))
    log.info("median %.3f s until found, %.3f s until not", statistics.median(added), statistics.median(removed))
    assert statistics.median(added) < 1.0
    assert statistics.median(removed) < 1.0


def test_a_key_opens_and_then_does_not_open_another_replica_within_a_second(replicas: tuple[Engine, Engine]) -> None:
    one, two = replicas
    opened, refused = [], []
    for number in range(5):
        made = one.keyring.apply(one.keyring.store.create, f"key {number}", Scope.READER)
        opened.append(until(partial(opens, two, made.secret)))
        two.keyring.apply(two.keyring.store.revoke, made.key.id)
        refused.append(until(partial(refuses, one, made.secret)))
    log.info("median %.3f s until it opens, %.3f s until not", statistics.median(opened), statistics.median(refused))
    assert statistics.median(opened) < 1.0
    assert statistics.median(refused) < 1.0


def test_who_is_disabled_is_signed_out_everywhere_within_a_second(replicas: tuple[Engine, Engine]) -> None:
    one, two = replicas
    for name in ("anna", "berta"):
        one.sign_ins.create(name, name.title(), Scope.ADMIN)
    make = one.keyring.sessions.store.create
    session = one.keyring.apply(make, "anna", None, user_agent="", address="")
    assert until(lambda: opens(two, session.secret)) < 1.0
    one.keyring.apply(one.keyring.people.update, "anna", disabled=True)
    assert until(lambda: not opens(two, session.secret)) < 1.0


def test_what_was_not_announced_is_followed_all_the_same(
    replicas: tuple[Engine, Engine], make_features: MakeFeatures, postgres_url: str
) -> None:
    one, two = replicas
    one.catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    times = []
    for number in range(3):
        until(lambda: end_listening(postgres_url) >= 2)
        one.ingest.create_image("tower", features := make_features(number))
        times.append(until(partial(finds, two, features)))
    assert statistics.median(times) < 1.0
    assert one.followers.current
    assert two.followers.current


def test_a_use_or_the_progress_of_an_operation_is_not_announced(
    catalogue: Catalogue, make_features: MakeFeatures
) -> None:
    keys, operations = KeyStore(catalogue.database), OperationStore(catalogue.database)
    with closing(Announcements(catalogue.database.engine)) as announcements:
        before = announcements.marks()
        assert not announcements.wait(0)
        key = keys.create("key", Scope.READER).key
        operation = operations.create("steeple.v1.Some/Thing", {})
        operations.claim()
        catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
        assert announcements.wait(5)
        after = announcements.marks()
        assert {topic for topic in after if after[topic] != before.get(topic, 0)} == {Topic.ACCESS, Topic.OPERATIONS}
        keys.add_usage({(key.id, "2026-01"): (1, 0)}, {key.id: datetime.now(UTC)})
        operations.save(operation.id, step="half", done=1, total=2, checkpoint={"done": 1})
        assert announcements.marks() == after
        assert not announcements.wait(0.05)
        operations.finish(operation.id, OperationState.SUCCEEDED)
        catalogue.create_image("a", ImageDraft(make_features(1)))
        assert announcements.wait(5)
        marks = announcements.marks()
        assert marks[Topic.GALLERY] == catalogue.sequence() > 0
        assert marks[Topic.OPERATIONS] > after[Topic.OPERATIONS]


def test_who_follows_asks_the_database_little_while_nothing_happens(catalogue: Catalogue, postgres_url: str) -> None:
    statements: list[str] = []
    engine, followed = catalogue.database.engine, list[str]()
    sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    follow = {topic: partial(followed.append, str(topic)) for topic in Topic}
    thread = Following(engine, follow, lambda: None)
    thread.start()
    times: list[float] = []
    query = "SELECT extract(epoch from query_start)::float FROM pg_stat_activity WHERE query LIKE 'SELECT topic%'"
    try:
        import psycopg  # noqa: PLC0415 - it is not installed everywhere

        with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
            until(lambda: len(followed) == len(Topic))
            while len(times) < 4:
                [(time,)] = connection.execute(query).fetchall()
                times += [time] if time not in times else []
    finally:
        thread.close()
    assert sorted(followed) == sorted(Topic), "once each, at the start"
    assert statements == [], "but for its own connection's, the marks"
    assert min(after - before for before, after in itertools.pairwise(times)) > 0.9 * following.POLL_SECONDS


def test_who_cannot_follow_is_not_current_and_is_again(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOST_AFTER_SECONDS", 1.0)
    failing, reached = [True], [0]

    def follow() -> None:
        if failing[0]:
            raise RuntimeError("it does not work yet")

    thread = Following(catalogue.database.engine, {Topic.GALLERY: follow}, lambda: reached[0])
    thread.start()
    try:
        assert thread.current
        until(lambda: not thread.current)
        reached[0] += 1  # what takes long, but gets on, is no failure
        assert thread.current
        until(lambda: not thread.current)
        failing[0] = False
        until(lambda: thread.current)
    finally:
        thread.close()
