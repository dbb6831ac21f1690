"""An index named in the settings: trained once there is enough for that, and swapped in while the server goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import CancelledError, FailedPreconditionError
from steeple.server.catalogue import LandmarkDraft
from steeple.server.engine import Engine
from steeple.server.index import faiss_index
from steeple.server.keeper import Activity, UpkeepState
from steeple.server.settings import Settings
from tests.server.index.host_device import HostDevice
from tests.server.kept import faiss_keeper

MakeFeatures = Callable[..., FeatureSet]

NEVER = lambda: False  # noqa: E731
RELEASES = "IVF1024,PQ20 on CPU"


@pytest.fixture(autouse=True)
def _upkeep_comes_when_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steeple.server.upkeep._EVERY_SECONDS", 3600.0)


@pytest.fixture(autouse=True)
def _little_is_enough(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("steeple.server.index_factory._PER_CENTROID", 4)  # 1024 descriptors
    caplog.set_level(logging.INFO, "steeple")


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Engine]:
    """Opens engines on one data folder, one at a time."""
    before: list[Engine] = []

    def open_engine(**flags: object) -> Engine:
        for engine in before:
            engine.close()
        before.append(Engine(Settings.load(None, data_dir=tmp_path / "data", **flags)))
        return before[-1]

    return open_engine


def fill(engine: Engine, make_features: MakeFeatures, *numbers: int) -> None:
    if not engine.catalogue.landmarks(["a"]):
        engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    for number in numbers:
        engine.ingest.create_image("a", make_features(number, count=400), image_id=f"image-{number}")


def found(engine: Engine, make_features: MakeFeatures, *numbers: int) -> list[int]:
    """Those of the numbers whose image is the first candidate for its own features."""
    answers = {number: engine.identify(make_features(number, count=400), max_candidates=1) for number in numbers}
    return [
        number
        for number, answer in answers.items()
        if answer.candidates and answer.candidates[0].image.id == f"image-{number}"
    ]


def kind(engine: Engine) -> str:
    return engine.index_keeper.index.stats().kind


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records]


@pytest.mark.parametrize("factory", ["IVF16_HNSW8,PQ8np", "OPQ4,IVF16,PQ4"])
def test_the_index_is_trained_once_there_is_enough(
    opened: Callable[..., Engine], make_features: MakeFeatures, factory: str, caplog: pytest.LogCaptureFixture
) -> None:
    canonical = factory.removesuffix("np")
    engine = opened(index=factory, probes=16)
    assert "the index is not yet of the kind that its setting names" in messages(caplog)
    fill(engine, make_features, 0, 1)
    engine.index_keeper.upkeep(NEVER)
    assert kind(engine) == RELEASES
    waiting = engine.server_info().waiting_for
    assert waiting == (
        f"{canonical} is trained once the catalogue has 1,024 descriptors; "
        "it has 800, and IVF1024,PQ20 serves until then"
    )
    fill(engine, make_features, 2)
    assert engine.server_info().waiting_for == ""
    engine.index_keeper.upkeep(NEVER)
    assert kind(engine) == f"{canonical} on CPU"
    assert "the index is made anew as its setting says" in messages(caplog)
    assert found(engine, make_features, 0, 1, 2) == [0, 1, 2]
    fill(engine, make_features, 3)
    assert found(engine, make_features, 3) == [3]
    again = opened(index=factory, probes=16)
    assert kind(again) == f"{canonical} on CPU"
    again.index_keeper.upkeep(NEVER)
    assert found(again, make_features, 0, 1, 2, 3) == [0, 1, 2, 3]
    again.close()


def test_while_very_many_are_added_the_index_is_not_trained_on_the_first_of_them(
    opened: Callable[..., Engine], make_features: MakeFeatures
) -> None:
    engine = opened(index="IVF16,PQ4")
    with engine.ingest.adding_many(), engine.ingest.adding_many():
        fill(engine, make_features, 0, 1, 2)
        engine.index_keeper.upkeep(NEVER)
        assert kind(engine) == RELEASES
        assert found(engine, make_features, 0, 1, 2) == [0, 1, 2]
    engine.index_keeper.upkeep(NEVER)
    assert kind(engine) == "IVF16,PQ4 on CPU"
    engine.close()


def test_a_saved_index_is_made_anew_when_the_setting_changes(
    opened: Callable[..., Engine], make_features: MakeFeatures
) -> None:
    engine = opened()
    fill(engine, make_features, 0, 1, 2)
    engine.index_keeper.upkeep(NEVER)
    assert kind(engine) == RELEASES, "nothing was asked for"
    for factory in ("IVF16,PQ4", "IVF32,PQ4"):
        engine = opened(index=factory)
        assert not kind(engine).startswith(factory), "what was saved serves"
        assert found(engine, make_features, 0, 1, 2) == [0, 1, 2]
        engine.index_keeper.upkeep(NEVER)
        assert kind(engine) == f"{factory} on CPU"
        assert found(engine, make_features, 0, 1, 2) == [0, 1, 2]
    engine = opened()
    engine.index_keeper.upkeep(NEVER)
    assert kind(engine) == "IVF32,PQ4 on CPU", "it is large enough for the catalogue"
    engine.close()


def test_a_half_made_index_of_another_setting_is_not_used(
    opened: Callable[..., Engine], make_features: MakeFeatures, tmp_path: Path
) -> None:
    engine = opened(index="IVF16,PQ8")
    fill(engine, make_features, 0, 1, 2)
    states: list[UpkeepState] = []

    def after_one() -> bool:
        states.append(engine.index_keeper.upkeep_state)
        return states[-1].images_done == 1

    with pytest.raises(CancelledError):
        engine.index_keeper.upkeep(after_one)
    assert states[0] == UpkeepState(Activity.REBUILDING, 0, 3)
    assert states[-1] == UpkeepState(Activity.REBUILDING, 1, 3)
    assert engine.index_keeper.upkeep_state == UpkeepState()
    half = tmp_path / "data" / "index" / f"{engine.release.name}.rebuild"
    assert half.exists()
    engine = opened(index="IVF32,PQ8")
    engine.index_keeper.upkeep(NEVER)
    assert kind(engine) == "IVF32,PQ8 on CPU"
    assert found(engine, make_features, 0, 1, 2) == [0, 1, 2]
    assert not half.exists()
    engine.close()


def test_an_index_full_of_traces_is_made_anew_with_its_codebook(
    opened: Callable[..., Engine], make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss_index, "_WORN_FROM", 2000)
    engine = opened(deleted_retention_days=0)  # its id is used again
    fill(engine, make_features, 0, 1)
    index = faiss_keeper(engine).index

    def worn() -> bool:
        return index.worn

    codebook = index.codebook.sha256
    for _ in range(5):
        assert not worn()
        engine.ingest.delete_image("a", "image-1")
        fill(engine, make_features, 1)
    engine.ingest.delete_image("a", "image-1")
    assert worn(), "2800 numbers, 400 descriptors"
    engine.index_keeper.upkeep(NEVER)
    assert not worn()
    assert index.codebook.sha256 == codebook
    assert (index.stats().descriptors, index.dead) == (400, 0)
    assert found(engine, make_features, 0, 1) == [0]
    engine.close()


def test_probes_and_neighbours_of_the_settings_override_the_releases(
    opened: Callable[..., Engine], make_features: MakeFeatures
) -> None:
    engine = opened()
    before = (engine.release.index.probes, engine.release.index.neighbours)
    fill(engine, make_features, 0)
    engine = opened(probes=3, neighbours=7)
    info = engine.server_info().index
    assert before != (3, 7) == (info.probes, info.neighbours)
    assert faiss_keeper(engine).index.codebook.probes == 3
    assert found(engine, make_features, 0) == [0]
    engine.close()


def test_a_device_serves_the_index_through_a_restart_and_a_rebuild(
    opened: Callable[..., Engine], make_features: MakeFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = HostDevice()
    monkeypatch.setattr("steeple.server.index_engines.gpu.find", lambda _: device)
    engine = opened()
    assert not engine.server_info().index.batching, "off by default, also where a device serves"
    fill(engine, make_features, 0, 1, 2)
    engine = opened(index="IVF16,PQ8", batching="on")
    assert (device.mirrors, device.held) == (1, 1200)
    assert engine.server_info().index.batching
    assert found(engine, make_features, 0, 1, 2) == [0, 1, 2]
    assert device.searches == 3
    engine.index_keeper.upkeep(NEVER)
    info = engine.server_info().index
    assert (info.factory, info.device) == ("IVF16,PQ8", "host memory")
    assert (device.mirrors, device.held, device.most_held) == (1, 1200, 1200)
    assert found(engine, make_features, 0, 1, 2) == [0, 1, 2]
    assert device.searches == 6
    engine.close()


def test_a_gpu_that_is_not_there_keeps_the_server_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faiss.get_num_gpus", lambda: 0, raising=False)
    with pytest.raises(FailedPreconditionError, match="set device to auto or cpu"):
        Engine(Settings.load(data_dir=tmp_path / "data", device="gpu"))
    Engine(Settings.load(data_dir=tmp_path / "data", device="cpu")).close()
