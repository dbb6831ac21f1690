"""A snapshot that is made while images come and go is of one moment."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from steeple.errors import CancelledError, SteepleError
from steeple.server.catalogue import LandmarkDraft
from steeple.server.engine import Engine
from steeple.server.snapshots.making import Source, make, photo_path
from steeple.server.snapshots.manifest import Snapshot
from steeple.server.snapshots.restoring import check, restore
from steeple.server.snapshots.store import SnapshotStore
from tests.server.conftest import MakeFeatures, MakePhoto
from tests.server.kept import faiss_keeper

from .conftest import OpenEngine


class Interfering:
    """Is told how far a snapshot is, and does something at a step."""

    def __init__(self, **actions: object) -> None:
        self.actions = actions

    def progress(self, done: int, total: int = 0, step: str = "") -> None:
        action = self.actions.pop(step.split(" ", maxsplit=1)[0], None)
        if callable(action):
            action()

    def problem(self, item: str, error: SteepleError) -> None:
        raise error


def source(engine: Engine) -> Source:
    return engine.snapshots._source


def consistent(folder: Path) -> set[str]:
    """Ids of the images of a snapshot, each of which has its features and its photo."""
    check(folder)
    with closing(sqlite3.connect(folder / "catalogue.db")) as catalogue:
        rows = catalogue.execute(
            "SELECT landmark.id || '/' || reference_image.id, sha256, image_features.image_key FROM reference_image "
            "JOIN landmark ON landmark.key = landmark_key "
            "LEFT JOIN image_features ON image_features.image_key = reference_image.key"
        ).fetchall()
        assert all(features is not None for _, _, features in rows)
    assert all((folder / photo_path(sha256)).is_file() for _, sha256, _ in rows if sha256)
    return {image_id for image_id, _, _ in rows}


def test_photos_that_are_deleted_meanwhile_are_in_it(
    filled: Path, open_engine: OpenEngine, make_photo: MakePhoto, tmp_path: Path
) -> None:
    shutil.copytree(filled, tmp_path / "data")
    engine = open_engine(deleted_retention_days=0)
    store = SnapshotStore(tmp_path / "snapshots")
    photos = tmp_path / "data" / "images"

    def stored() -> int:
        return sum(file.is_file() for file in photos.rglob("*"))

    def before() -> None:
        engine.ingest.delete_image("a", "image-0")
        engine.ingest.create_image("a", make_photo(4), image_id="image-4")

    def after() -> None:
        engine.ingest.delete_landmark("a", force=True)
        engine.ingest.delete_landmark("b", force=True)
        engine.catalogue.create_landmark(LandmarkDraft("C"), landmark_id="c")
        engine.ingest.create_image("c", make_photo(1), image_id="image-1")
        assert stored() == 5, "nothing is deleted while a snapshot is made"

    taken = make(source(engine), store, "one", Interfering(the=before, photos=after))
    assert consistent(store.folder("one")) == {"a/image-1", "a/image-4", "b/image-0", "b/image-1"}
    assert stored() == 1, "what is in use again stays, the others go then"
    assert taken.photo_count == 4
    restore(store.folder("one"), tmp_path / "other")
    other = open_engine("other", deleted_retention_days=0)
    assert other.identify(make_photo(4), max_candidates=1).identified
    assert not other.identify(make_photo(0), max_candidates=1).identified


def test_writers_beside_it(open_engine: OpenEngine, make_features: MakeFeatures, tmp_path: Path) -> None:
    engine, store = open_engine(deleted_retention_days=0), SnapshotStore(tmp_path / "snapshots")
    engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    stop, failures = threading.Event(), []

    def change() -> None:
        """Image n is removed once image n + 3 is there: at each moment, three or four in a row."""
        number = 0
        try:
            while not stop.is_set():
                engine.ingest.create_image("a", make_features(number), image_id=f"image-{number:05}")
                if number >= 3:
                    engine.ingest.delete_image("a", f"image-{number - 3:05}")
                number += 1
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for number in range(5):
            snapshot = make(source(engine), store, f"snapshot-{number}", Interfering())
            found = sorted(int(name.removeprefix("a/image-")) for name in consistent(store.folder(snapshot.id)))
            assert len(found) <= 4
            assert found == list(range(found[0], found[0] + len(found))) if found else True
    finally:
        stop.set()
        thread.join()
    assert failures == []
    restore(store.folder("snapshot-4"), tmp_path / "other")
    other = open_engine("other")
    assert other.index_keeper.sequence == other.catalogue.sequence() == snapshot.sequence
    assert len(faiss_keeper(other).index.keys()) == snapshot.reference_image_count


def test_one_that_is_cancelled_leaves_nothing(engine: Engine, tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "snapshots")

    def cancel() -> None:
        raise CancelledError("stop")

    for step in ("the", "pages", "photos", "forcing"):
        with pytest.raises(CancelledError):
            make(source(engine), store, "one", Interfering(**{step: cancel}))
        assert list(store.path.iterdir()) == []
    made: Snapshot = make(source(engine), store, "one", Interfering())
    assert store.all() == [made]
