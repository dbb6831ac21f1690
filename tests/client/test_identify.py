from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from steeple.client import Answer, LatLng
from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import ImageError, InvalidArgumentError, ResourceExhaustedError
from steeple.v1 import visual_search_service_pb2 as search
from steeple.v1.catalog_service_pb2 import DownloadReferenceImageResponse
from steeple.v1.model_pb2 import RequestLimits

from .conftest import make_features
from .peer import Peer


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_features_arrive_as_they_were_packed(client: Any, peer: Peer, count: int) -> None:
    features = make_features(count)
    client.identify(features)
    (request,) = peer.calls("Identify")
    assert request.query.WhichOneof("source") == "features"
    arrived = wire.unpack(request.query.features)
    assert (arrived.model, arrived.width, arrived.height) == ("delf-lite2-v1", 640, 480)
    np.testing.assert_array_equal(arrived.descriptors, features.descriptors)
    np.testing.assert_allclose(arrived.keypoints, features.keypoints, atol=640 / 65536)
    assert request.query.features == wire.pack(features)
    assert len(request.query.features.descriptors) + len(request.query.features.geometry) == 46 * count
    assert peer.calls("GetModel") == []  # they were not made here


def test_the_request_says_how_to_answer(client: Any, peer: Peer, features: FeatureSet) -> None:
    client.identify(features)
    client.identify(features, max_candidates=100, include_matches=True)
    plain, full = peer.calls("Identify")
    assert (plain.query.max_candidates, plain.query.include_matches) == (5, False)
    assert (full.query.max_candidates, full.query.include_matches) == (100, True)


def test_the_request_says_where_to_look(client: Any, peer: Peer, features: FeatureSet) -> None:
    client.identify(features)
    client.identify(features, near=LatLng(48.5, 2.25), radius_meters=500, metadata={"kind": "tower"})
    client.identify(features, metadata={"kind": "tower"})
    anywhere, near, kind = peer.calls("Identify")
    assert not anywhere.query.HasField("restriction")
    restriction = near.query.restriction
    assert (restriction.near.latitude, restriction.near.longitude, restriction.radius_meters) == (48.5, 2.25, 500)
    assert dict(restriction.metadata) == dict(kind.query.restriction.metadata) == {"kind": "tower"}
    assert not kind.query.restriction.HasField("near")


@pytest.mark.parametrize("half", [{"near": LatLng(1, 2)}, {"radius_meters": 5.0}])
def test_a_place_and_a_radius_go_together(client: Any, peer: Peer, features: FeatureSet, half: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="both or neither"):
        client.identify(features, **half)
    assert peer.calls("Identify") == []


@pytest.mark.parametrize("count", [0, -1, 101])
def test_a_number_of_candidates_out_of_range_is_refused_before_it_is_sent(
    client: Any, peer: Peer, features: FeatureSet, count: int
) -> None:
    with pytest.raises(InvalidArgumentError, match=f"1 to 100, not {count}"):
        client.identify(features, max_candidates=count)
    assert peer.received == []


def full_answer() -> search.IdentifyResponse:
    response = search.IdentifyResponse()
    answer = response.answer
    answer.outcome = search.OUTCOME_IDENTIFIED
    answer.model = "models/delf-lite2-v1"
    answer.image_width, answer.image_height, answer.feature_count = 640, 480, 25
    answer.timings.search.FromNanoseconds(12_500_000)
    answer.timings.total.FromNanoseconds(1_020_250_000)
    first = answer.candidates.add(confidence=0.875, reference_image="landmarks/a/images/1", inliers=40, matches=60)
    first.landmark.name = "landmarks/a"
    first.landmark.display_name = "Sacré-Cœur"
    first.landmark.location.latitude = 48.8867
    first.landmark.location.longitude = 2.3431
    first.landmark.metadata["city"] = "Paris"
    first.landmark.create_time.FromJsonString("2026-05-04T03:02:01.5Z")
    for x, y in ((1, 2), (3, 2), (3, 4)):
        first.outline.points.add(x=x, y=y)
    match = first.inlier_matches.add()
    match.query.x, match.query.y, match.reference.x, match.reference.y = 1.5, 2.25, 10, 20
    answer.candidates.add(confidence=0.25).landmark.name = "landmarks/b"
    return response


