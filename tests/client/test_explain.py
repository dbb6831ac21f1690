"""Why an answer is what it is, as the SDK has it."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest

from steeple.client import Evidence, Verdict
from steeple.delf.features import FeatureSet
from steeple.errors import NotFoundError
from steeple.v1 import explain_service_pb2 as api
from steeple.v1 import landmark_pb2
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED, Match, Point

from .peer import Peer, abort, info

EXPLANATION = api.Explanation(
    outcome=OUTCOME_IDENTIFIED,
    model="models/delf-lite2-v1",
    image_width=640,
    image_height=480,
    feature_count=25,
    bias=-2.0,
    threshold=0.5,
    images=[
        api.ExplainedImage(
            reference_image="landmarks/a/images/1",
            landmark=landmark_pb2.Landmark(name="landmarks/a", display_name="A"),
            verdict=api.VERDICT_ANSWER,
            votes=20,
            matches=19,
            inliers=1,
            distinct=3.25,
            evidence=[api.Evidence(name="inliers", value=3.0, weight=1.5, contribution=4.5)],
            confidence=0.924,
            inlier_matches=[Match(query=Point(x=1, y=2), reference=Point(x=3, y=4))],
        ),
        api.ExplainedImage(reference_image="landmarks/b/images/1", verdict=api.VERDICT_GEOMETRY_REFUSED, votes=5),
        api.ExplainedImage.FromString(b"\x18\x63"),
    ],
)


def test_an_explanation_is_told(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("ExplainIdentify", lambda *_: api.ExplainIdentifyResponse(explanation=EXPLANATION))
    found = client.explain(features, include_matches=True)
    (request,) = peer.calls("ExplainIdentify")
    assert request.query.include_matches
    assert len(request.query.features.descriptors) == 25 * 40
    assert (found.identified, found.bias, found.threshold, found.feature_count) == (True, -2.0, 0.5, 25)
    best, refused, unknown = found.images
    assert (best.verdict, refused.verdict, unknown.verdict) == (
        Verdict.ANSWER,
        Verdict.GEOMETRY_REFUSED,
        Verdict.OTHER,
    )
    assert best.evidence == (Evidence("inliers", 3.0, 1.5, 4.5),)
    assert found.logit(best) == 2.5
    assert (best.confidence, refused.confidence) == (0.924, None)
    assert best.query_points.tolist() == [[1, 2]]
    assert best.reference_points.tolist() == [[3, 4]]
    told = json.loads(json.dumps(found.to_dict()))
    assert told["images"][0]["evidence"][0]["contribution"] == 4.5
    assert told["images"][0]["verdict"] == "answer"
    assert told["images"][1]["confidence"] is None


def test_an_explanation_may_be_of_a_budget(client: Any, peer: Peer, features: FeatureSet) -> None:
    peer.script("ExplainIdentify", lambda *_: api.ExplainIdentifyResponse(explanation=EXPLANATION))
    client.explain(features, max_bytes=400)
    (request,) = peer.calls("ExplainIdentify")
    assert request.query.WhichOneof("source") == "compact_features"
    assert request.ByteSize() <= 400


def test_the_id_of_a_request_that_failed_is_told(client: Any, peer: Peer, features: FeatureSet) -> None:
    from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # noqa: PLC0415

    details = (info("NOT_FOUND"), error_details_pb2.RequestInfo(request_id="abc"))
    peer.script("ExplainIdentify", lambda _, context: abort(context, grpc.StatusCode.NOT_FOUND, "nothing", *details))
    with pytest.raises(NotFoundError) as caught:
        client.explain(features)
    assert caught.value.metadata == {"request_id": "abc"}
