"""A server with some photos, and a snapshot of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from steeple.server.catalogue import LandmarkDraft
from steeple.server.engine import Engine
from steeple.server.operations import OperationState
from steeple.server.settings import Settings
from steeple.server.snapshots.manifest import Snapshot
from tests.server.conftest import MakePhoto

PATIENCE = 60.0

OpenEngine = Callable[..., Engine]


@dataclass(frozen=True)
class Taken:
    """A snapshot, and the folder that it lies in."""

    snapshot: Snapshot
    folder: Path


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


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, make_photo: MakePhoto) -> Path:
    """A data folder with two landmarks of two photos each; to be copied."""
    path = tmp_path_factory.mktemp("filled") / "data"
    engine = Engine(Settings.load(data_dir=path))
    for number, landmark in enumerate(("a", "b")):
        engine.catalogue.create_landmark(LandmarkDraft(landmark.upper()), landmark_id=landmark)
        for image in range(2):
            engine.ingest.create_image(landmark, make_photo(10 * number + image), image_id=f"image-{image}")
    engine.close()
    return path


@pytest.fixture
def engine(filled: Path, open_engine: OpenEngine, tmp_path: Path) -> Engine:
    """An engine with two landmarks of two photos each."""
    shutil.copytree(filled, tmp_path / "data")
    return open_engine()


def take(engine: Engine, **options: bool | int) -> Taken:
    """A snapshot, once it is made."""
    operation = engine.operations.wait(engine.snapshots.create(**options).id, PATIENCE)  # type: ignore[arg-type]
    assert operation.state is OperationState.SUCCEEDED, operation.error_message
    return Taken(engine.snapshots.store.get(operation.id), engine.snapshots.store.folder(operation.id))
