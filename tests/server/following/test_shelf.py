"""Photos that one replica adds while another deletes the last image of them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft
from steeple.server.images import ImageStore
from steeple.server.photo_shelf import PhotoShelf
from tests.server.conftest import MakeFeatures

pytestmark = pytest.mark.engines

ROUNDS = 200
PATIENCE = 20.0


@pytest.fixture
def shelves(postgres_url: str, tmp_path: Path) -> Iterator[list[PhotoShelf]]:
    """Of two replicas."""
    with ExitStack() as opened:
        yield [
            PhotoShelf(opened.enter_context(Catalogue.open(postgres_url)), ImageStore(str(tmp_path / "photos")))
            for _ in range(2)
        ]


def add(shelf: PhotoShelf, photo: bytes, image_id: str, make_features: MakeFeatures) -> None:
    sha256 = hashlib.sha256(photo).hexdigest()
    draft = ImageDraft(make_features(1, count=2), sha256, len(photo), "image/jpeg")
    with shelf.stored(photo, sha256):
        shelf._catalogue.create_image("a", draft, image_id=image_id)


def delete(shelf: PhotoShelf, photo: bytes, image_id: str) -> None:
    shelf._catalogue.delete_image("a", image_id)
    shelf.discard_unused([hashlib.sha256(photo).hexdigest()])


def test_a_photo_that_is_added_as_its_last_image_goes_is_never_lost(
    shelves: list[PhotoShelf], make_features: MakeFeatures
) -> None:
    one, two = shelves
    one._catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    photo, lost = b"a photo", []
    sha256 = hashlib.sha256(photo).hexdigest()
    add(one, photo, "image-0", make_features)
    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            begin = threading.Barrier(2)

            def adding(number: int = number, begin: threading.Barrier = begin) -> None:
                begin.wait(PATIENCE)
                add(two if number % 2 else one, photo, f"image-{number + 1}", make_features)

            def deleting(number: int = number, begin: threading.Barrier = begin) -> None:
                begin.wait(PATIENCE)
                delete(one if number % 2 else two, photo, f"image-{number}")

            for work in (pool.submit(adding), pool.submit(deleting)):
                work.result(PATIENCE)
            if not one.photos.exists(sha256):
                lost.append(number)
    assert lost == []
    delete(one, photo, f"image-{ROUNDS}")
    assert not two.photos.exists(sha256)


def test_photos_that_one_replica_keeps_another_does_not_delete(
    shelves: list[PhotoShelf], make_features: MakeFeatures
) -> None:
    one, two = shelves
    one._catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    photo = b"a photo"
    sha256 = hashlib.sha256(photo).hexdigest()
    add(one, photo, "image", make_features)
    with one.kept():
        delete(two, photo, "image")
        assert two.photos.exists(sha256)
        two.discard_postponed()
        assert two.photos.exists(sha256)
    two.discard_postponed()
    assert not two.photos.exists(sha256)


def test_a_photo_whose_lock_was_lost_is_stored_again(shelves: list[PhotoShelf], make_features: MakeFeatures) -> None:
    one, two = shelves
    one._catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    photo = b"a photo"
    sha256 = hashlib.sha256(photo).hexdigest()
    draft = ImageDraft(make_features(1, count=2), sha256, len(photo), "image/jpeg")
    with one.stored(photo, sha256):
        query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
        with two._catalogue.database.engine.connect() as connection:
            assert connection.exec_driver_sql(query).scalars().all() == [True]
        two.discard_unused([sha256])
        assert not two.photos.exists(sha256), "nobody could know better"
        one._catalogue.create_image("a", draft)
    assert two.photos.exists(sha256)
