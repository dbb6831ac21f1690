"""An index that outgrows its codebook, and one that is saved now and then, while a server goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import CancelledError
from steeple.server.catalogue import LandmarkDraft
from steeple.server.engine import Engine
from steeple.server.index import FaissIndex, faiss_index
from steeple.server.settings import Settings
from steeple.server.upkeep import Upkeep

MakeFeatures = Callable[..., FeatureSet]

NEVER = lambda: False  # noqa: E731


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(data_dir=tmp_path / "data")


@pytest.fixture(autouse=True)
def _upkeep_comes_when_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steeple.server.upkeep._EVERY_SECONDS", 3600.0)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = Engine(settings)
    engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    yield engine
    engine.close()


def add(engine: Engine, features: FeatureSet, image_id: str) -> None:
    engine.ingest.create_image("a", features, image_id=image_id)


def found(engine: Engine, make_features: MakeFeatures, *numbers: int) -> list[int]:
    """Those of the numbers whose image is the first candidate for its own features."""
    answers = {number: engine.identify(make_features(number, count=1000), max_candidates=1) for number in numbers}
    return [
        number
        for number, answer in answers.items()
        if answer.candidates and answer.candidates[0].image.id == f"image-{number}"
    ]


def kind(engine: Engine) -> str:
    return engine.index_keeper.index.stats().kind


@pytest.fixture
def crowded(engine: Engine, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine whose index holds four images of 1000 descriptors, and is said to have outgrown its lists."""
    for number in range(4):
        add(engine, make_features(number, count=1000), f"image-{number}")
    monkeypatch.setattr("steeple.server.index.codebook._COMFORT", 3.5)
    monkeypatch.setattr("steeple.server.index.training._LISTS_PER_ROOT", 32)
    assert engine.index_keeper.index.stats().descriptors == 4000
    return engine


def test_a_crowded_index_is_made_anew_and_nothing_is_lost(
    crowded: Engine, settings: Settings, make_features: MakeFeatures, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "steeple")
    keeper = crowded.index_keeper
    assert kind(crowded) == "IVF1024,PQ20 on CPU"
    crowded.ingest.delete_image("a", "image-2")
    keeper.upkeep(NEVER)
    assert kind(crowded) == "IVF1024,PQ20 on CPU", "3000 descriptors are no crowd"
    add(crowded, make_features(5, count=1000), "image-5")
    keeper.upkeep(NEVER)
    assert kind(crowded) == "IVF2048,PQ20 on CPU"
    assert "the index has outgrown its codebook and is made anew" in [record.message for record in caplog.records]
    assert found(crowded, make_features, 0, 1, 2, 3, 5) == [0, 1, 3, 5]
    add(crowded, make_features(6, count=1000), "image-6")
    assert found(crowded, make_features, 6) == [6]
    crowded.close()
    assert not list((settings.data_dir / "index").glob("*.rebuild"))
    again = Engine(settings)
    assert kind(again) == "IVF2048,PQ20 on CPU"
    assert found(again, make_features, 6) == [6]
    again.close()


def test_it_is_not_made_anew_while_very_many_images_are_added(crowded: Engine) -> None:
    keeper = crowded.index_keeper
    with crowded.ingest.adding_many():
        keeper.upkeep(NEVER)
        assert kind(crowded) == "IVF1024,PQ20 on CPU"
    keeper.upkeep(NEVER)
    assert kind(crowded) == "IVF2048,PQ20 on CPU"


def test_changes_while_it_is_made_are_in_the_new_index(crowded: Engine, make_features: MakeFeatures) -> None:
    asked: list[bool] = []

    def meanwhile() -> bool:
        if len(asked) == 30:  # in the middle of the training
            crowded.ingest.delete_image("a", "image-1")
            add(crowded, make_features(7, count=1000), "image-7")
            assert found(crowded, make_features, 7) == [7], "the old index serves"
        asked.append(True)
        return False

    crowded.index_keeper.upkeep(meanwhile)
    assert len(asked) > 30
    assert kind(crowded).startswith("IVF2048")
    assert found(crowded, make_features, 0, 1, 2, 3, 7) == [0, 2, 3, 7]
    assert crowded.index_keeper.index.stats().descriptors == 4000


def test_it_goes_on_where_it_was_interrupted_also_after_a_restart(
    crowded: Engine,
    settings: Settings,
    make_features: MakeFeatures,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO, "steeple")
    added: list[int] = []
    put = FaissIndex.add

    def counted(index: FaissIndex, key: int, rows: object) -> None:
        added.append(key)
        put(index, key, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(FaissIndex, "add", counted)
    with pytest.raises(CancelledError):
        crowded.index_keeper.upkeep(lambda: len(added) == 2)
    assert kind(crowded).startswith("IVF1024"), "the old index serves"
    crowded.close()
    again = Engine(settings)
    added.clear()
    again.index_keeper.upkeep(NEVER)
    assert len(added) == 2, "two were there already"
    assert "a half-made index goes on" in [record.message for record in caplog.records]
    assert kind(again).startswith("IVF2048")
    assert found(again, make_features, 0, 1, 2, 3) == [0, 1, 2, 3]
    again.close()


def test_a_damaged_half_made_index_is_begun_again(
    crowded: Engine, settings: Settings, make_features: MakeFeatures
) -> None:
    folder = settings.data_dir / "index" / f"{crowded.release.name}.rebuild"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    crowded.index_keeper.upkeep(NEVER)
    assert kind(crowded).startswith("IVF2048")
    assert found(crowded, make_features, 0, 1, 2, 3) == [0, 1, 2, 3]


def test_a_codebook_that_cannot_be_trained_leaves_the_old_one(
    crowded: Engine, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steeple.server.index.training.train", lambda *_, **__: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryError):
        crowded.index_keeper.upkeep(NEVER)
    assert found(crowded, make_features, 0, 1, 2, 3) == [0, 1, 2, 3]


def test_the_index_is_saved_when_there_is_much_that_a_restart_would_have_to_repeat(
    engine: Engine, settings: Settings, make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = settings.data_dir / "index" / engine.release.name / "manifest.json"
    add(engine, make_features(0), "image-0")
    engine.index_keeper.upkeep(NEVER)
    assert not manifest.exists()
    monkeypatch.setattr("steeple.server.index_keeper._SAVE_SECONDS", -1.0)
    engine.index_keeper.upkeep(NEVER)
    first = manifest.read_bytes()
    engine.index_keeper.upkeep(NEVER)
    assert manifest.read_bytes() == first, "nothing changed"
    monkeypatch.undo()
    add(engine, make_features(1), "image-1")
    monkeypatch.setattr(faiss_index, "_LIVE_LIMIT", 100)
    engine.index_keeper.upkeep(NEVER)
    assert manifest.read_bytes() != first


def test_upkeep_survives_failures_and_stops_when_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steeple.server.upkeep._EVERY_SECONDS", 0.0)
    monkeypatch.setattr("steeple.server.upkeep._AFTER_FAILURE_SECONDS", 0.0)
    calls: list[bool] = []
    reached = threading.Event()

    def upkeep(stopped: Callable[[], bool]) -> None:
        calls.append(stopped())
        if len(calls) == 1:
            raise OSError("the disk is full")
        if len(calls) == 2:
            raise CancelledError("stopped")
        reached.set()

    monkeypatch.setattr(engine.index_keeper, "upkeep", upkeep)
    thread = Upkeep(engine.index_keeper)
    thread.start()
    assert reached.wait(30)
    thread.close()
    thread.close()
