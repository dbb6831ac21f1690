"""Checks of a data folder: each kind of damage is found, and nothing is changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steeple.delf.features import FeatureSet
from steeple.server.catalogue import LandmarkDraft
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.index_identity import identity_of
from steeple.server.doctor import Finding, Status, data_folder
from steeple.server.doctor.catalogue_file import Catalogued, catalogue
from steeple.server.engine import Engine
from steeple.server.settings import Settings
from steeple.server.snapshots import manifest
from steeple.server.snapshots.manifest import Snapshot
from steeple.server.snapshots.store import SnapshotStore

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, make_features: MakeFeatures, make_photo: MakePhoto) -> Path:
    """A data folder with a landmark of two images, one of them a photo, after its server has stopped."""
    path = tmp_path_factory.mktemp("filled") / "data"
    engine = Engine(Settings.load(None, data_dir=path))
    engine.catalogue.create_landmark(LandmarkDraft("A", "", None, {}), landmark_id="a")
    engine.ingest.create_image("a", make_features(0), image_id="features")
    engine.ingest.create_image("a", make_photo(1), image_id="photo")
    engine.close()
    return path


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "data"))


def state(path: Path) -> dict[str, tuple[str, int]]:
    return {
        str(file.relative_to(path)): (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns)
        for file in path.rglob("*")
        if file.is_file()
    }


def examined(data: Path) -> dict[str, Finding]:
    """The worst finding of each check."""
    known, in_use = Catalogued(), data_folder.holder(data) is not None

    def all_of() -> Iterator[Finding]:
        yield from data_folder.folder(data, data_folder.holder(data))
        yield from catalogue(data / "catalogue.db", known, in_use=in_use)
        if known.photos is not None:
            yield from data_folder.photos(str(data / "images"), known.photos, in_use=in_use)
        yield from data_folder.snapshots(SnapshotStore(data / "snapshots"))
        yield from data_folder.snapshot(data / "index", "delf-lite2-v1", known.sequence, in_use=in_use)

    order = [Status.OK, Status.SKIPPED, Status.WARNING, Status.FAILED]
    worst: dict[str, Finding] = {}
    for finding in all_of():
        if finding.check not in worst or order.index(finding.status) > order.index(worst[finding.check].status):
            worst[finding.check] = finding
    return worst


def photo_in(data: Path) -> Path:
    (photo,) = (data / "images").glob("??/??/*")
    return photo


def test_a_whole_folder_is_in_order_and_stays_as_it_is(data: Path) -> None:
    before = state(data)
    found = examined(data)
    assert {finding.status for finding in found.values()} == {Status.OK}, found
    assert "1 landmarks, 2 images, change 2" in found["catalogue"].found
    assert found["photos"].found == "all 1 are there"
    assert found["index"].found.endswith("at change 2, as the catalogue")
    assert state(data) == before


def test_a_folder_that_is_not_there_yet_is_no_failure(tmp_path: Path) -> None:
    found = examined(tmp_path / "nowhere")
    assert found["data folder"].status is Status.WARNING
    assert found["catalogue"].status is Status.OK
    (tmp_path / "file").touch()
    assert next(data_folder.folder(tmp_path / "file", None)).status is Status.FAILED


def test_the_disk_is_measured(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(data)
    for free, status in ((1 << 20, Status.FAILED), (1 << 29, Status.WARNING), (1 << 40, Status.OK)):
        left = usage._replace(free=free)
        monkeypatch.setattr("shutil.disk_usage", lambda _, left=left: left)
        assert examined(data)["disk"].status is status


def test_photos_that_are_missing_cut_or_orphaned_are_named(data: Path) -> None:
    photo = photo_in(data)
    orphan = data / "images" / "ab" / "cd" / ("ab" * 32)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"x" * 100)
    found = examined(data)["photos"]
    assert (found.status, found.found.startswith("1 belong to no image")) == (Status.WARNING, True)
    photo.write_bytes(photo.read_bytes()[:-1])
    assert "another size" in examined(data)["photos"].found
    photo.unlink()
    found = examined(data)["photos"]
    assert found.status is Status.FAILED
    assert f"1 of 1 are missing: {photo.name[:12]}" in found.found


def test_a_damaged_catalogue_is_found(data: Path) -> None:
    file = data / "catalogue.db"
    whole = file.read_bytes()
    file.write_bytes(whole[: 2 * len(whole) // 3])
    assert examined(data)["catalogue"].status is Status.FAILED
    file.write_bytes(b"not a database at all" * 100)
    found = examined(data)["catalogue"]
    assert (found.status, "backup" in found.remedy) == (Status.FAILED, True)


NEWER = "UPDATE alembic_version SET version_num = 'r9999';"
BEYOND = "UPDATE schema_compatibility SET oldest_revision = 'r9998';"
NOTHING_SAID = "DROP TABLE schema_compatibility;"


@pytest.mark.parametrize("change", [NEWER + BEYOND, NEWER + NOTHING_SAID, "DROP TABLE alembic_version"])
def test_a_catalogue_of_another_kind_is_found(data: Path, change: str) -> None:
    with sqlite3.connect(data / "catalogue.db") as database:
        database.executescript(change)
    database.close()
    assert examined(data)["catalogue"].status is Status.FAILED


def test_a_newer_schema_that_lets_this_version_go_on_is_told(data: Path) -> None:
    with sqlite3.connect(data / "catalogue.db") as database:
        database.executescript(NEWER)
    database.close()
    found = examined(data)["catalogue"]
    assert found.status is Status.WARNING
    assert "schema r9999, a newer one" in found.found


def test_what_only_the_write_ahead_log_has_is_seen(data: Path) -> None:
    database = sqlite3.connect(data / "catalogue.db")
    database.execute("INSERT INTO change (kind, image_key) VALUES ('REMOVE', 99)")
    database.commit()  # and not closed: the log stays
    assert "change 3" in examined(data)["catalogue"].found
    assert "the next start adds 1 changes" in examined(data)["index"].found
    database.close()


def test_an_index_that_cannot_be_restored_is_no_loss(data: Path) -> None:
    (lists,) = (data / "index" / "delf-lite2-v1").glob("lists-*")
    lists.write_bytes(lists.read_bytes()[:-10])
    found = examined(data)["index"]
    assert (found.status, found.remedy.startswith("nothing")) == (Status.WARNING, True)


def test_an_index_that_is_ahead_is_told(data: Path) -> None:
    (finding,) = data_folder.snapshot(data / "index", "delf-lite2-v1", 1, in_use=False)
    assert (finding.status, "ahead" in finding.found) == (Status.WARNING, True)


def test_a_folder_in_use_is_looked_at_all_the_same(data: Path, make_features: MakeFeatures) -> None:
    engine = Engine(Settings.load(None, data_dir=data))
    try:
        engine.ingest.create_image("a", make_features(5), image_id="late")
        found = examined(data)
        assert f"in use by process {os.getpid()}" in found["data folder"].found
        assert "3 images, change 3" in found["catalogue"].found
        assert {finding.status for finding in found.values()} == {Status.OK}
        (lists,) = (data / "index" / "delf-lite2-v1").glob("lists-*")
        lists.rename(lists.with_name("away"))
        assert examined(data)["index"].status is Status.SKIPPED
        lists.with_name("away").rename(lists)
        engine.ingest.create_image("a", make_features(6), image_id="later")
    finally:
        engine.close()
    assert data_folder.holder(data) is None


def test_stale_and_damaged_snapshots_are_told(data: Path) -> None:
    assert "there is none" in examined(data)["snapshots"].found
    folder = data / "snapshots" / "one"
    folder.mkdir(parents=True)
    for days, status in ((0, Status.OK), (6, Status.OK), (8, Status.WARNING)):
        snapshot = Snapshot("one", datetime.now(UTC) - timedelta(days=days))
        (folder / manifest.MANIFEST).write_bytes(manifest.rendered(snapshot))
        found = examined(data)["snapshots"]
        assert (found.status, "1, the latest of" in found.found) == (status, True)
    (folder / manifest.MANIFEST).write_bytes(b"{}")
    found = examined(data)["snapshots"]
    assert (found.status, found.remedy) == (Status.WARNING, "steeple snapshots delete one")


def test_what_a_catalogue_is_known_by_in_milvus_is_read(data: Path) -> None:
    def known_of(path: Path) -> str | None:
        known = Catalogued()
        list(catalogue(path, known, in_use=False))
        return known.identity

    file = data / "catalogue.db"
    assert known_of(file) == known_of(data / "none.db") == ""
    with closing(Database(f"sqlite:///{file}")) as database:
        made = identity_of(database)
    assert known_of(file) == made
    file.write_bytes(b"no database at all")
    assert known_of(file) is None
