"""Messages and records say the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from steeple import recognition
from steeple.delf.release import ModelRelease
from steeple.errors import FeatureSetError, InvalidArgumentError
from steeple.server import identification
from steeple.server.api import conversion, resources
from steeple.server.catalogue import Landmark, LatLng, ReferenceImage
from steeple.v1 import features_pb2, landmark_pb2
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED, OUTCOME_UNKNOWN, Query

NOON = datetime(2025, 6, 1, 12, 0, 0, 250_000, UTC)
LANDMARK = Landmark("big-ben", "Big Ben", "A bell.", LatLng(51.5, -0.12), {"a": "b"}, 2, NOON, NOON, '"1"')
IMAGE = ReferenceImage(
    7, "big-ben", "north", "delf-lite2-v1", 640, 480, 200, "ab" * 32, 99, "image/png", {"k": "v"}, NOON, '"2"'
)
RECOGNISED = recognition.Candidate(
    landmark_id="big-ben",
    image_key=7,
    confidence=0.75,
    inliers=2,
    matches=5,
    homography=np.eye(3),
    outline=np.array([[0, 0], [9.5, 0], [9.5, 8]], np.float32),
    query_points=np.array([[1, 2], [3, 4]], np.float32),
    reference_points=np.array([[5, 6], [7, 8]], np.float32),
    evidence={"inliers": 2.0},
)
FOUND = identification.Identification(
    identified=True,
    candidates=(identification.Candidate(LANDMARK, IMAGE, RECOGNISED),),
    model="delf-lite2-v1",
    width=320,
    height=240,
    feature_count=11,
    extract_seconds=0.1,
    search_seconds=0.002,
    verify_seconds=0.003,
    certain=True,
)


def test_a_landmark_is_shown_whole() -> None:
    message = resources.landmark_message(LANDMARK)
    assert message.name == "landmarks/big-ben"
    assert (message.display_name, message.description, message.etag) == ("Big Ben", "A bell.", '"1"')
    assert (message.location.latitude, message.location.longitude) == (51.5, -0.12)
    assert (dict(message.metadata), message.reference_image_count) == ({"a": "b"}, 2)
    assert message.create_time.ToDatetime(UTC) == NOON
    assert conversion.read_landmark_draft(message).location == LANDMARK.location


def test_a_place_at_zero_degrees_is_a_place() -> None:
    message = resources.landmark_message(replace(LANDMARK, location=LatLng(0.0, 0.0)))
    assert message.HasField("location")
    assert conversion.read_location(message) == LatLng(0.0, 0.0)
    nowhere = resources.landmark_message(replace(LANDMARK, location=None))
    assert not nowhere.HasField("location")
    assert conversion.read_location(nowhere) is None


def test_a_reference_image_is_shown_whole() -> None:
    message = resources.image_message(IMAGE)
    assert (message.name, message.model) == ("landmarks/big-ben/images/north", "models/delf-lite2-v1")
    assert (message.width, message.height, message.feature_count) == (640, 480, 200)
    assert (message.sha256, message.size_bytes, message.media_type) == ("ab" * 32, 99, "image/png")
    assert (dict(message.metadata), message.etag) == ({"k": "v"}, '"2"')


def test_an_answer_is_shown_whole() -> None:
    answer = conversion.answer_message(FOUND, include_matches=True, total_seconds=0.5)
    assert (answer.outcome, answer.model, answer.feature_count) == (OUTCOME_IDENTIFIED, "models/delf-lite2-v1", 11)
    assert (answer.image_width, answer.image_height) == (320, 240)
    timings = answer.timings
    assert [part.ToMilliseconds() for part in (timings.extract, timings.search, timings.verify, timings.total)] == [
        100,
        2,
        3,
        500,
    ]
    (candidate,) = answer.candidates
    assert (candidate.landmark.name, candidate.confidence) == ("landmarks/big-ben", 0.75)
    assert (candidate.reference_image, candidate.inliers, candidate.matches) == ("landmarks/big-ben/images/north", 2, 5)
    assert [(point.x, point.y) for point in candidate.outline.points] == [(0, 0), (9.5, 0), (9.5, 8)]
    assert [(one.query.x, one.query.y, one.reference.x, one.reference.y) for one in candidate.inlier_matches] == [
        (1, 2, 5, 6),
        (3, 4, 7, 8),
    ]


def test_what_was_not_asked_for_or_did_not_run_is_absent() -> None:
    found = replace(FOUND, identified=False, extract_seconds=None)
    answer = conversion.answer_message(found, include_matches=False, total_seconds=0.5)
    assert answer.outcome == OUTCOME_UNKNOWN
    assert not answer.timings.HasField("extract")
    assert len(answer.candidates[0].inlier_matches) == 0


@pytest.mark.parametrize(("asked", "taken"), [(0, 5), (1, 1), (100, 100)])
def test_candidates_asked_for(asked: int, taken: int) -> None:
    assert conversion.read_max_candidates(Query(max_candidates=asked)) == taken


@pytest.mark.parametrize("asked", [-1, 101])
def test_too_many_candidates_are_refused(asked: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"not {asked}") as caught:
        conversion.read_max_candidates(Query(max_candidates=asked))
    assert caught.value.metadata["field"] == "query.max_candidates"


def unasked(model: str) -> ModelRelease:
    raise AssertionError(f"nobody needs the release {model}")


def test_a_query_needs_a_source() -> None:
    with pytest.raises(InvalidArgumentError, match="set features, compact_features or image"):
        conversion.read_source(Query(), unasked)
    assert conversion.read_source(Query(image=b""), unasked) == b""
    with pytest.raises(FeatureSetError) as caught:
        conversion.read_source(Query(features=features_pb2.FeatureSet(model="delf-lite2-v1")), unasked)
    assert caught.value.metadata["field"] == "query.features.model"


def test_compact_features_are_read_with_their_release() -> None:
    query = Query()
    query.compact_features.model = "models/delf-lite2-v1"
    with pytest.raises(FeatureSetError, match="code_size must be 1 to 12") as caught:
        conversion.read_source(query, ModelRelease.load)
    assert caught.value.metadata["field"] == "query.compact_features.code_size"
    query.compact_features.model = "delf-lite2-v1"
    with pytest.raises(FeatureSetError, match="models/") as caught:
        conversion.read_source(query, unasked)
    assert caught.value.metadata["field"] == "query.compact_features.model"


def test_the_mask_of_an_update() -> None:
    message = landmark_pb2.Landmark(name="landmarks/a", display_name="A", metadata={"k": "v"}, etag='"1"')
    assert conversion.read_update_mask(message, []) == {"display_name", "metadata"}
    assert conversion.read_update_mask(message, ["description", "location"]) == {"description", "location"}


@pytest.mark.parametrize("path", ["etag", "location.latitude", "*", "", "displayName"])
def test_a_mask_names_only_what_can_be_updated(path: str) -> None:
    with pytest.raises(
        InvalidArgumentError, match="it takes display_name, description, location, metadata, aliases"
    ) as caught:
        conversion.read_update_mask(landmark_pb2.Landmark(display_name="A"), ["display_name", path])
    assert caught.value.metadata["field"] == "update_mask"


def test_an_update_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="nothing to update"):
        conversion.read_update_mask(landmark_pb2.Landmark(name="landmarks/a", etag="x"), [])


def test_fields_of_a_landmark_are_named_from_the_request_on() -> None:
    with pytest.raises(InvalidArgumentError) as inner, conversion.within("landmark"):
        raise InvalidArgumentError("wrong", field="location.latitude")
    assert inner.value.metadata["field"] == "landmark.location.latitude"
    with pytest.raises(InvalidArgumentError) as outer, conversion.within("landmark"):
        raise InvalidArgumentError("wrong", field="request_id")
    assert outer.value.metadata["field"] == "request_id"
