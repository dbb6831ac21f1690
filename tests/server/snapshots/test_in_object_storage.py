"""Snapshots in object storage: each file is there once, and none is removed that a snapshot has."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from steeple.errors import (
    CancelledError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    SnapshotError,
    UnavailableError,
)
from steeple.server.catalogue import Catalogue, ImageDraft
from steeple.server.images import ImageStore
from steeple.server.settings import Settings
from steeple.server.snapshots import objects
from steeple.server.snapshots.files import photo_path
from steeple.server.snapshots.making import Source, make
from steeple.server.snapshots.objects import SnapshotBucket
from steeple.server.snapshots.restoring import check, restore, verify

from .kill_worker import PHOTOS, Silent, features, fill, source_of, whose


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.engines)])
def url(request: pytest.FixtureRequest) -> str:
    """Of an empty place."""
    return str(request.getfixturevalue("bucket_url")) if request.param == "s3" else f"memory://{uuid4()}"


@pytest.fixture
def place(url: str, tmp_path: Path) -> SnapshotBucket:
    """For snapshots."""
    return SnapshotBucket(f"{url}/snapshots-of/one", tmp_path / "workspace")


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    """A catalogue of two photos, in a folder."""
    fill(tmp_path / "data", "old")
    with source_of(tmp_path / "data") as source:
        yield source


def objects_of(place: SnapshotBucket) -> set[str]:
    """SHA-256 of all files that there are."""
    return {stored.path.rpartition("/")[2] for stored in place.storage.list("objects/")}


def others(place: SnapshotBucket) -> list[str]:
    """Paths of all else."""
    return [stored.path for stored in place.storage.list() if not stored.path.startswith("objects/")]


def add_photo(tmp_path: Path, number: int) -> str:
    """Adds an image; the SHA-256 of its photo."""
    with closing(Catalogue.open(f"sqlite:///{tmp_path / 'data' / 'catalogue.db'}")) as catalogue:
        photo = f"photo {number}".encode()
        sha256 = ImageStore(str(tmp_path / "data" / "images")).put(photo)
        catalogue.create_image("old", ImageDraft(features(number), sha256, len(photo), "image/jpeg"))
    return sha256


def test_what_two_snapshots_have_is_there_once(place: SnapshotBucket, source: Source, tmp_path: Path) -> None:
    first = make(source, place, "one", Silent())
    assert (first.photo_count, first.copied_bytes) == (PHOTOS, first.size_bytes)
    assert len(objects_of(place)) == first.files == PHOTOS + 1
    new = add_photo(tmp_path, 7)
    second = make(source, place, "two", Silent())
    assert second.photo_count == PHOTOS + 1
    assert second.size_bytes - second.copied_bytes == sum(len(f"old {number}") for number in range(PHOTOS))
    assert len(objects_of(place)) == PHOTOS + 3, "two catalogues"
    assert place.all() == [second, first]
    assert others(place) == [
        f"snapshots/{snapshot}/{name}" for snapshot in ("one", "two") for name in ("SHA256SUMS", "snapshot.json")
    ], "no flag is left"

    place.delete("two")
    assert place.all() == [first]
    assert place.sweep() == 2
    assert new not in objects_of(place)
    assert check(place.kept("one")) == first
    restore(place.kept("one"), tmp_path / "restored")
    assert whose(tmp_path / "restored") == "old"
    assert place.prune(1) == []
    place.delete("one")
    with pytest.raises(NotFoundError):
        place.get("one")
    assert (place.sweep(), list(place.storage.list())) == (PHOTOS + 1, [])
    assert list((tmp_path / "workspace").iterdir()) == []


def test_nothing_is_removed_while_a_snapshot_is_made(place: SnapshotBucket, source: Source, tmp_path: Path) -> None:
    make(source, place, "one", Silent())
    place.delete("one")
    other = SnapshotBucket(place.where, tmp_path / "other-workspace")
    swept = []

    class Sweeping(Silent):
        def progress(self, done: int, total: int = 0, step: str = "") -> None:
            swept.append(other.sweep())

    second = make(source, place, "two", Sweeping())
    assert (len(swept) > PHOTOS, set(swept)) == (True, {0})
    assert (second.copied_bytes, check(place.kept("two"))) == (0, second), "all was there already"
    assert place.sweep() == 0


def test_a_snapshot_waits_while_files_are_removed(
    place: SnapshotBucket, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_TOLD_EVERY", 1)
    monkeypatch.setattr(objects, "_WAIT_SECONDS", 0.01)
    make(source, place, "one", Silent())
    place.delete("one")
    seen: list[list[str]] = []

    def meanwhile(_: int) -> None:
        if not seen:
            making.start()
            while not list(place.storage.list("making/")):
                pass  # until it says so
        seen.append([stored.path for stored in place.storage.list("snapshots/")])

    making = threading.Thread(target=lambda: make(source, place, "two", Silent()))
    with closing(Catalogue.open(f"sqlite:///{tmp_path / 'data' / 'catalogue.db'}")):
        assert place.sweep(meanwhile) == PHOTOS + 1
    making.join()
    assert seen == [[]] * (PHOTOS + 1), "it is not made meanwhile"
    assert check(place.kept("two")).photo_count == PHOTOS


def test_flags_of_the_dead_fall(place: SnapshotBucket, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_WAIT_SECONDS", 0.01)
    empty = hashlib.sha256(b"").hexdigest()
    for flag in ("making/dead", "sweeping/dead"):
        place.storage.put(flag, b"", sha256=empty)
    place.storage.put(f"objects/{photo_path(empty).removeprefix('images/')}", b"", sha256=empty)
    assert place.sweep() == 0, "it may be alive"

    class Impatient(Silent):
        def progress(self, done: int, total: int = 0, step: str = "") -> None:
            raise CancelledError(step)

    with pytest.raises(CancelledError, match="waiting until files"):
        make(source, place, "one", Impatient())
    monkeypatch.setattr(objects, "_DEAD", timedelta(seconds=-10))
    assert place.sweep() == 1
    assert make(source, place, "one", Silent()).photo_count == PHOTOS, "nor does it keep others waiting"


def test_who_was_taken_for_dead_gives_up(
    place: SnapshotBucket, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_RENEWED_SECONDS", 0.0)

    class Declared(Silent):
        def progress(self, done: int, total: int = 0, step: str = "") -> None:
            place.storage.delete("making/one")

    with pytest.raises(UnavailableError, match="others took it for dead"):
        make(source, place, "one", Declared())
    assert place.all() == []


def test_a_snapshot_that_does_not_tell_its_files_keeps_all(place: SnapshotBucket, source: Source) -> None:
    for name in ("one", "two"):
        make(source, place, name, Silent())
    place.storage.put("snapshots/one/snapshot.json", b"{}", sha256=hashlib.sha256(b"{}").hexdigest())
    place.delete("two")
    with pytest.raises(SnapshotError, match="steeple snapshots delete one"):
        place.sweep()
    assert len(objects_of(place)) > PHOTOS
    place.delete("one")
    assert place.sweep() > 0
    assert objects_of(place) == set()


def test_damage_is_named_and_touches_nothing(place: SnapshotBucket, source: Source, tmp_path: Path) -> None:
    taken = make(source, place, "one", Silent())
    kept = place.kept("one")
    with kept.sums(taken) as sums:
        files = dict(sums)
    fill(tmp_path / "target", "new")
    for name, sha256 in files.items():
        path = f"objects/{sha256[:2]}/{sha256[2:4]}/{sha256}"
        whole = place.storage.get(path)
        assert whole is not None
        for damaged in (whole[:-1], bytes([whole[0] ^ 1]) + whole[1:], None):
            if damaged is None:
                place.storage.delete(path)
            else:
                place.storage.put(path, damaged, sha256=hashlib.sha256(damaged).hexdigest())
            assert [one for one, _ in verify(kept)[1]] == [name]
            with pytest.raises(SnapshotError, match=name):
                restore(kept, tmp_path / "target")
            assert whose(tmp_path / "target") == "new"
        place.storage.put(path, whole, sha256=sha256)
    place.storage.delete("snapshots/one/SHA256SUMS")
    with pytest.raises(SnapshotError, match="SHA256SUMS cannot be read: it is missing"):
        check(kept)
    place.storage.put("snapshots/one/SHA256SUMS", b"x", sha256=hashlib.sha256(b"x").hexdigest())
    with pytest.raises(SnapshotError, match="SHA256SUMS is damaged"):
        check(kept)


@contextmanager
def in_bucket(source: Source, url: str) -> Iterator[tuple[Source, ImageStore]]:
    """The source, with its photos in object storage."""
    photos = ImageStore(f"{url}/photos")
    for sha256 in source.photos.digests():
        photos.put(source.photos.get(sha256))
    yield Source(source.database, photos, source.photos_kept, source.keepers, source.model), photos


def test_photos_of_the_same_storage_are_copied_there(
    place: SnapshotBucket, source: Source, url: str, tmp_path: Path
) -> None:
    with in_bucket(source, url) as (there, photos):
        lost, damaged = list(photos.digests())
        taken = make(there, place, "one", Silent())
        assert (taken.photo_count, check(place.kept("one"))) == (PHOTOS, taken)
        place.delete("one")
        place.sweep()

        class Listening(Silent):
            def problem(self, item: str, error: Exception) -> None:
                problems.append((item, str(error)))

        problems: list[tuple[str, str]] = []
        photos.delete(lost)
        assert photos.storage is not None
        data = b"x" + photos.get(damaged)[1:]
        path = f"{damaged[:2]}/{damaged[2:4]}/{damaged}"
        photos.storage.put(path, data, sha256=hashlib.sha256(data).hexdigest())
        taken = make(there, place, "two", Listening())
        assert (taken.photo_count, taken.missing_photo_count) == (0, PHOTOS)
        assert [item for item, _ in problems] == [lost, damaged]
        assert "is missing from the image store" in problems[0][1]
        assert f"photo {damaged} in the image store is damaged" in problems[1][1]
        assert len(objects_of(place)) == 1


def test_photos_are_restored_into_an_image_store(
    place: SnapshotBucket, source: Source, url: str, tmp_path: Path
) -> None:
    taken = make(source, place, "one", Silent())
    photos = ImageStore(f"{url}/restored")
    restore(place.kept("one"), tmp_path / "other", photos=photos)
    assert list(photos.digests()) == list(source.photos.digests())
    assert all(photos.get(sha256) for sha256 in photos.digests())
    assert list((tmp_path / "other" / "images").iterdir()) == []
    with closing(Catalogue.open(f"sqlite:///{tmp_path / 'other' / 'catalogue.db'}")) as catalogue:
        assert catalogue.image_count() == taken.reference_image_count
    restore(place.kept("one"), tmp_path / "other", photos=photos)
    strange = photos.put(b"of another catalogue")
    with pytest.raises(FailedPreconditionError, match=f"has not, such as {strange}"):
        restore(place.kept("one"), tmp_path / "other", photos=photos)
    restore(place.kept("one"), tmp_path / "other", photos=photos, beside_others=True)
    assert photos.exists(strange)


def test_places_are_told_apart(tmp_path: Path) -> None:
    assert Settings.load(data_dir=tmp_path).snapshots_place == str(tmp_path / "snapshots")
    with pytest.raises(InvalidArgumentError, match=r"snapshots_dir .*has credentials in it") as caught:
        Settings.load(data_dir=tmp_path, snapshots_dir="s3://AKIA:wJalr@bucket")
    assert "wJalr" not in caught.value.message
    with pytest.raises(InvalidArgumentError, match=r"images_url .*has credentials in it"):
        Settings.load(data_dir=tmp_path, images_url="s3://AKIA:wJalr@bucket")