def test_all_of_an_answer_is_told(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("Identify", lambda *_: full_answer())
    answer: Answer = client.identify(features)
    assert answer.identified
    assert (answer.model, answer.width, answer.height, answer.feature_count) == ("models/delf-lite2-v1", 640, 480, 25)
    first, second = answer.candidates
    assert answer.best is first
    assert answer.landmark is first.landmark
    assert (first.landmark.id, first.landmark.display_name) == ("a", "Sacré-Cœur")
    assert (first.confidence, first.inliers, first.matches) == (0.875, 40, 60)
    assert first.outline.dtype == np.float32
    np.testing.assert_array_equal(first.outline, [[1, 2], [3, 2], [3, 4]])
    np.testing.assert_array_equal(first.query_points, [[1.5, 2.25]])
    np.testing.assert_array_equal(first.reference_points, [[10, 20]])
    assert second.outline.shape == second.query_points.shape == second.reference_points.shape == (0, 2)
    assert second.landmark.location is None
    timings = answer.timings
    assert (timings.extract, timings.search, timings.verify, timings.total) == (None, 12.5, None, 1020.25)
    assert timings.device_extract is None
    assert timings.round_trip is not None
    assert timings.round_trip > 0
    assert answer.request_bytes == peer.calls("Identify")[0].ByteSize() > 46 * 25


def test_an_answer_is_json(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("Identify", lambda *_: full_answer())
    told = json.loads(json.dumps(client.identify(features).to_dict(), allow_nan=False))
    assert told["identified"] is True
    assert told["timings"]["search"] == 12.5
    assert told["candidates"][0]["outline"] == [[1, 2], [3, 2], [3, 4]]
    assert told["candidates"][0]["landmark"] == {
        "name": "landmarks/a",
        "id": "a",
        "display_name": "Sacré-Cœur",
        "description": "",
        "location": {"latitude": 48.8867, "longitude": 2.3431},
        "metadata": {"city": "Paris"},
        "reference_image_count": 0,
        "create_time": "2026-05-04T03:02:01.500000+00:00",
        "update_time": None,
        "etag": "",
        "aliases": {},
        "labels": [],
        "active": True,
        "delete_time": None,
        "expire_time": None,
    }


def test_candidates_of_an_unknown_photo_are_no_identification(client: Any, peer: Peer, features: FeatureSet) -> None:
    response = full_answer()
    response.answer.outcome = search.OUTCOME_UNKNOWN
    peer.script("Identify", lambda *_: response, lambda *_: search.IdentifyResponse())
    unknown = client.identify(features)
    assert not unknown.identified
    assert unknown.best.landmark.id == "a"
    assert unknown.landmark is None
    nothing = client.identify(features)
    assert not nothing.identified
    assert nothing.best is None
    assert nothing.candidates == ()


# --- uploads ---


def test_an_uploaded_file_is_sent_byte_for_byte(client: Any, peer: Peer, tmp_path: Path) -> None:
    data = bytes(range(256)) * 3  # the server judges what it is
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    for photo in (path, str(path), data):
        client.identify(photo, upload=True)
    sent = peer.calls("Identify")
    assert [request.query.WhichOneof("source") for request in sent] == ["image"] * 3
    assert [request.query.image for request in sent] == [data] * 3


def test_uploaded_pixels_keep_their_colours(client: Any, peer: Peer) -> None:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :32] = (200, 30, 60)
    pixels[:, 32:] = (20, 90, 220)
    client.identify(pixels, upload=True)
    image = peer.calls("Identify")[0].query.image
    decoded = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert decoded is not None
    assert decoded.shape == pixels.shape
    for column in (8, 56):
        np.testing.assert_allclose(decoded[24, column].astype(int), pixels[24, column].astype(int), atol=6)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
    ids=["grey", "RGBA", "float", "empty"],
)
def test_pixels_of_another_kind_are_refused(client: Any, peer: Peer, pixels: Any) -> None:
    with pytest.raises(ImageError, match=r"uint8\[H, W, 3\] in RGB"):
        client.identify(pixels, upload=True)
    assert peer.received == []


def test_a_file_that_cannot_be_read_is_named(client: Any, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"missing\.jpg cannot be read: No such file"):
        client.identify(tmp_path / "missing.jpg", upload=True)


def test_features_cannot_be_uploaded_as_a_photo(client: Any, features: FeatureSet) -> None:
    with pytest.raises(InvalidArgumentError, match="features are not a photo"):
        client.identify(features, upload=True)


def test_photos_of_20_mib_go_both_ways(client: Any, peer: Peer) -> None:
    photo = bytes(20 * 2**20)
    client.identify(photo, upload=True)
    assert len(peer.calls("Identify")[0].query.image) == len(photo)
    peer.script("DownloadReferenceImage", lambda *_: DownloadReferenceImageResponse(image=photo))
    assert client.download_reference_image("landmarks/a/images/1").data == photo


def test_what_a_server_takes_is_asked_once_and_heeded(client: Any, peer: Peer) -> None:
    """Before a photo that some server might not take is on its way; small ones go without a question."""
    peer.script("ListModels", lambda *_: search.ListModelsResponse(limits=RequestLimits(max_message_bytes=100_000)))
    client.identify(bytes(64 * 1024), upload=True)
    assert peer.calls("ListModels") == []
    client.identify(bytes(100_000), upload=True)
    calls: list[tuple[Any, dict[str, Any]]] = [
        (client.identify, {"upload": True}),
        (client.add_reference_image, {"landmark": "a"}),
    ]
    for method, given in calls:
        with pytest.raises(ResourceExhaustedError, match="100001 bytes, and the server takes 100000") as caught:
            method(photo=bytes(100_001), **given)
        assert caught.value.metadata["max_message_bytes"] == "100000"
    assert len(peer.calls("ListModels")) == 1
    assert len(peer.calls("Identify")) == 2
    assert peer.calls("CreateReferenceImage") == []


def test_a_server_that_does_not_say_refuses_in_words_that_help(client: Any, peer: Peer) -> None:
    with pytest.raises(ResourceExhaustedError, match="send the photo smaller"):
        client.identify(bytes(24 * 2**20 + 1), upload=True)
    assert peer.calls("Identify") == []


def test_an_answer_has_no_limit_of_the_clients_own(client: Any, peer: Peer) -> None:
    photo = bytes(40 * 2**20)
    peer.script("DownloadReferenceImage", lambda *_: DownloadReferenceImageResponse(image=photo))
    assert client.download_reference_image("landmarks/a/images/1").data == photo
