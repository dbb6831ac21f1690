"""A server with some photos, and a snapshot of it."""

from __future__ import annotations

import hashlib
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
from steeple.server.snapshots.files import SUMS
from steeple.server.snapshots.manifest import MANIFEST, Snapshot
from steeple.server.snapshots.object_reader import folder_of, object_path
from steeple.server.snapshots.objects import SnapshotBucket
from steeple.server.snapshots.places import KeptSnapshot, SnapshotPlace
from tests.server.conftest import MakePhoto

PATIENCE = 60.0

OpenEngine = Callable[..., Engine]


@dataclass(frozen=True)
class Taken:
    """A snapshot, and where it is."""

    snapshot: Snapshot
    place: SnapshotPlace

    @property
    def kept(self) -> KeptSnapshot:
        """Its files."""
        return self.place.kept(self.snapshot.id)

    @property
    def folder(self) -> Path:
        """That it lies in."""
        assert self.kept.folder is not None
        return self.kept.folder

    def names(self) -> list[str]:
        """Of its files."""
        with self.kept.sums(self.snapshot) as sums:
            return [name for name, _ in sums]

    def content(self, name: str) -> bytes:
        """Of one of its files."""
        if not isinstance(self.place, SnapshotBucket):
            return (self.folder / name).read_bytes()
        data = self.place.storage.get(self._path(name))
        assert data is not None
        return data

    def change(self, name: str, data: bytes | None) -> None:
        """Damages one of its files, or removes it."""
        if isinstance(self.place, SnapshotBucket):
            self.place.storage.delete(self._path(name))
            if data is not None:
                self.place.storage.put(self._path(name), data, sha256=hashlib.sha256(data).hexdigest())
            return
        (self.folder / name).unlink(missing_ok=True)  # not written into: it may be the server's own file
        if data is not None:
            (self.folder / name).write_bytes(data)

    def _path(self, name: str) -> str:
        if name in (MANIFEST, SUMS):
            return f"{folder_of(self.snapshot.id)}/{name}"
        with self.kept.sums(self.snapshot) as sums:
            return object_path(dict(sums)[name])


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


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.engines)])
def snapshots_dir(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where snapshots are kept: each kind of place in turn."""
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket_url')}/backups"
    return str(tmp_path / "data" / "snapshots")


@pytest.fixture
def placed(filled: Path, open_engine: OpenEngine, tmp_path: Path, snapshots_dir: str) -> Engine:
    """As :func:`engine`, with its snapshots in each kind of place in turn."""
    shutil.copytree(filled, tmp_path / "data")
    return open_engine(snapshots_dir=snapshots_dir)


@pytest.fixture
def engine(filled: Path, open_engine: OpenEngine, tmp_path: Path) -> Engine:
    """An engine with two landmarks of two photos each."""
    shutil.copytree(filled, tmp_path / "data")
    return open_engine()


def take(engine: Engine, **options: bool | int) -> Taken:
    """A snapshot, once it is made."""
    operation = engine.operations.wait(engine.snapshots.create(**options).id, PATIENCE)  # type: ignore[arg-type]
    assert operation.state is OperationState.SUCCEEDED, operation.error_message
    return Taken(engine.snapshots.store.get(operation.id), engine.snapshots.store)
