"""A server's engine with landmarks to make packs of."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from steeple.server.catalogue import LandmarkDraft, LatLng
from steeple.server.engine import Engine
from steeple.server.operations import Operation, OperationState
from steeple.server.packs import PublishedPack
from steeple.server.settings import Settings
from tests.known_photos import seen_from
from tests.scenes import encoded, scene
from tests.server.conftest import MakeFeatures

PARIS, LONDON = LatLng(48.8584, 2.2945), LatLng(51.5007, -0.1246)
WIDTH, HEIGHT = 240, 180

OpenEngine = Callable[[], Engine]


@pytest.fixture
def open_engine(tmp_path: Path) -> Iterator[OpenEngine]:
    """Engines on the data folder of the test, one at a time; the last is closed."""
    opened: list[Engine] = []

    def start() -> Engine:
        for engine in opened:
            engine.close()
        opened.append(Engine(Settings.load(None, data_dir=tmp_path / "data")))
        return opened[-1]

    yield start
    for engine in opened:
        engine.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, make_features: MakeFeatures) -> Path:
    """A data folder with three landmarks in Paris, of which one has photos, one in London, and one nowhere."""
    folder = tmp_path_factory.mktemp("filled") / "data"
    engine = Engine(Settings.load(None, data_dir=folder))
    for number, (name, place, label) in enumerate(
        [
            ("tower", PARIS, "iron"),
            ("church", PARIS, "stone"),
            ("gate", LatLng(48.86, 2.33), "stone"),
            ("clock", LONDON, "stone"),
            ("ghost", None, "stone"),
        ]
    ):
        draft = LandmarkDraft(
            name.title(),
            description=f"The {name}.",
            location=place,
            labels=[label],
            metadata={"number": str(number)},
            aliases={"fr": ["La dame de fer"]} if name == "tower" else {},
        )
        engine.catalogue.create_landmark(draft, landmark_id=name)
        for image in range(3):
            engine.ingest.create_image(name, make_features(10 * number + image), image_id=f"image-{image}")
    for view in (0, 1):
        engine.ingest.create_image("tower", photo(view), image_id=f"photo-{view}")
    engine.close()
    return folder


@pytest.fixture
def engine(open_engine: OpenEngine, filled: Path, tmp_path: Path) -> Engine:
    """Of a server on a copy of that folder."""
    shutil.copytree(filled, tmp_path / "data")
    return open_engine()


def photo(view: int) -> bytes:
    """The tower as seen from one of several sides."""
    return encoded(seen_from(scene(700, WIDTH, HEIGHT), view))


def finished(engine: Engine, operation: Operation) -> Operation:
    """The operation at its end, which must be a success."""
    done = engine.operations.wait(operation.id, 60.0)
    assert done.state is OperationState.SUCCEEDED, done.error_message
    return done


def published(engine: Engine, operation: Operation) -> PublishedPack:
    """The pack that an operation has published."""
    return engine.packs.store.get(finished(engine, operation).results["pack"].removeprefix("packs/"))


def file_of(engine: Engine, pack: PublishedPack) -> Path:
    """Where its file lies."""
    return files_of(engine) / pack.file


def files_of(engine: Engine) -> Path:
    """Where the files of all packs lie."""
    folder = engine.packs.store.files.folder
    assert folder is not None
    return folder
