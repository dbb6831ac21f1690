"""Object storage goes away in the middle of things, and nothing is lost."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from steeple.errors import FailedPreconditionError, UnavailableError
from steeple.server.catalogue import LandmarkDraft
from steeple.server.operations import OperationState
from steeple.server.snapshots.object_writer import ObjectWriter
from steeple.server.snapshots.restoring import restore
from tests.engines.object_store import SECRET_KEY, ObjectStore
from tests.server.conftest import MakePhoto

from .conftest import PATIENCE, OpenEngine, Taken

pytestmark = pytest.mark.engines


@pytest.fixture
def own_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """An S3 server of this test alone, which it may stop."""
    store = ObjectStore()
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    store.start()
    try:
        yield store
    finally:
        store.stop()


def test_a_snapshot_fails_whole_and_is_resumed(
    own_store: ObjectStore, open_engine: OpenEngine, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(filled, tmp_path / "data")
    engine = open_engine(snapshots_dir=own_store.make_bucket("backups"))
    sealed = ObjectWriter.sealed

    def goes_away(writer: ObjectWriter) -> object:
        own_store.stop()
        return sealed(writer)

    with monkeypatch.context() as outage:
        outage.setattr(ObjectWriter, "sealed", goes_away)
        failed = engine.operations.wait(engine.snapshots.create().id, PATIENCE)
    assert (failed.state, failed.error_status) == (OperationState.FAILED, "UNAVAILABLE")
    assert "the object storage of the snapshots cannot be reached" in failed.error_message
    with pytest.raises(UnavailableError):
        engine.snapshots.store.all()
    assert engine.storage.measured().result(PATIENCE).parts, "what else is kept is told"
    own_store.start()
    own_store.make_bucket("backups")
    assert engine.snapshots.store.all() == []
    engine.operations.resume(failed.id)
    assert engine.operations.wait(failed.id, PATIENCE).state is OperationState.SUCCEEDED
    taken = Taken(engine.snapshots.store.get(failed.id), engine.snapshots.store)
    restore(taken.kept, tmp_path / "other")
    assert open_engine("other").catalogue.image_count() == 4


def test_no_image_is_added_without_its_photo(
    own_store: ObjectStore, open_engine: OpenEngine, make_photo: MakePhoto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    engine = open_engine(images_url=own_store.make_bucket("photos"))
    engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    engine.ingest.create_image("a", make_photo(0), image_id="image-0")
    own_store.stop()
    with pytest.raises(UnavailableError, match="the object storage of the photos cannot be reached"):
        engine.ingest.create_image("a", make_photo(1), image_id="image-1")
    with pytest.raises(UnavailableError):
        engine.ingest.photo("a", "image-0")
    assert [image.id for image in engine.catalogue.list_images("a").items] == ["image-0"]
    assert engine.identify(make_photo(0), max_candidates=1).identified, "answers need no photos"
    own_store.start()
    with pytest.raises(FailedPreconditionError, match="the bucket of the photos does not exist"):
        engine.ingest.create_image("a", make_photo(1), image_id="image-1")
    own_store.make_bucket("photos")
    engine.ingest.create_image("a", make_photo(1), image_id="image-1")
    assert engine.ingest.photo("a", "image-1")[0] == make_photo(1)
    assert SECRET_KEY not in caplog.text
