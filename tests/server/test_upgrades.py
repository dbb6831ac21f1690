"""From one model release to another while the server serves."""

from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from steeple.delf import Extractor, ModelRelease
from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, ModelMismatchError, NotFoundError
from steeple.server import upgrades
from steeple.server.catalogue import LandmarkDraft, audit
from steeple.server.engine import Engine
from steeple.server.operations import Operation, OperationState
from steeple.server.settings import Settings
from steeple.server.snapshots.restoring import restore
from tests.scenes import scene
from tests.server.conftest import MakeFeatures, MakePhoto

OLD, NEW = "delf-lite2-v1", "delf-lite0-v1"
PATIENCE = 60.0
LANDMARKS = 3

OpenEngine = Callable[..., Engine]


@pytest.fixture(scope="module")
def queries() -> dict[str, list[FeatureSet]]:
    """Features of the photo of each landmark, by release."""
    extractors = {name: Extractor(ModelRelease.load(name)) for name in (OLD, NEW)}
    return {
        name: [extractor.extract(scene(number, 320, 240)) for number in range(LANDMARKS)]
        for name, extractor in extractors.items()
    }


@pytest.fixture
def open_engine(tmp_path: Path) -> Iterator[OpenEngine]:
    """Opens engines on folders of the test, by name; they are closed at its end."""
    opened = []

    def open_one(name: str = "data", **flags: Any) -> Engine:
        engine = Engine(Settings.load(data_dir=tmp_path / name, **flags))
        opened.append(engine)
        return engine

    yield open_one
    for engine in opened:
        engine.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, make_photo: MakePhoto) -> Path:
    """A data folder of the old release, with a photo of each landmark; to be copied."""
    path = tmp_path_factory.mktemp("filled") / "data"
    engine = Engine(Settings.load(data_dir=path, model=OLD))
    for number in range(LANDMARKS):
        engine.catalogue.create_landmark(LandmarkDraft(str(number)), landmark_id=f"landmark-{number}")
        engine.ingest.create_image(f"landmark-{number}", make_photo(number), image_id="photo")
    engine.close()
    return path


@pytest.fixture
def engine(filled: Path, open_engine: OpenEngine, tmp_path: Path) -> Engine:
    """An engine that serves the old release, with a photo of each landmark."""
    shutil.copytree(filled, tmp_path / "data")
    return open_engine(model=OLD)


def done(engine: Engine, operation: Operation) -> Operation:
    """The operation once it is finished."""
    return engine.operations.wait(operation.id, PATIENCE)


def succeeded(engine: Engine, operation: Operation) -> Operation:
    found = done(engine, operation)
    assert found.state is OperationState.SUCCEEDED, found.error_message
    return found


def named(engine: Engine, source: FeatureSet | bytes) -> str | None:
    """Id of the landmark in a query, and the release that found it."""
    found = engine.identify(source, max_candidates=1)
    if isinstance(source, FeatureSet):
        assert found.model == source.model
    return found.candidates[0].landmark.id if found.identified else None


def models(engine: Engine) -> list[str]:
    return [release.name for release in engine.models()]


def test_queries_of_both_releases_are_answered_through_the_switch(
    engine: Engine, make_photo: MakePhoto, queries: dict[str, list[FeatureSet]]
) -> None:
    photo, stop, wrong, answered = make_photo(0), threading.Event(), [], dict.fromkeys((OLD, NEW, "photo"), 0)

    def ask(kind: str) -> None:
        """Old ones and photos are answered all the time; new ones from the moment on at which they first are."""
        served = kind != NEW
        while not stop.wait(0.2):  # or the extraction, which steps back for queries, would have to wait for long
            for number in range(1 if kind == "photo" else LANDMARKS):
                try:
                    found = named(engine, photo if kind == "photo" else queries[kind][number])
                except Exception as error:
                    if served or not isinstance(error, ModelMismatchError):
                        wrong.append(repr(error))
                    continue
                served = True
                answered[kind] += 1
                if found != f"landmark-{number}":
                    wrong.append(f"{kind} {number}: {found}")

    threads = [threading.Thread(target=ask, args=[kind]) for kind in answered]
    for thread in threads:
        thread.start()
    operation = engine.upgrades.upgrade(NEW)
    engine.ingest.create_image("landmark-0", make_photo(7), image_id="meanwhile")
    try:
        results = succeeded(engine, operation).results
        while not wrong and min(answered[kind] for kind in answered) < LANDMARKS + 1:
            stop.wait(0.01)  # for queries after the switch
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert results == {"model": f"models/{NEW}", "images": "4", "missing": "0"}
    assert models(engine) == [NEW, OLD]
    engine.ingest.create_image("landmark-1", make_photo(8), image_id="afterwards")
    for number, landmark in ((7, "landmark-0"), (8, "landmark-1")):
        for name in (OLD, NEW):
            features = Extractor(ModelRelease.load(name)).extract(scene(number, 320, 240))
            assert named(engine, features) == landmark
    assert engine.identify(photo, max_candidates=1).model == NEW
    first = audit.events(engine.catalogue.database, resource=f"models/{NEW}").items[0]
    assert (first.method, first.outcome) == (upgrades.UPGRADE, "OK")


