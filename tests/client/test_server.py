"""Both clients against the real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steeple.cli.local_server import local_server
from steeple.client import LatLng
from steeple.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    ImageError,
    InvalidArgumentError,
    NotFoundError,
)
from tests.scenes import encoded, scene

from .harness import Harness


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    config = folder / "steeple.toml"
    config.write_text("deleted_retention_days = 0\n", encoding="utf-8")  # tests use the same ids
    with local_server(folder / "data", folder / "server.log", "--config", str(config)) as bound:
        yield bound


@pytest.fixture
def client(harness: Harness, address: str) -> Iterator[Any]:
    """A client of a server whose catalogue is empty."""
    client = harness.client(address)
    client.wait_until_ready()
    yield client
    for landmark in list(client.list_landmarks()):
        client.delete_landmark(landmark, force=True)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shapes that a network tells apart."""
    path = tmp_path_factory.mktemp("photos") / "scene.png"
    path.write_bytes(encoded(scene(3, 480, 360), ".png"))
    return path


def test_a_photo_is_recognised_on_the_device_uploaded_and_streamed(client: Any, photo: Path) -> None:
    landmark = client.create_landmark("A scene", landmark_id="scene", location=LatLng(48.5, 2.25))
    image = client.add_reference_image(landmark, photo, image_id="front")
    assert (image.width, image.height, image.media_type) == (480, 360, "image/png")
    assert client.download_reference_image(image).data == photo.read_bytes()
    stream = client.identify_stream([photo])
    answers = [
        client.identify(photo, include_matches=True),
        client.identify(photo, upload=True, include_matches=True),
        next(stream).answer,
    ]
    for answer in answers:
        assert answer.identified
        assert answer.landmark.display_name == "A scene"
        assert answer.landmark.location == LatLng(48.5, 2.25)
        assert answer.best.reference_image == image.name
        assert answer.feature_count == image.feature_count
        assert answer.best.inliers > 100
    here, there, _ = answers
    np.testing.assert_allclose(here.best.query_points, here.best.reference_points, atol=2)
    assert len(here.best.query_points) == here.best.inliers
    assert here.timings.device_extract > 0
    assert here.timings.extract is None
    assert there.timings.extract > 0
    assert there.timings.total <= there.timings.round_trip
    assert here.request_bytes < 47 * here.feature_count + 200


def test_errors_keep_their_classes_over_the_wire(client: Any, photo: Path) -> None:
    landmark = client.create_landmark("A", landmark_id="a")
    client.add_reference_image("a", photo, image_id="one")
    with pytest.raises(AlreadyExistsError):
        client.create_landmark("A", landmark_id="a")
    with pytest.raises(AlreadyExistsError):
        client.add_reference_image("a", photo, image_id="one")
    with pytest.raises(NotFoundError, match="nowhere"):
        client.get_landmark("nowhere")
    with pytest.raises(FailedPreconditionError):
        client.delete_landmark("a")
    client.update_landmark("a", description="new")
    with pytest.raises(AbortedError):
        client.update_landmark("a", description="newer", etag=landmark.etag)
    with pytest.raises(ImageError):
        client.identify(b"not an image", upload=True)
    with pytest.raises(ImageError):
        list(client.identify_stream([b"not an image"], upload=True))
    with pytest.raises(InvalidArgumentError) as caught:
        client.create_landmark("")
    assert "display_name" in caught.value.metadata["field"]


def test_a_repeat_of_a_change_gets_the_first_answer(client: Any) -> None:
    request_id = str(uuid.uuid4())
    first = client.create_landmark("Twice", request_id=request_id)
    assert client.create_landmark("Twice", request_id=request_id) == first
    assert [landmark.id for landmark in client.list_landmarks()] == [first.id]


def test_lists_go_over_pages(client: Any) -> None:
    for number in range(7):
        client.create_landmark(f"Landmark {number}", landmark_id=f"l{number}")
    assert [landmark.id for landmark in client.list_landmarks(page_size=3)] == [f"l{number}" for number in range(7)]


def test_a_location_can_be_removed(client: Any) -> None:
    client.create_landmark("On tour", landmark_id="tour", location=LatLng(1, 2), metadata={"k": "v"})
    changed = client.update_landmark("tour", location=None)
    assert (changed.location, changed.display_name, changed.metadata) == (None, "On tour", {"k": "v"})
    assert client.get_landmark("tour") == changed
