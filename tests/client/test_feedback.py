"""What people say of answers, as the SDK sends it; and thumbnails, as it hands them on."""

from __future__ import annotations

import base64
import json
from typing import Any

import grpc
import numpy as np
import pytest

from steeple.client import Feedback, Landmark, LatLng, QueryOrigin, QueryVerdict
from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.v1 import review_service_pb2 as review
from steeple.v1 import visual_search_service_pb2 as search
from steeple.v1.landmark_pb2 import LatLng as LatLngMessage

from .conftest import make_features
from .harness import Harness
from .peer import Peer, fail

UUID = "0e8f5b1c-0f6c-4b4e-9d1e-9a5c4f0f3c01"
PLACE = LatLng(48.5, 2.25)


def test_feedback_carries_features_and_no_photo(client: Any, peer: Peer, features: FeatureSet) -> None:
    name = client.send_feedback(
        features,
        QueryVerdict.LANDMARK,
        landmark="b",
        shown=Landmark("landmarks/a", "A"),
        suggested_name="Bee",
        note="from behind",
        location=PLACE,
        near=PLACE,
        radius_meters=50,
        request_id=UUID,
    )
    assert name == "queries/sent"
    (request,) = peer.calls("SendFeedback")
    assert request.query.WhichOneof("source") == "features"
    assert request.query.features == wire.pack(features)
    assert (request.query.restriction.radius_meters, request.query.max_candidates) == (50, 5)
    said = request.feedback
    assert (said.verdict, said.landmark, said.shown_landmark) == (3, "landmarks/b", "landmarks/a")
    assert (said.suggested_name, said.note, said.location.latitude) == ("Bee", "from behind", 48.5)
    assert request.request_id == UUID


def test_what_is_not_said_is_not_sent(client: Any, peer: Peer, features: FeatureSet) -> None:
    client.send_feedback(features, "wrong")
    client.send_feedback(features, "wrong")
    first, second = peer.calls("SendFeedback")
    assert first.feedback == review.Feedback(verdict=review.KeptQuery.VERDICT_WRONG)
    assert not first.query.HasField("restriction")
    assert len(first.request_id) == 36
    assert first.request_id != second.request_id
    with pytest.raises(InvalidArgumentError, match="a verdict is one of none, right"):
        client.send_feedback(features, "perhaps")


@pytest.mark.parametrize("limit", [1024, 2048])
def test_the_query_fits_into_the_bytes_that_it_may_take(client: Any, peer: Peer, limit: int) -> None:
    client.send_feedback(make_features(900), "right", note="x" * 300, max_bytes=limit)
    (request,) = peer.calls("SendFeedback")
    assert limit - 100 < request.query.ByteSize() <= limit


def test_a_photo_is_sent_only_where_that_is_said(client: Any, peer: Peer, photo_bytes: bytes) -> None:
    client.send_feedback(photo_bytes, "wrong", upload=True)
    (request,) = peer.calls("SendFeedback")
    assert request.query.image == photo_bytes
    assert client.propose_photo(photo_bytes, "Mill", note="old", location=PLACE) == "queries/proposed"
    (proposal,) = peer.calls("ProposePhoto")
    assert (proposal.image, proposal.suggested_name, proposal.note) == (photo_bytes, "Mill", "old")
    assert (proposal.location.latitude, proposal.location.longitude) == (48.5, 2.25)


def test_features_are_no_photo_to_propose(client: Any, peer: Peer, features: FeatureSet) -> None:
    with pytest.raises(InvalidArgumentError, match="features are not a photo"):
        client.propose_photo(features, "Mill")
    assert peer.calls("ProposePhoto") == []


def test_a_server_that_takes_none(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("SendFeedback", fail(grpc.StatusCode.FAILED_PRECONDITION, "feedback = off"))
    with pytest.raises(FailedPreconditionError, match="feedback = off"):
        client.send_feedback(features, "right")
    assert len(peer.calls("SendFeedback")) == 1


def test_who_reviews_sees_what_was_said(client: Any, peer: Peer) -> None:
    message = review.KeptQuery(
        name="queries/q1",
        origin=review.KeptQuery.ORIGIN_PROPOSAL,
        feedback=review.Feedback(suggested_name="Mill", location=LatLngMessage(latitude=48.5, longitude=2.25)),
    )
    strange = review.KeptQuery(name="queries/q2", feedback=review.Feedback(verdict=99))  # type: ignore[arg-type]
    strange.origin = 99  # type: ignore[assignment]
    peer.kept_queries = [message, strange, review.KeptQuery(name="queries/q3")]
    proposal, newer, older = client.list_kept_queries()
    assert (proposal.origin, proposal.feedback) == (
        QueryOrigin.PROPOSAL,
        Feedback(suggested_name="Mill", location=PLACE),
    )
    told = json.loads(json.dumps(proposal.to_dict()))
    assert (told["origin"], told["feedback"]["verdict"]) == ("proposal", "none")
    assert told["feedback"]["location"] == {"latitude": 48.5, "longitude": 2.25}
    assert (newer.origin, newer.feedback.verdict) == (QueryOrigin.OTHER, QueryVerdict.OTHER)
    assert (older.origin, older.feedback) == (QueryOrigin.QUERY, None), "a server of before there was feedback"


def test_a_query_becomes_the_first_image_of_a_new_landmark(client: Any, peer: Peer) -> None:
    client.promote_query("q1", new_landmark=Landmark("landmarks/mill", "Mill", location=PLACE))
    client.promote_query("q1")
    with_one, without = peer.calls("PromoteQuery")
    assert (with_one.landmark_id, with_one.new_landmark.display_name) == ("mill", "Mill")
    assert with_one.new_landmark.location.latitude == 48.5
    assert not without.HasField("new_landmark")


def test_thumbnails_come_where_they_are_asked_for(
    harness: Harness, client: Any, peer: Peer, features: FeatureSet
) -> None:
    candidate = search.Candidate(thumbnail=b"\xff\xd8small", reference_width=640, reference_height=480)
    answer = search.Answer(candidates=[candidate, search.Candidate()])
    peer.script("Identify", lambda *_: search.IdentifyResponse(answer=answer))
    found = client.identify(features, include_thumbnails=True)
    client.identify(features)
    assert [request.query.include_thumbnails for request in peer.calls("Identify")] == [True, False]
    first, second = found.candidates
    assert (first.thumbnail, first.reference_width, first.reference_height) == (b"\xff\xd8small", 640, 480)
    assert (second.thumbnail, second.reference_width) == (b"", 0), "as from a server of before there were any"
    told = json.loads(json.dumps(found.to_dict()))
    assert base64.b64decode(told["candidates"][0]["thumbnail"]) == b"\xff\xd8small"
    assert "small" not in repr(first)
    seen: list[bool] = []

    def look(requests: Any, _: Any) -> Any:
        seen.extend(request.query.include_thumbnails for request in requests)
        return iter(())

    peer.script("IdentifyStream", look)
    harness.take(client, harness.camera(iter([features])), 1, include_thumbnails=True)
    assert seen == [True]


@pytest.fixture
def photo_bytes() -> bytes:
    """No photo, but nobody here looks into it."""
    return np.random.default_rng(1).bytes(1000)
