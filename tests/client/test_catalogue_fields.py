"""Aliases, labels, filters, undeletion, duplicates and batches in the SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest

from steeple.client import Duplicate, DuplicateKind, ImageState, Landmark, LatLng, Quality
from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError
from steeple.v1 import catalog_service_pb2 as api
from steeple.v1 import landmark_pb2

from .peer import Peer

IMAGE = "landmarks/a/images/north"


def test_aliases_labels_and_activity_are_sent_and_told(client: Any, peer: Peer) -> None:
    landmark = client.create_landmark("Tour", aliases={"de": ["Turm"]}, labels=["tower"], active=False)
    assert (landmark.aliases, landmark.labels, landmark.active) == ({"de": ("Turm",)}, ("tower",), False)
    told = json.loads(json.dumps(landmark.to_dict()))
    assert (told["aliases"], told["labels"], told["active"]) == ({"de": ["Turm"]}, ["tower"], False)
    client.update_landmark("a", active=False)
    client.update_landmark("a", aliases={}, labels=[])
    first, second = peer.calls("UpdateLandmark")
    assert (list(first.update_mask.paths), first.landmark.active) == (["active"], False)
    assert list(second.update_mask.paths) == ["aliases", "labels"]


def test_lists_pass_on_what_is_asked_for(client: Any, peer: Peer) -> None:
    asked = {"filter": "labels:a", "order_by": "id desc", "show_deleted": True}
    assert list(client.list_landmarks(**asked)) == []
    assert list(client.list_reference_images("a", **asked)) == []
    for request in (*peer.calls("ListLandmarks"), *peer.calls("ListReferenceImages")):
        assert {name: getattr(request, name) for name in asked} == asked


def test_an_image_is_updated_by_what_is_given(client: Any, peer: Peer) -> None:
    image = client.update_reference_image(IMAGE, capture_location=LatLng(1.5, -2.5), etag='"7"')
    assert image.capture_location == LatLng(1.5, -2.5)
    client.update_reference_image(IMAGE, capture_location=None, capture_time="", metadata={})
    with pytest.raises(InvalidArgumentError, match="nothing to update"):
        client.update_reference_image(IMAGE)
    first, second = peer.calls("UpdateReferenceImage")
    assert (list(first.update_mask.paths), first.reference_image.etag) == (["capture_location"], '"7"')
    assert list(second.update_mask.paths) == ["metadata", "capture_location", "capture_time"]
    assert not second.reference_image.HasField("capture_location")


def test_undeletion_and_thumbnails(client: Any, peer: Peer) -> None:
    assert client.undelete_landmark("a", etag='"7"').name == "landmarks/a"
    assert client.undelete_reference_image(IMAGE).name == IMAGE
    assert client.get_reference_image_thumbnail(IMAGE).data == b"small"
    assert peer.calls("UndeleteLandmark")[0].etag == '"7"'


def test_new_fields_of_an_image_are_told(client: Any, peer: Peer) -> None:
    message = landmark_pb2.ReferenceImage(
        name=IMAGE,
        state=landmark_pb2.ReferenceImage.STATE_FAILED,
        state_reason="too dark",
        capture_location=landmark_pb2.LatLng(latitude=0, longitude=0),
        capture_time="2024-05-01T12:30:00",
        quality=landmark_pb2.Quality(grade=0, reasons=["few"]),
        identify_count=7,
    )
    message.delete_time.FromJsonString("2026-05-04T03:02:01Z")
    peer.script("GetReferenceImage", lambda *_: api.GetReferenceImageResponse(reference_image=message))
    image = client.get_reference_image(IMAGE)
    assert (image.state, image.state_reason) == (ImageState.FAILED, "too dark")
    assert (image.capture_location, image.capture_time) == (LatLng(0, 0), "2024-05-01T12:30:00")
    assert (image.quality, image.identify_count) == (Quality(0, ("few",)), 7)
    told = json.loads(json.dumps(image.to_dict()))
    assert told["quality"] == {"grade": 0, "reasons": ["few"]}
    assert told["delete_time"] == "2026-05-04T03:02:01+00:00"
    assert (told["state"], told["expire_time"]) == ("failed", None)


@pytest.mark.parametrize("refuse", [False, True])
def test_duplicates_are_told_or_refused(client: Any, peer: Peer, features: FeatureSet, refuse: bool) -> None:
    kind = api.Duplicate.KIND_NEAR_DUPLICATE
    answer = api.CreateReferenceImageResponse(
        reference_image=landmark_pb2.ReferenceImage(name=IMAGE),
        duplicates=[api.Duplicate(reference_image="landmarks/b/images/x", kind=kind, inliers=99)],
    )
    peer.script("CreateReferenceImage", lambda *_: answer)
    image = client.add_reference_image("a", features, refuse_duplicates=refuse)
    assert image.duplicates == (Duplicate("landmarks/b/images/x", DuplicateKind.NEAR_DUPLICATE, 99),)
    assert json.loads(json.dumps(image.to_dict()))["duplicates"][0]["kind"] == "near-duplicate"
    (request,) = peer.calls("CreateReferenceImage")
    assert (request.duplicate_policy == api.DUPLICATE_POLICY_REFUSE) is refuse


def test_batches(client: Any, peer: Peer) -> None:
    made = client.batch_create_landmarks([Landmark("landmarks/a", "A", labels=("x",)), Landmark("", "B")])
    assert [landmark.name for landmark in made] == ["landmarks/a", "landmarks/"]
    (request,) = peer.calls("BatchCreateLandmarks")
    assert [one.landmark_id for one in request.requests] == ["a", ""]
    assert request.requests[0].landmark.labels == ["x"]
    assert request.request_id
    assert client.batch_delete_reference_images([IMAGE]) is None
    assert list(peer.calls("BatchDeleteReferenceImages")[0].names) == [IMAGE]
    with pytest.raises(InvalidArgumentError, match="a reference image is named"):
        client.batch_delete_reference_images(["north"])
