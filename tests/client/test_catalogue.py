from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from steeple.client import UNSET, Landmark, LatLng, ReferenceImage
from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.v1 import catalog_service_pb2 as api
from steeple.v1 import landmark_pb2, model_pb2

from .peer import Peer

IMAGE = "landmarks/a/images/north"


def test_a_landmark_is_created_as_described(client: Any, peer: Peer) -> None:
    landmark = client.create_landmark(
        "Sacré-Cœur",
        landmark_id="sacre-coeur",
        description="A basilica.",
        location=LatLng(48.8867, 2.3431),
        metadata={"city": "Paris"},
    )
    (request,) = peer.calls("CreateLandmark")
    assert request.landmark_id == "sacre-coeur"
    assert (request.landmark.display_name, request.landmark.description) == ("Sacré-Cœur", "A basilica.")
    assert dict(request.landmark.metadata) == {"city": "Paris"}
    assert landmark == Landmark(
        name="landmarks/sacre-coeur",
        display_name="Sacré-Cœur",
        description="A basilica.",
        location=LatLng(48.8867, 2.3431),
        metadata={"city": "Paris"},
    )
    assert landmark.id == "sacre-coeur"
    assert client.create_landmark("Nowhere").location is None
    assert not peer.calls("CreateLandmark")[1].landmark.HasField("location")


def test_the_equator_is_a_place(client: Any, peer: Peer) -> None:
    assert client.create_landmark("Null Island", location=LatLng(0, 0)).location == LatLng(0, 0)
    client.update_landmark("a", location=LatLng(0, 0))
    assert peer.calls("UpdateLandmark")[0].landmark.HasField("location")


@pytest.mark.parametrize("landmark", ["a", "landmarks/a", Landmark("landmarks/a", "A")], ids=["id", "name", "object"])
def test_a_landmark_is_given_by_id_name_or_object(
    client: Any, peer: Peer, features: FeatureSet, landmark: str | Landmark
) -> None:
    client.get_landmark(landmark)
    client.update_landmark(landmark, description="b")
    client.delete_landmark(landmark)
    client.add_reference_image(landmark, features)
    list(client.list_reference_images(landmark))
    got, updated, deleted, added, listed = (call.request for call in peer.received)
    names = [got.name, updated.landmark.name, deleted.name, added.parent, listed.parent]
    assert names == ["landmarks/a"] * 5


def test_an_update_names_what_it_changes(client: Any, peer: Peer) -> None:
    client.update_landmark("a", display_name="B")
    client.update_landmark("a", description="", location=None, metadata={}, etag='"7"')
    client.update_landmark("a", display_name="C", location=UNSET, metadata={"k": "v"})
    first, second, third = peer.calls("UpdateLandmark")
    assert list(first.update_mask.paths) == ["display_name"]
    assert first.landmark == landmark_pb2.Landmark(name="landmarks/a", display_name="B")
    assert list(second.update_mask.paths) == ["description", "location", "metadata"]
    assert second.landmark == landmark_pb2.Landmark(name="landmarks/a", etag='"7"')
    assert list(third.update_mask.paths) == ["display_name", "metadata"]
    assert dict(third.landmark.metadata) == {"k": "v"}
    with pytest.raises(InvalidArgumentError, match="nothing to update; give at least one of display_name"):
        client.update_landmark("a", etag='"7"')
    assert len(peer.received) == 3


def test_deletion_is_passed_on(client: Any, peer: Peer) -> None:
    assert client.delete_landmark("a") is None
    client.delete_landmark("a", force=True, etag='"7"')
    plain, forced = peer.calls("DeleteLandmark")
    assert (plain.force, plain.etag) == (False, "")
    assert (forced.force, forced.etag) == (True, '"7"')
    assert client.delete_reference_image(IMAGE, etag='"8"') is None
    (image,) = peer.calls("DeleteReferenceImage")
    assert (image.name, image.etag) == (IMAGE, '"8"')


