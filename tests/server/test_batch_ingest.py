"""Photos that are prepared now and committed later: what may happen in between."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from steeple.server.batch_ingest import PreparedImage
from steeple.server.catalogue import LandmarkDraft
from steeple.server.catalogue.served_releases import PreparedModel
from steeple.server.engine import Engine
from steeple.server.settings import Settings
from tests.server.conftest import MakePhoto

COMING = "delf-lite0-v1"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine(Settings.load(data_dir=tmp_path / "data"))
    opened.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    yield opened
    opened.close()


def prepared(engine: Engine, photo: bytes) -> PreparedImage:
    found = engine.ingest.batches.prepare("a", photo)
    assert isinstance(found, PreparedImage)
    return found


def test_a_photo_that_was_deleted_in_between_is_stored_again(engine: Engine, make_photo: MakePhoto) -> None:
    photo = make_photo(1)
    ready = prepared(engine, photo)
    engine.ingest.shelf.discard_unused([hashlib.sha256(photo).hexdigest()])
    (outcome,) = engine.ingest.batches.create([ready], photo=lambda _: photo)
    assert outcome.image is not None
    assert engine.ingest.photo("a", outcome.image.id, original=True)[0] == photo


def test_a_release_that_came_in_between_has_features_of_it_too(engine: Engine, make_photo: MakePhoto) -> None:
    photo = make_photo(1)
    ready = prepared(engine, photo)
    preparing = engine.operations.store.create("the preparation", {})
    engine.catalogue.prepare_model(PreparedModel(COMING, COMING), preparing.id)
    (outcome,) = engine.ingest.batches.create([ready], photo=lambda _: photo)
    assert outcome.image is not None
    assert engine.catalogue.features([outcome.image.key], COMING)[outcome.image.key].model == COMING
