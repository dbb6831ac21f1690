from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from steeple.errors import CancelledError
from steeple.server.images import ImageStore
from steeple.server.photo_copies import copy_photos

PHOTOS = [f"photo {number}".encode() for number in range(20)]


@pytest.fixture
def source(tmp_path: Path) -> ImageStore:
    store = ImageStore(str(tmp_path / "source"))
    for photo in PHOTOS:
        store.put(photo)
    return store


def path_of(store: ImageStore, photo: bytes) -> Path:
    digest = hashlib.sha256(photo).hexdigest()
    assert store.folder is not None
    return store.folder / digest[:2] / digest[2:4] / digest


def test_all_photos_are_copied_and_those_that_are_whole_are_passed_over(source: ImageStore, tmp_path: Path) -> None:
    target, steps = ImageStore(str(tmp_path / "target")), list[tuple[int, int]]()
    target.put(PHOTOS[0])
    target.put(PHOTOS[1])
    path_of(target, PHOTOS[1]).write_bytes(b"damaged")
    first = copy_photos(source, target, lambda done, total: steps.append((done, total)))
    assert (first.copied, first.there, first.lost) == (19, 1, {})
    assert first.copied_bytes == sum(map(len, PHOTOS[1:]))
    assert steps == [(done, 20) for done in range(1, 21)]
    assert sorted(target.digests()) == sorted(source.digests())
    assert {target.get(digest) for digest in target.digests()} == set(PHOTOS)
    again = copy_photos(source, target)
    assert (again.copied, again.there) == (0, 20)


def test_what_was_interrupted_goes_on(source: ImageStore, tmp_path: Path) -> None:
    target = ImageStore(str(tmp_path / "target"))

    def interrupt(done: int, _total: int) -> None:
        if done == 5:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        copy_photos(source, target, interrupt)
    found = copy_photos(source, target)
    assert found.there >= 5
    assert found.there + found.copied == 20


def test_lost_photos_are_told_and_the_others_copied(source: ImageStore, tmp_path: Path) -> None:
    path_of(source, PHOTOS[3]).write_bytes(b"damaged")
    found = copy_photos(source, ImageStore(str(tmp_path / "target")))
    assert found.copied == 19
    assert found.lost.keys() == {hashlib.sha256(PHOTOS[3]).hexdigest()}
    assert "damaged" in next(iter(found.lost.values()))


@pytest.mark.engines
def test_photos_go_to_a_bucket_and_back(source: ImageStore, bucket_url: str, tmp_path: Path) -> None:
    bucket, back = ImageStore(f"{bucket_url}/images"), ImageStore(str(tmp_path / "back"))
    assert copy_photos(source, bucket).copied == 20
    assert copy_photos(source, bucket).there == 20
    assert copy_photos(bucket, back).copied == 20
    assert {back.get(digest) for digest in back.digests()} == set(PHOTOS)
