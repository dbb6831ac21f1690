"""What a server keeps, measured."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import Connection, insert

from steeple.delf.features import FeatureSet
from steeple.errors import UnavailableError
from steeple.server.catalogue import LandmarkDraft, discovery_tables, reference_images
from steeple.server.data_dir import DataDir
from steeple.server.engine import Engine
from steeple.server.files import SharedFiles
from steeple.server.images import ImageStore
from steeple.server.settings import Settings
from steeple.server.snapshots.store import SnapshotStore
from steeple.server.storage import Storage, StorageKind, StoragePart, measure_folder
from tests.server.kept import faiss_keeper

PATIENCE = 60.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine(Settings.load(data_dir=tmp_path / "data"))
    yield opened
    opened.close()


def parts(engine: Engine, storage: Storage | None = None) -> dict[StorageKind, StoragePart]:
    report = (storage or engine.storage).measured().result(PATIENCE)
    return {part.kind: part for part in report.parts}


def files_of(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]


def test_all_parts_are_measured(
    engine: Engine, tmp_path: Path, make_photo: Callable[..., bytes], make_features: Callable[..., FeatureSet]
) -> None:
    data = tmp_path / "data"
    engine.catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    engine.catalogue.create_landmark(LandmarkDraft("Copy"), landmark_id="copy")
    photos = [make_photo(1), make_photo(2)]
    for landmark_id, photo in (("tower", photos[0]), ("tower", photos[1]), ("copy", photos[0])):
        engine.ingest.create_image(landmark_id, photo)
    engine.ingest.create_image("tower", make_features(3))
    engine.ingest.delete_image("tower", engine.catalogue.list_images("tower").items[0].id)
    faiss_keeper(engine).snapshot()
    upload = engine.uploads.create("photos.zip", 1000)
    writer = engine.uploads.begin(upload.id)
    writer.write(0, b"x" * 600)
    writer.end()
    found = parts(engine)
    assert set(found) == set(StorageKind)
    stored = files_of(data / "images")
    assert len(stored) == 2, "a photo that two landmarks have is stored once"
    assert found[StorageKind.PHOTOS] == StoragePart(StorageKind.PHOTOS, sum(stored), 2)
    assert sum(stored) == sum(map(len, photos))
    index = files_of(data / "index")
    assert found[StorageKind.INDEX] == StoragePart(StorageKind.INDEX, sum(index), len(index))
    assert found[StorageKind.UPLOADS] == StoragePart(StorageKind.UPLOADS, 600, 1)
    assert found[StorageKind.PACKS] == StoragePart(StorageKind.PACKS, 0, 0)
    assert found[StorageKind.DATABASE].size_bytes >= (data / "catalogue.db").stat().st_size > 0
    assert not any(part.partial for part in found.values())


def test_photos_are_summed_anew_once_there_are_others(engine: Engine, make_photo: Callable[..., bytes]) -> None:
    storage = Storage(
        engine.catalogue.database,
        cast("DataDir", SimpleNamespace(path=Path("/"), index=Path("/none"), operations=Path("/none"))),
        engine.ingest.shelf.photos,
        SnapshotStore(Path("/none")),
        engine.uploads,
        SharedFiles("", Path("/none")),
        fresh_seconds=0.0,
    )

    def told() -> StoragePart:
        return parts(engine, storage)[StorageKind.PHOTOS]

    assert told() == StoragePart(StorageKind.PHOTOS, 0, 0)
    engine.catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    photos = [make_photo(number, width=160, height=120) for number in range(3)]
    for number, photo in enumerate(photos):
        engine.ingest.create_image("tower", photo, image_id=f"i{number}")
        assert told() == StoragePart(StorageKind.PHOTOS, sum(map(len, photos[: number + 1])), number + 1)
    before = told()
    assert told() is before
    engine.ingest.delete_image("tower", "i1")
    assert told() == before, "it is kept, and can be undeleted"
    with engine.catalogue.database.write() as connection:
        reference_images.purge(connection, [engine.catalogue.get_image("tower", "i1").key])
    assert told() == StoragePart(StorageKind.PHOTOS, len(photos[0]) + len(photos[2]), 2)
    shared = engine.catalogue.get_image("tower", "i0").sha256
    with engine.catalogue.database.write() as connection:
        for discovery in ("d1", "d2"):
            _discover(connection, discovery, {shared: len(photos[0]), "f" * 64: 500})
    assert told() == StoragePart(StorageKind.PHOTOS, len(photos[0]) + len(photos[2]) + 500, 3), "each counts once"
    storage.close()


def _discover(connection: Connection, discovery: str, sizes: dict[str, int]) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    made = {"id": discovery, "source": "uploads/u", "model": "m", "options": {}, "create_time": now}
    connection.execute(insert(discovery_tables.discovery).values(made))
    for number, (sha256, size) in enumerate(sizes.items()):
        photo = {"discovery_id": discovery, "number": number, "item": "a", "sha256": sha256, "size_bytes": size}
        facts = {"media_type": "image/jpeg", "width": 4, "height": 3, "feature_count": 0, "capture_time": ""}
        graded = {"quality_grade": 5, "quality_reasons": []}
        connection.execute(insert(discovery_tables.discovery_photo).values({**photo, **facts, **graded}))


def test_disks_are_told_once(engine: Engine, tmp_path: Path) -> None:
    report = engine.storage.measured().result(PATIENCE)
    (disk,) = report.disks
    assert set(disk.kinds) == set(StorageKind)
    assert disk.total_bytes == shutil.disk_usage(tmp_path).total
    assert 0 < disk.free_bytes < disk.total_bytes
    assert abs((datetime.now(UTC) - report.measure_time).total_seconds()) < PATIENCE


def test_figures_are_told_again_until_they_are_old(engine: Engine, tmp_path: Path) -> None:
    first = engine.storage.measured()
    report = first.result(PATIENCE)
    assert engine.storage.measured() is first
    assert engine.storage.last is report
    data_dir = DataDir(tmp_path / "other")
    try:
        fresh = Storage(
            engine.catalogue.database,
            data_dir,
            ImageStore(str(tmp_path / "photos")),
            SnapshotStore(tmp_path / "none"),
            engine.uploads,
            SharedFiles("", data_dir.path),
            fresh_seconds=0.0,
        )
        assert parts(engine, fresh)[StorageKind.OPERATIONS].items == 0
        (data_dir.operations / "a").mkdir(parents=True)
        (data_dir.operations / "a" / "archive.zip").write_bytes(b"x" * 123)
        assert parts(engine, fresh)[StorageKind.OPERATIONS] == StoragePart(StorageKind.OPERATIONS, 123, 1)
        fresh.close()
    finally:
        data_dir.close()


def test_who_asks_meanwhile_waits_for_the_same(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(engine.uploads, "held", lambda: (gate.wait(PATIENCE), (7, 1))[1])
    first = engine.storage.measured()
    assert engine.storage.measured() is first
    assert engine.storage.last is None
    gate.set()
    uploads = next(part for part in first.result(PATIENCE).parts if part.kind is StorageKind.UPLOADS)
    assert uploads.size_bytes == 7


def test_a_catalogue_that_cannot_be_read_is_said(engine: Engine) -> None:
    engine.catalogue.close()
    with pytest.raises(UnavailableError, match="closed"):
        engine.storage.measured().result(PATIENCE)


def test_no_more_files_are_looked_at_than_may_be(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number % 2)).mkdir(exist_ok=True)
        (tmp_path / str(number % 2) / f"{number}").write_bytes(b"x" * 10)
    (tmp_path / "link").symlink_to(tmp_path / "0" / "0")
    size, count, partial = measure_folder(tmp_path)
    assert (count, partial) == (6, False)
    assert 50 < size < 50 + 4096, "a link counts with its own bytes, not those of what it points to"
    assert measure_folder(tmp_path, most=3)[1:] == (3, True)
    assert measure_folder(tmp_path, stopped=lambda: True) == (0, 0, True)
    assert measure_folder(tmp_path / "none") == (0, 0, False)
