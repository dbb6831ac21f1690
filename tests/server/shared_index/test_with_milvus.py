"""The engine with a real Milvus: what is acknowledged is found, also through another server, and nothing is lost."""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from steeple.delf.features import FeatureSet
from steeple.errors import UnavailableError
from steeple.server.catalogue import LandmarkDraft, LatLng, ReferenceImage
from steeple.server.catalogue.index_identity import identity_of
from steeple.server.doctor import Status
from steeple.server.doctor.milvus import milvus
from steeple.server.duplicates import DuplicatePolicy
from steeple.server.engine import Engine
from steeple.server.settings import Settings
from steeple.server.shared_index.milvus import MilvusEngine
from steeple.server.shared_index.states import SharedState, SharedStates
from tests.engines.gate import Gate
from tests.engines.ports import free_port

pytestmark = pytest.mark.engines

MakeFeatures = Callable[..., FeatureSet]
Open = Callable[..., Engine]


@pytest.fixture
def open_engine(tmp_path: Path, milvus_uri: str, milvus_prefix: str) -> Iterator[Open]:
    """Opens engines, each with a data folder of its own that is empty at first."""
    made: list[Engine] = []

    def opened(**settings: object) -> Engine:
        folder = tmp_path / secrets.token_hex(4)
        given = {"data_dir": folder, "milvus_uri": milvus_uri, "milvus_prefix": milvus_prefix, **settings}
        made.append(Engine(Settings.load(None, **given)))
        return made[-1]

    yield opened
    for engine in made:
        engine.close()


def milvus_of_none(uri: str, prefix: str) -> MilvusEngine:
    """All collections of a prefix are others' to it."""
    return MilvusEngine(uri, SecretStr(""), prefix=prefix, identity="", kind="IVF_PQ")


def names(uri: str, prefix: str) -> list[str]:
    """Of all collections of a prefix."""
    with closing(milvus_of_none(uri, prefix)) as engine:
        return [collection.name for collection in engine.others()]


def found(engine: Engine, source: FeatureSet) -> str | None:
    answer = engine.identify(source, max_candidates=5)
    return answer.candidates[0].landmark.id if answer.identified else None


def add(engine: Engine, landmark_id: str, *sources: FeatureSet) -> None:
    engine.catalogue.create_landmark(LandmarkDraft(landmark_id), landmark_id=landmark_id)
    for number, source in enumerate(sources):
        engine.ingest.create_image(landmark_id, source, image_id=f"i{number}")


