"""The engine: what is acknowledged is kept and found, whatever breaks off in between."""

from __future__ import annotations

import hashlib
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import (
    AbortedError,
    AlreadyExistsError,
    CancelledError,
    FailedPreconditionError,
    UnavailableError,
)
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft
from steeple.server.engine import Engine
from steeple.server.settings import Settings
from tests.server.kept import faiss_keeper

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(data_dir=tmp_path / "data")


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = Engine(settings)
    yield engine
    engine.close()


def add(engine: Engine, landmark_id: str, source: bytes | FeatureSet, image_id: str = "one") -> None:
    engine.catalogue.create_landmark(LandmarkDraft(landmark_id), landmark_id=landmark_id)
    engine.ingest.create_image(landmark_id, source, image_id=image_id)


def found(engine: Engine, source: bytes | FeatureSet) -> str | None:
    answer = engine.identify(source, max_candidates=5)
    return answer.candidates[0].landmark.id if answer.identified else None


def photos(settings: Settings) -> list[str]:
    return sorted(path.name for path in Path(settings.photos_url).rglob("*") if path.is_file())


def index_of(engine: Engine) -> tuple[int, int, int]:
    stats = engine.index_keeper.index.stats()
    return stats.images, stats.descriptors, engine.index_keeper.sequence


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records]


@pytest.fixture(autouse=True)
def _all_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "steeple")


def test_a_clean_stop_leaves_a_snapshot_that_the_next_start_uses(
    settings: Settings, make_features: MakeFeatures, caplog: pytest.LogCaptureFixture
) -> None:
    first = Engine(settings)
    add(first, "a", make_features(0))
    add(first, "b", make_features(1))
    first.close()
    first.close()
    caplog.clear()
    second = Engine(settings)
    assert "the saved index was restored" in messages(caplog)
    assert index_of(second) == (2, 400, 2)
    assert (found(second, make_features(0)), found(second, make_features(1))) == ("a", "b")
    second.close()