def test_lists_fetch_pages_as_they_are_needed(client: Any, peer: Peer) -> None:
    peer.landmarks = [landmark_pb2.Landmark(name=f"landmarks/l{number}") for number in range(7)]
    found = client.list_landmarks(page_size=3)
    assert peer.received == []
    assert next(found).id == "l0"
    assert next(found).id == "l1"
    assert len(peer.calls("ListLandmarks")) == 1
    assert [landmark.id for landmark in found] == ["l2", "l3", "l4", "l5", "l6"]
    assert [(request.page_size, request.page_token) for request in peer.calls("ListLandmarks")] == [
        (3, ""),
        (3, "3"),
        (3, "6"),
    ]
    peer.images = [landmark_pb2.ReferenceImage(name=f"landmarks/a/images/i{number}") for number in range(5)]
    assert [image.id for image in client.list_reference_images("a", page_size=2)] == ["i0", "i1", "i2", "i3", "i4"]
    assert len(peer.calls("ListReferenceImages")) == 3


def test_one_page_is_fetched_at_a_time(client: Any, peer: Peer) -> None:
    peer.landmarks = [landmark_pb2.Landmark(name=f"landmarks/l{number}") for number in range(5)]
    found = client.list_landmarks(page_size=2)
    first = found.page()
    assert ([landmark.id for landmark in first.items], first.total_size) == (["l0", "l1"], 5)
    second = found.page(first.next_page_token)
    assert [landmark.id for landmark in second.items] == ["l2", "l3"]
    assert found.page(first.next_page_token) == second, "as often as it is asked for"
    last = client.list_landmarks(page_size=2).page(second.next_page_token)
    assert ([landmark.id for landmark in last.items], last.next_page_token) == (["l4"], "")
    assert next(found).id == "l0", "an iteration begins at the beginning"


def test_an_empty_page_is_not_the_end(client: Any, peer: Peer) -> None:
    some = [landmark_pb2.Landmark(name="landmarks/a")]
    peer.script(
        "ListLandmarks",
        lambda *_: api.ListLandmarksResponse(next_page_token="0"),  # noqa: S106 - a page, no password
        lambda *_: api.ListLandmarksResponse(landmarks=some),
    )
    assert [landmark.id for landmark in client.list_landmarks()] == ["a"]


def test_a_client_closed_between_two_pages_says_so(client: Any, peer: Peer) -> None:
    peer.landmarks = [landmark_pb2.Landmark(name=f"landmarks/l{number}") for number in range(2)]
    found = client.list_landmarks(page_size=1)
    assert next(found).id == "l0"
    client.close()
    with pytest.raises(FailedPreconditionError, match="closed"):
        next(found)


@pytest.mark.parametrize("size", [0, -1])
def test_a_page_has_a_size(client: Any, peer: Peer, size: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"at least 1, not {size}"):
        next(client.list_landmarks(page_size=size))
    with pytest.raises(InvalidArgumentError, match=f"at least 1, not {size}"):
        next(client.list_reference_images("a", page_size=size))
    with pytest.raises(InvalidArgumentError, match=f"at least 1, not {size}"):
        next(client.list_uploads(page_size=size))
    with pytest.raises(InvalidArgumentError, match=f"at least 1, not {size}"):
        next(client.list_keys(page_size=size))
    with pytest.raises(InvalidArgumentError, match=f"at least 1, not {size}"):
        next(client.list_audit_events(page_size=size))
    with pytest.raises(InvalidArgumentError, match=f"at least 1, not {size}"):
        next(client.list_operations(page_size=size))
    with pytest.raises(InvalidArgumentError, match=f"at least 1, not {size}"):
        next(client.list_operation_problems("a", page_size=size))
    assert peer.received == []