def repeated(call: Callable[[], ReferenceImage]) -> ReferenceImage:
    """Repeats a call for as long as it is told to, as clients do."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return call()
        except UnavailableError:
            if time.monotonic() > deadline:
                raise


def state(engine: Engine) -> SharedState:
    return SharedStates(engine.catalogue.database, engine.release.name).read()


def counts(engine: Engine) -> tuple[int, int]:
    info = engine.server_info().index
    return info.images, info.descriptors


def test_what_is_acknowledged_is_found_and_a_server_that_starts_anew_builds_nothing(
    open_engine: Open, make_features: MakeFeatures, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path}/catalogue.db"
    engine = open_engine(database_url=url)
    add(engine, "a", make_features(1), make_features(2))
    add(engine, "b", make_features(3))
    assert [found(engine, make_features(number)) for number in (1, 2, 3, 4)] == ["a", "a", "b", None]
    engine.ingest.delete_image("a", "i0")
    assert (found(engine, make_features(1)), found(engine, make_features(2))) == (None, "a")
    engine.ingest.undelete_image("a", "i0")
    assert found(engine, make_features(1)) == "a"
    engine.ingest.update_landmark("a", active=False)
    assert (found(engine, make_features(1)), counts(engine)) == (None, (1, 200))
    engine.ingest.update_landmark("a", active=True)
    engine.ingest.update_landmark("a", location=LatLng(48.0, 11.0), labels=["old"])
    assert (found(engine, make_features(1)), counts(engine)) == ("a", (3, 600))
    info = engine.server_info().index
    assert info.factory.startswith("IVF_PQ")
    assert info.device.startswith("Milvus")
    assert info.sequence == info.catalogue_sequence == engine.catalogue.sequence()
    before = state(engine)
    engine.close()
    with caplog.at_level(logging.INFO):
        again = open_engine(database_url=url)
    assert "a collection was made in Milvus" not in caplog.messages
    assert state(again) == before
    assert [found(again, make_features(number)) for number in (1, 2, 3, 4)] == ["a", "a", "b", None]


def test_while_milvus_is_away_changes_are_kept_and_found_later(
    open_engine: Open, make_features: MakeFeatures, milvus_uri: str
) -> None:
    with Gate(urlsplit(milvus_uri).port or 0) as gate:
        engine = open_engine(milvus_uri=f"http://127.0.0.1:{gate.port}")
        add(engine, "a", make_features(1))
        assert counts(engine) == (1, 200)
        gate.shut()
        with pytest.raises(UnavailableError):
            engine.identify(make_features(1), max_candidates=1)
        engine.catalogue.create_landmark(LandmarkDraft("b"), landmark_id="b")
        once = str(uuid.uuid4())
        with pytest.raises(UnavailableError, match="cannot be reached to search"):
            engine.ingest.create_image("b", make_features(2), image_id="i0", request_id=once)  # are there duplicates?
        create = partial(
            engine.ingest.create_image,
            "b",
            make_features(2),
            image_id="i0",
            request_id=once,
            duplicate_policy=DuplicatePolicy.NONE,
        )
        with pytest.raises(UnavailableError, match="stored but not searchable yet"):
            create()
        assert counts(engine) == (1, 200), "as far as is known"
        gate.shut(False)
        assert repeated(create).key == 2
        assert (found(engine, make_features(1)), found(engine, make_features(2))) == ("a", "b")
        assert counts(engine) == (2, 400)


def test_what_milvus_has_lost_is_built_from_the_catalogue(
    open_engine: Open, make_features: MakeFeatures, milvus_uri: str, milvus_prefix: str
) -> None:
    engine = open_engine()
    add(engine, "a", make_features(1))
    before = state(engine).generation
    own = identity_of(engine.catalogue.database)
    with closing(
        MilvusEngine(milvus_uri, SecretStr(""), prefix=milvus_prefix, identity=own, kind="IVF_PQ")
    ) as collections:
        collections.delete(engine.release.name)
    with pytest.raises(UnavailableError):
        engine.identify(make_features(1), max_candidates=1)
    engine.serving.upkeep(lambda: False)
    assert found(engine, make_features(1)) == "a"
    assert (state(engine).generation, counts(engine)) == (before + 1, (1, 200))


def test_two_servers_share_one_index(
    postgres_url: str, open_engine: Open, make_features: MakeFeatures, caplog: pytest.LogCaptureFixture
) -> None:
    # Both start at once, on an empty database: one builds, and the other waits for it.
    with caplog.at_level(logging.INFO), ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: open_engine(database_url=postgres_url), range(2))
    assert caplog.messages.count("a collection was made in Milvus") == 1
    one.catalogue.create_landmark(LandmarkDraft("a"), landmark_id="a")
    two.catalogue.create_landmark(LandmarkDraft("b"), landmark_id="b")
    start = threading.Barrier(4)

    def add_some(worker: int) -> None:
        engine, landmark = ((one, "a"), (two, "b"))[worker % 2]
        start.wait()
        for number in range(worker, 12, 4):
            engine.ingest.create_image(landmark, make_features(number), image_id=f"i{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_some, range(4)))
    for engine in (one, two):
        engine.serving.catch_up()
        assert [found(engine, make_features(number)) for number in range(12)] == ["a", "b"] * 6
        assert counts(engine) == (12, 12 * 200), "each change was taken in once"
    one.ingest.delete_image("a", "i0")
    two.serving.catch_up()
    assert (found(one, make_features(0)), found(two, make_features(0))) == (None, None)
    assert state(one).sequence == one.catalogue.sequence()


def test_two_catalogues_with_one_prefix_leave_each_other_alone(
    open_engine: Open, make_features: MakeFeatures, milvus_uri: str, milvus_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = open_engine(), open_engine()
    add(one, "a", make_features(1), make_features(2))
    add(two, "b", make_features(3))  # image keys begin at 1 in each
    answers = [[found(engine, make_features(number)) for number in (1, 2, 3)] for engine in (one, two)]
    assert answers == [["a", "a", None], [None, None, "b"]]
    before = names(milvus_uri, milvus_prefix)
    identities = [identity_of(engine.catalogue.database) for engine in (one, two)]
    assert before == sorted(f"{milvus_prefix}_{identity}_delf_lite2_v1_1" for identity in identities)
    monkeypatch.setattr("steeple.server.shared_index.keeper._LATER_SECONDS", -1.0)  # what serves no more goes at once
    for engine in (one, two, one, two):
        engine.serving.upkeep(lambda: False)
    assert names(milvus_uri, milvus_prefix) == before
    assert [counts(one), counts(two)] == [(2, 400), (1, 200)]
    two.serving.delete_index(two.release.name)
    assert names(milvus_uri, milvus_prefix) == [name for name in before if identities[0] in name]
    assert [found(one, make_features(number)) for number in (1, 2, 3)] == ["a", "a", None]


def test_a_prefix_that_is_as_another_catalogues_names_begin_takes_none_of_them(
    open_engine: Open, make_features: MakeFeatures, milvus_prefix: str
) -> None:
    one = open_engine()
    add(one, "a", make_features(1))
    other = open_engine(milvus_prefix=f"{milvus_prefix}_{identity_of(one.catalogue.database)}")
    assert (counts(other), found(other, make_features(1))) == ((0, 0), None)
    other.serving.delete_index(other.release.name)
    assert (counts(one), found(one, make_features(1))) == ((1, 200), "a")


def test_doctor_asks_milvus(milvus_uri: str, tmp_path: Path, milvus_prefix: str) -> None:
    settings = Settings.load(data_dir=tmp_path, milvus_uri=milvus_uri, milvus_prefix=milvus_prefix)
    there, collections = milvus(settings, "")
    assert (there.status, there.found[:12]) == (Status.OK, "Milvus v2.3.")
    assert collections.status is Status.OK
    [away] = milvus(Settings.load(data_dir=tmp_path, milvus_uri=f"http://127.0.0.1:{free_port()}"), None)
    assert away.status is Status.FAILED
    assert "milvus_uri" in away.remedy


def test_doctor_names_collections_of_other_catalogues(
    milvus_uri: str, milvus_prefix: str, open_engine: Open, make_features: MakeFeatures
) -> None:
    one, other = open_engine(), open_engine()
    add(other, "a", make_features(1))
    settings = Settings.load(milvus_uri=milvus_uri, milvus_prefix=milvus_prefix)
    own, others = (identity_of(engine.catalogue.database) for engine in (one, other))
    _, finding = milvus(settings, own)
    assert finding.status is Status.WARNING
    assert re.search(rf"{milvus_prefix}_{others}_delf_lite2_v1_1 \(\d+ rows, made 20\d\d-", finding.found)
    assert own not in finding.found
    assert "steeple index drop" in finding.remedy
    _, unknown = milvus(settings, None)
    assert (unknown.status, unknown.remedy) == (Status.SKIPPED, "")
    _, all_of_them = milvus(settings, "")
    assert own in all_of_them.found
    assert others in all_of_them.found