def test_changes_after_the_snapshot_are_caught_up(
    settings: Settings, make_features: MakeFeatures, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Engine(settings)
    add(engine, "a", make_features(0))
    add(engine, "b", make_features(1))
    engine.close()
    # Committed and never indexed, as if the process had been killed in between.
    with Catalogue.open(settings.catalogue_url) as catalogue:
        catalogue.create_landmark(LandmarkDraft("C"), landmark_id="c")
        catalogue.create_image("c", ImageDraft(make_features(2)))
        catalogue.delete_image("a", "one")
        catalogue.create_image("b", ImageDraft(make_features(3)), image_id="gone")
        catalogue.delete_image("b", "gone")
    caplog.clear()
    engine = Engine(settings)
    assert "the saved index was restored" in messages(caplog)
    assert index_of(engine) == (2, 400, 6)
    assert [found(engine, make_features(number)) for number in range(4)] == [None, "b", "c", None]
    engine.close()


@pytest.mark.parametrize("harm", ["flip a bit", "truncate", "empty", "remove"])
@pytest.mark.parametrize("of", ["manifest.json", "lists-*", "images-*", "codebook-*"])
def test_a_snapshot_that_cannot_be_used_is_made_anew(
    settings: Settings, make_features: MakeFeatures, caplog: pytest.LogCaptureFixture, harm: str, of: str
) -> None:
    engine = Engine(settings)
    add(engine, "a", make_features(0))
    engine.close()
    (snapshot,) = (settings.data_dir / "index" / engine.release.name).glob(of)
    data = bytearray(snapshot.read_bytes())
    if harm == "remove":
        snapshot.unlink()
    else:
        data[len(data) // 2] ^= 1
        kept = {"flip a bit": len(data), "truncate": len(data) // 2, "empty": 0}[harm]
        snapshot.write_bytes(data[:kept])
    caplog.clear()
    engine = Engine(settings)
    assert ("the saved index is not used and is built anew" in messages(caplog)) == (
        (harm, of) != ("remove", "manifest.json")
    )
    assert "the index was built" in messages(caplog)
    assert index_of(engine) == (1, 200, 1)
    assert found(engine, make_features(0)) == "a"
    engine.close()


def test_a_snapshot_of_another_catalogue_is_not_used(settings: Settings, make_features: MakeFeatures) -> None:
    engine = Engine(settings)
    add(engine, "a", make_features(0))
    add(engine, "b", make_features(1))
    engine.close()
    database = settings.data_dir / "catalogue.db"
    database.unlink()
    engine = Engine(settings)  # empty: the snapshot is ahead of it
    assert index_of(engine) == (0, 0, 0)
    add(engine, "c", make_features(2, count=100))
    engine.close()
    database.unlink()
    with Catalogue.open(settings.catalogue_url) as catalogue:  # as many changes as the snapshot has seen, but others
        catalogue.create_landmark(LandmarkDraft("D"), landmark_id="d")
        catalogue.create_image("d", ImageDraft(make_features(3)))
    engine = Engine(settings)
    assert index_of(engine) == (1, 200, 1)
    assert found(engine, make_features(3)) == "d"
    engine.close()


def test_an_image_that_did_not_get_into_the_index_gets_there_later(
    engine: Engine, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    request = str(uuid.uuid4())
    with monkeypatch.context() as broken:
        broken.setattr(engine.index_keeper.index, "add_many", lambda *_: (_ for _ in ()).throw(MemoryError("no room")))
        with pytest.raises(UnavailableError, match="stored but not searchable yet"):
            engine.ingest.create_image("a", make_features(0), image_id="one", request_id=request)
    assert index_of(engine) == (0, 0, 0)
    assert engine.catalogue.get_image("a", "one").feature_count == 200
    # The same request again is answered, and only then acknowledged, with the image in the index.
    assert engine.ingest.create_image("a", make_features(0), image_id="one", request_id=request).id == "one"
    assert index_of(engine) == (1, 200, 1)
    assert found(engine, make_features(0)) == "a"


def test_queries_bring_a_stale_index_up_to_date(
    engine: Engine, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("steeple.server.index_keeper.time.monotonic", lambda: clock[0])
    add(engine, "a", make_features(0))
    add_to_index = faiss_keeper(engine).index.add_many
    monkeypatch.setattr(engine.index_keeper.index, "add_many", lambda *_: (_ for _ in ()).throw(MemoryError("no room")))
    with pytest.raises(UnavailableError):
        add(engine, "b", make_features(1))
    clock[0] += 5
    assert found(engine, make_features(1)) is None  # still broken: the query is answered all the same
    monkeypatch.setattr(engine.index_keeper.index, "add_many", add_to_index)
    assert found(engine, make_features(1)) is None  # not with every query, only now and then
    clock[0] += 5
    assert found(engine, make_features(1)) == "b"


def test_images_of_other_releases_stay_out_of_the_index(settings: Settings, make_features: MakeFeatures) -> None:
    with Catalogue.open(settings.catalogue_url) as catalogue:
        catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
        catalogue.create_image("a", ImageDraft(make_features(0, model="delf-older")))
        catalogue.create_image("a", ImageDraft(make_features(1)))
    engine = Engine(settings)
    assert index_of(engine) == (1, 200, 2)
    assert found(engine, make_features(1)) == "a"
    assert found(engine, replace(make_features(0), model=engine.release.name)) is None
    engine.close()


def test_the_same_request_twice_at_once_makes_one_image(
    engine: Engine, settings: Settings, make_photo: MakePhoto
) -> None:
    engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    request, photo, together = str(uuid.uuid4()), make_photo(0), threading.Barrier(4)

    def create() -> str:
        together.wait(10)
        return engine.ingest.create_image("a", photo, request_id=request).id

    with ThreadPoolExecutor(4) as pool:
        ids = {future.result() for future in [pool.submit(create) for _ in range(4)]}
    assert len(ids) == 1
    assert index_of(engine)[0] == 1
    assert photos(settings) == [hashlib.sha256(photo).hexdigest()]


def test_of_two_images_that_want_one_id_one_is_made_and_the_other_leaves_nothing(
    engine: Engine, settings: Settings, make_photo: MakePhoto
) -> None:
    engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    together = threading.Barrier(2)

    def create(photo: bytes) -> bytes | None:
        together.wait(10)
        try:
            engine.ingest.create_image("a", photo, image_id="one")
        except AlreadyExistsError:
            return None
        return photo

    with ThreadPoolExecutor(2) as pool:
        made = [photo for photo in pool.map(create, [make_photo(0), make_photo(1)]) if photo is not None]
    assert len(made) == 1
    assert photos(settings) == [hashlib.sha256(made[0]).hexdigest()]
    assert engine.ingest.photo("a", "one") == (made[0], "image/jpeg")
    assert index_of(engine)[0] == 1


def test_concurrent_changes_all_reach_the_index(engine: Engine, make_features: MakeFeatures) -> None:
    engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")

    def create(number: int) -> None:
        engine.ingest.create_image("a", make_features(number, count=20), image_id=str(number))
        if number % 2:
            engine.ingest.delete_image("a", str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(40)))
    assert index_of(engine) == (20, 400, 60)


def test_a_refused_delete_keeps_the_photo(engine: Engine, settings: Settings, make_photo: MakePhoto) -> None:
    add(engine, "a", make_photo(0))
    before = (photos(settings), index_of(engine), engine.catalogue.sequence())
    with pytest.raises(AbortedError):
        engine.ingest.delete_image("a", "one", etag='"old"')
    with pytest.raises(AbortedError):
        engine.ingest.delete_landmark("a", etag='"old"', force=True)
    with pytest.raises(FailedPreconditionError):
        engine.ingest.delete_landmark("a")
    assert (photos(settings), index_of(engine), engine.catalogue.sequence()) == before


def test_a_failed_start_lets_go_of_the_data_folder(settings: Settings) -> None:
    settings.data_dir.mkdir()
    Path(settings.photos_url).write_text("in the way", encoding="utf-8")
    with pytest.raises(FailedPreconditionError, match="folder of the photos is not accessible"):
        Engine(settings)
    Path(settings.photos_url).unlink()
    Engine(settings).close()


def test_a_long_start_can_be_interrupted(settings: Settings, make_features: MakeFeatures) -> None:
    with Catalogue.open(settings.catalogue_url) as catalogue:
        catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
        catalogue.create_image("a", ImageDraft(make_features(0)))
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(CancelledError):
        Engine(settings, stopping=stopping)
    engine = Engine(settings)
    assert found(engine, make_features(0)) == "a"
    engine.close()


def test_a_stop_does_not_interrupt_changes_in_progress(settings: Settings, make_features: MakeFeatures) -> None:
    stopping = threading.Event()
    engine = Engine(settings, stopping=stopping)
    stopping.set()
    add(engine, "a", make_features(0))
    assert found(engine, make_features(0)) == "a"
    engine.close()
