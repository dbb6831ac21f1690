"""What nobody waits for decodes large photos when their turn comes; it is not told to come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from steeple.delf.image import sniff
from steeple.server.batch_ingest import PreparedImage
from steeple.server.catalogue import LandmarkDraft
from steeple.server.catalogue.served_releases import PreparedModel
from steeple.server.engine import Engine
from steeple.server.settings import Settings
from tests.hostile_photos import png
from tests.scenes import encoded, scene

MEMORY = 64 << 20
UNDER_WAY = png(2000, 1500)
PATIENCE = 60.0

ResultT = TypeVar("ResultT")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine(Settings.load(data_dir=tmp_path / "data", model="delf-lite0-v1", decode_memory_bytes=MEMORY))
    opened.catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def photo() -> bytes:
    """A photo that counts as large: by itself it takes more than a quarter of the memory."""
    made = encoded(scene(1, 2000, 1500))
    assert MEMORY / 4 < sniff(made).decode_bytes < MEMORY * 3 / 4
    return made


def done_behind_a_large_photo(engine: Engine, work: Callable[[], ResultT]) -> ResultT:
    """What work gives that is begun while another large photo is under way, and that must not end before that has."""
    with ThreadPoolExecutor(1) as pool:
        with engine.serving.default.extractors.decoded(UNDER_WAY):
            result: Future[ResultT] = pool.submit(work)
            with pytest.raises(TimeoutError):
                result.result(0.5)
        return result.result(PATIENCE)


def test_the_import_of_a_catalogue_waits_for_a_large_photo(engine: Engine, photo: bytes) -> None:
    draft = done_behind_a_large_photo(engine, lambda: engine.ingest.draft(photo))
    assert len(draft.features) > 100


def test_a_batch_waits_to_extract_a_large_photo_with_a_release_that_is_to_come(engine: Engine, photo: bytes) -> None:
    prepared = engine.ingest.batches.prepare("tower", photo)
    assert isinstance(prepared, PreparedImage)
    preparing = engine.operations.store.create("the preparation", {})
    coming = PreparedModel("delf-lite2-v1", "delf-lite2-v1")
    engine.catalogue.prepare_model(coming, preparing.id)
    (outcome,) = done_behind_a_large_photo(
        engine, lambda: engine.ingest.batches.create([prepared], photo=lambda _: photo)
    )
    assert outcome.image is not None
    assert engine.catalogue.count_without(coming.name) == 0
