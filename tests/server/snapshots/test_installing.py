"""From one kind of place to the others: a server on SQLite and folders comes back in PostgreSQL and S3, and back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from steeple.cli.main import main
from steeple.errors import FailedPreconditionError, SnapshotError
from steeple.server.catalogue import Catalogue, LandmarkDraft, audit
from steeple.server.images import ImageStore
from steeple.server.snapshots.files import photo_path
from steeple.server.snapshots.installing import install
from steeple.server.snapshots.restoring import METHOD, restore
from tests.server.conftest import MakePhoto

from .conftest import OpenEngine, take

pytestmark = pytest.mark.engines


class Interrupted(BaseException):
    """As by a kill."""


def test_a_server_moves_to_postgresql_and_s3_and_back(
    filled: Path,
    open_engine: OpenEngine,
    tmp_path: Path,
    postgres_url: str,
    bucket_url: str,
    make_photo: MakePhoto,
) -> None:
    shutil.copytree(filled, tmp_path / "data")
    source = open_engine(snapshots_dir=f"{bucket_url}/snapshots")
    taken = take(source)
    photos, other = ImageStore(f"{bucket_url}/photos"), tmp_path / "other"
    (other / "index" / "left-over").mkdir(parents=True)

    def interrupted_at(at: str) -> None:
        def told(step: str, done: int, total: int) -> None:
            if step == at and done:
                raise Interrupted

        with pytest.raises(Interrupted):
            install(taken.kept, other, postgres_url, photos, told)

    interrupted_at("preparing files")
    interrupted_at("rows of the catalogue")
    with pytest.raises(FailedPreconditionError):
        Catalogue.open(postgres_url)  # half of it
    done = install(taken.kept, other, postgres_url, photos)
    assert (done, (other / "index").exists()) == (taken.snapshot, False)
    assert list((other / "snapshots-under-way").iterdir()) == []

    there = {"database_url": postgres_url, "images_url": f"{bucket_url}/photos"}
    moved = open_engine("other", snapshots_dir=f"{bucket_url}/snapshots", **there)
    assert moved.identify(make_photo(11), max_candidates=1).identified
    assert moved.ingest.photo("b", "image-1")[0] == make_photo(11)
    assert moved.catalogue.sequence() == source.catalogue.sequence()
    assert audit.events(moved.catalogue.database).items[0].method == METHOD
    moved.catalogue.create_landmark(LandmarkDraft("C"), landmark_id="c")
    moved.ingest.create_image("c", make_photo(40), image_id="image-0")
    with pytest.raises(FailedPreconditionError, match="the database is not empty"):
        install(taken.kept, tmp_path / "third", postgres_url, photos)

    back = take(moved)
    assert (back.snapshot.photo_count, back.snapshot.reference_image_count) == (5, 5)
    restore(back.kept, tmp_path / "back")
    home = open_engine("back")
    assert home.identify(make_photo(40), max_candidates=1).identified
    assert home.ingest.photo("a", "image-0")[0] == make_photo(0)


def test_damage_leaves_the_database_empty(
    filled: Path, open_engine: OpenEngine, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(filled, tmp_path / "data")
    taken = take(open_engine())
    photos = ImageStore(str(tmp_path / "photos"))
    photo = next(name for name in taken.names() if name.startswith("images/"))
    whole = taken.content(photo)
    taken.change(photo, whole[:-1])
    with pytest.raises(SnapshotError, match=photo):
        install(taken.kept, tmp_path / "other", postgres_url, photos)
    taken.change(photo, whole)
    strange = photos.put(b"of another catalogue")
    with pytest.raises(FailedPreconditionError, match=f"has not, such as {strange}"):
        install(taken.kept, tmp_path / "other", postgres_url, photos)
    monkeypatch.setenv("STEEPLE_DATABASE_URL", postgres_url)
    monkeypatch.setenv("STEEPLE_IMAGES_URL", str(tmp_path / "photos"))
    asked = ["snapshots", "restore", str(taken.folder), "--data-dir", str(tmp_path / "other"), "--json"]
    assert main(asked) == 6
    assert main([*asked, "--beside-other-photos"]) == 0
    assert (tmp_path / photo_path(strange).replace("images", "photos")).exists()
    with Catalogue.open(postgres_url) as catalogue:
        assert catalogue.image_count() == 4