def test_a_reference_photo_is_uploaded(client: Any, peer: Peer, tmp_path: Path) -> None:
    path = tmp_path / "north.jpg"
    path.write_bytes(b"photo of the north side")
    image = client.add_reference_image("a", path, image_id="north", metadata={"by": "me"})
    (request,) = peer.calls("CreateReferenceImage")
    assert request.WhichOneof("source") == "image"
    assert request.image == b"photo of the north side"
    assert (image.name, image.id, image.landmark) == (IMAGE, "north", "landmarks/a")
    assert image.metadata == {"by": "me"}


@pytest.mark.parametrize("extract", [False, True])
def test_reference_features_are_sent_as_they_are(client: Any, peer: Peer, features: FeatureSet, extract: bool) -> None:
    client.add_reference_image("a", features, extract=extract)
    (request,) = peer.calls("CreateReferenceImage")
    assert request.WhichOneof("source") == "features"
    assert request.features == wire.pack(features)


def full_image() -> landmark_pb2.ReferenceImage:
    image = landmark_pb2.ReferenceImage(
        name=IMAGE,
        model="models/delf-lite2-v1",
        width=640,
        height=480,
        feature_count=900,
        sha256="ab" * 32,
        size_bytes=12345,
        media_type="image/jpeg",
        metadata={"by": "me"},
        etag='"1"',
    )
    image.create_time.FromJsonString("2026-05-04T03:02:01Z")
    return image


def test_all_of_a_reference_image_is_told(client: Any, peer: Peer) -> None:
    peer.script("GetReferenceImage", lambda *_: api.GetReferenceImageResponse(reference_image=full_image()))
    image = client.get_reference_image(IMAGE)
    assert image == ReferenceImage(
        name=IMAGE,
        model="models/delf-lite2-v1",
        width=640,
        height=480,
        feature_count=900,
        sha256="ab" * 32,
        size_bytes=12345,
        media_type="image/jpeg",
        metadata={"by": "me"},
        create_time=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
        etag='"1"',
    )
    told = json.loads(json.dumps(image.to_dict()))
    assert told["create_time"] == "2026-05-04T03:02:01+00:00"
    assert (told["id"], told["landmark"], told["metadata"]) == ("north", "landmarks/a", {"by": "me"})
    assert client.get_reference_image(image) == image


@pytest.mark.parametrize("name", ["north", "a/north", "landmarks/a", "landmarks/a/photos/north", ""])
def test_a_reference_image_needs_its_whole_name(client: Any, peer: Peer, name: str) -> None:
    for call in (client.get_reference_image, client.delete_reference_image, client.download_reference_image):
        with pytest.raises(InvalidArgumentError, match=r"landmarks/\{landmark\}/images/\{image\}, not"):
            call(name)
    assert peer.received == []


def test_a_photo_is_downloaded(client: Any, peer: Peer) -> None:
    photo = client.download_reference_image(IMAGE)
    assert (photo.data, photo.media_type) == (b"photo", "image/jpeg")
    client.download_reference_image(IMAGE, original=True)
    assert [request.original for request in peer.calls("DownloadReferenceImage")] == [False, True]
    assert json.loads(json.dumps(photo.to_dict())) == {"media_type": "image/jpeg", "size_bytes": 5}


def test_models_are_told(client: Any, peer: Peer) -> None:
    peer.models["models/delf-lite2-v1"] = model_pb2.Model(
        name="models/delf-lite2-v1",
        tflite_sha256="cd" * 32,
        descriptor_dimensions=40,
        pyramid_scales=[1, 0.5],
        min_pixels=200_000,
        max_pixels=300_000,
        max_features=1000,
        default=True,
    )
    model = client.get_model("delf-lite2-v1")
    assert client.get_model("models/delf-lite2-v1") == model == client.get_model(model)
    assert client.list_models() == [model]
    assert json.loads(json.dumps(model.to_dict())) == {
        "id": "delf-lite2-v1",
        "name": "models/delf-lite2-v1",
        "tflite_sha256": "cd" * 32,
        "descriptor_dimensions": 40,
        "pyramid_scales": [1, 0.5],
        "min_pixels": 200_000,
        "max_pixels": 300_000,
        "max_features": 1000,
        "default": True,
    }