def test_the_switch_lasts_and_the_old_release_can_be_retired(
    engine: Engine,
    open_engine: OpenEngine,
    tmp_path: Path,
    queries: dict[str, list[FeatureSet]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(FailedPreconditionError, match="is the default"):
        engine.upgrades.retire(OLD)
    with pytest.raises(NotFoundError, match="does not serve models/delf-base"):
        engine.upgrades.retire("delf-base")
    succeeded(engine, engine.upgrades.upgrade(NEW))
    operation = engine.operations.wait(engine.snapshots.create().id, PATIENCE)
    engine.close()

    both = open_engine(model=OLD)
    assert models(both) == [NEW, OLD]
    assert [named(both, queries[name][1]) for name in (OLD, NEW)] == ["landmark-1"] * 2
    assert succeeded(both, both.upgrades.upgrade(OLD)).results["images"] == "3", "and back, without an extraction"
    assert models(both) == [OLD, NEW]
    succeeded(both, both.upgrades.upgrade(NEW))
    assert succeeded(both, both.upgrades.retire(OLD)).results == {"model": f"models/{OLD}", "images": "3"}
    assert models(both) == [NEW]
    with pytest.raises(ModelMismatchError, match=f"extract with models/{NEW}"):
        named(both, queries[OLD][0])
    assert [named(both, query) for query in queries[NEW]] == [f"landmark-{number}" for number in range(LANDMARKS)]
    assert {image.model for image in both.catalogue.list_images("landmark-0").items} == {NEW}
    assert not both.catalogue.has_features(OLD)
    assert [path.name for path in (tmp_path / "data" / "index").iterdir()] == [NEW]
    both.close()

    with caplog.at_level("WARNING"):
        new = open_engine(model=OLD)
    assert models(new) == [NEW]
    assert "the setting model is not heeded" in caplog.text
    assert named(new, queries[NEW][2]) == "landmark-2"
    restore(new.snapshots.store.kept(operation.id), tmp_path / "restored")
    restored = open_engine("restored", model=OLD)
    assert models(restored) == [NEW, OLD], "a snapshot has both, as they were served"
    assert [named(restored, queries[name][1]) for name in (OLD, NEW)] == ["landmark-1"] * 2


def test_images_that_cannot_be_extracted_anew_hold_the_switch_up(
    engine: Engine, tmp_path: Path, make_features: MakeFeatures, queries: dict[str, list[FeatureSet]]
) -> None:
    image = engine.catalogue.get_image("landmark-0", "photo")
    photo = tmp_path / "data" / "images" / image.sha256[:2] / image.sha256[2:4] / image.sha256
    kept = photo.rename(tmp_path / "photo")
    engine.ingest.create_image("landmark-1", make_features(1), image_id="features")
    failed = done(engine, engine.upgrades.upgrade(NEW))
    assert (failed.error_status, failed.problem_count) == ("FAILED_PRECONDITION", 2)
    assert "2 images have no features by delf-lite0-v1" in failed.error_message
    problems = {problem.item: problem.status for problem in engine.operations.store.problems(failed.id).items}
    assert problems == {
        "landmarks/landmark-0/images/photo": "DATA_LOSS",
        "landmarks/landmark-1/images/features": "FAILED_PRECONDITION",
    }
    assert models(engine) == [OLD]
    with pytest.raises(ModelMismatchError):
        named(engine, queries[NEW][1])
    assert len(engine.serving.extracting) == 1, "new photos are not extracted twice for nothing"

    kept.rename(photo)
    results = succeeded(engine, engine.upgrades.upgrade(NEW, accept_missing=True)).results
    assert (results["images"], results["missing"]) == ("3", "1")
    assert named(engine, queries[NEW][0]) == "landmark-0", "what can be extracted now is"
    assert named(engine, make_features(1)) == "landmark-1", "and what cannot is found by the old release"
    refused = done(engine, engine.upgrades.retire(OLD))
    assert (refused.state, refused.error_status) == (OperationState.FAILED, "FAILED_PRECONDITION")
    assert models(engine) == [NEW, OLD]
    succeeded(engine, engine.upgrades.retire(OLD, accept_missing=True))
    assert models(engine) == [NEW]
    assert engine.catalogue.image_count() == 4, "no image is deleted"
    succeeded(engine, engine.upgrades.upgrade(OLD))
    assert named(engine, make_features(1)) == "landmark-1", "that one has the old release's features still"
    assert done(engine, engine.upgrades.upgrade(NEW)).error_status == "FAILED_PRECONDITION"
    engine.ingest.delete_image("landmark-1", "features")
    assert succeeded(engine, engine.upgrades.upgrade(NEW)).problem_count == 0, "what is deleted holds nothing up"


def test_what_is_extracted_late_reaches_an_index_that_is_kept(
    engine: Engine, tmp_path: Path, queries: dict[str, list[FeatureSet]], make_photo: MakePhoto
) -> None:
    image = engine.catalogue.get_image("landmark-0", "photo")
    photo = tmp_path / "data" / "images" / image.sha256[:2] / image.sha256[2:4] / image.sha256
    kept = photo.rename(tmp_path / "photo")
    engine.catalogue.delete_image("landmark-2", "photo")
    succeeded(engine, engine.upgrades.upgrade(NEW, accept_missing=True))
    assert named(engine, queries[NEW][0]) is None
    succeeded(engine, engine.upgrades.upgrade(OLD))
    kept.rename(photo)
    succeeded(engine, engine.upgrades.upgrade(NEW))
    assert named(engine, queries[NEW][0]) == "landmark-0"
    assert named(engine, queries[NEW][2]) is None
    engine.ingest.undelete_image("landmark-2", "photo")
    assert [named(engine, queries[name][2]) for name in (OLD, NEW)] == ["landmark-2"] * 2
    assert engine.ingest.photo("landmark-0", "photo")[0] == make_photo(0)


def begin_and_wait(data_dir: Path) -> None:
    """A server that begins an upgrade, an image at a time, and waits to be killed."""
    upgrades._AT_ONCE = 1  # type: ignore[misc]
    engine = Engine(Settings.load(data_dir=data_dir, model=OLD))
    engine.upgrades.upgrade(NEW)
    threading.Event().wait()


def test_a_killed_upgrade_goes_on(
    filled: Path, tmp_path: Path, open_engine: OpenEngine, queries: dict[str, list[FeatureSet]]
) -> None:
    shutil.copytree(filled, tmp_path / "data")
    process = multiprocessing.get_context("forkserver").Process(target=begin_and_wait, args=[tmp_path / "data"])
    process.start()
    while process.is_alive() and not extracted(tmp_path / "data"):
        process.join(0.02)
    process.kill()
    process.join()
    before = extracted(tmp_path / "data")
    assert before > 0
    engine = open_engine(model=OLD)
    (operation,) = engine.operations.store.list().items
    assert succeeded(engine, operation).results["images"] == str(LANDMARKS)
    assert extracted(tmp_path / "data") == LANDMARKS
    assert models(engine) == [NEW, OLD]
    assert [named(engine, query) for query in queries[NEW]] == [f"landmark-{number}" for number in range(LANDMARKS)]


def extracted(data_dir: Path) -> int:
    """Images that have features by the new release."""
    file = data_dir / "catalogue.db"
    if not file.exists():
        return 0
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30.0)) as catalogue:
        try:
            return int(catalogue.execute("SELECT count(*) FROM release_features").fetchone()[0])
        except sqlite3.OperationalError:  # not made yet
            return 0


def test_one_change_of_releases_at_a_time(engine: Engine) -> None:
    with engine.catalogue.database.locks.alone("served models"):  # as if one were under way
        refused = done(engine, engine.upgrades.upgrade(NEW))
    assert (refused.error_status, "another operation" in refused.error_message) == ("FAILED_PRECONDITION", True)
    assert succeeded(engine, engine.operations.resume(refused.id)).results["images"] == str(LANDMARKS)
