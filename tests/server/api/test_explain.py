"""``steeple.v1.ExplainService``: why an answer is what it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.v1.explain_service_pb2 import ExplainIdentifyRequest, Explanation, Verdict
from steeple.v1.explain_service_pb2_grpc import ExplainServiceStub
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED, OUTCOME_UNKNOWN, Query

MakeFeatures = Callable[..., FeatureSet]


async def explained(running: Any, features: FeatureSet, **options: Any) -> Explanation:
    stub: Any = ExplainServiceStub(running.channel)
    query = Query(features=wire.pack(features), **options)
    told: Explanation = (await stub.ExplainIdentify(ExplainIdentifyRequest(query=query))).explanation
    return told


def part_of(features: FeatureSet, count: int, other: FeatureSet) -> FeatureSet:
    """``count`` features of one image, seen from a little farther off, and the rest of another."""
    # What stays in its place in the frame would be taken for an overlay.
    moved = (0.8 * features.keypoints[:count] + [90, 30]).astype(np.float32)
    return replace(
        features,
        descriptors=np.concatenate([features.descriptors[:count], other.descriptors[count:]]),
        keypoints=np.concatenate([moved, other.keypoints[count:]]),
    )


def verdicts(told: Explanation) -> dict[str, str]:
    return {
        image.reference_image.removeprefix("landmarks/").replace("/images/", "/"): Verdict.Name(image.verdict)
        for image in told.images
    }


async def test_the_answer_and_what_supports_it(running: Any, make_features: MakeFeatures) -> None:
    right = make_features(0)
    await running.add("right", right)
    await running.add_image("right", part_of(right, 60, make_features(7)), "half")
    for number in (1, 2, 3):
        await running.add(f"other-{number}", make_features(number))
    told = await explained(running, right, include_matches=True)
    answer = await running.ask(right, include_matches=True)
    assert told.outcome == answer.outcome == OUTCOME_IDENTIFIED
    assert (told.image_width, told.image_height, told.feature_count) == (640, 480, 200)
    assert told.model == "models/delf-lite2-v1"
    best = told.images[0]
    assert Verdict.Name(best.verdict) == "VERDICT_ANSWER"
    assert best.landmark == answer.candidates[0].landmark
    assert (best.inliers, best.matches) == (answer.candidates[0].inliers, answer.candidates[0].matches)
    assert best.votes == best.matches >= best.inliers > 150
    assert best.distinct > 0
    assert best.outline == answer.candidates[0].outline
    assert list(best.inlier_matches) == list(answer.candidates[0].inlier_matches)
    told_of = verdicts(told)
    assert told_of.pop("right/one") == "VERDICT_ANSWER"
    assert told_of.pop("right/half") == "VERDICT_SAME_LANDMARK"
    assert set(told_of) <= {"other-1/one", "other-2/one", "other-3/one"}
    assert set(told_of.values()) <= {"VERDICT_BELOW_THRESHOLD", "VERDICT_GEOMETRY_REFUSED", "VERDICT_TOO_FEW_MATCHES"}


async def test_the_confidence_is_the_sum_of_its_evidence(running: Any, make_features: MakeFeatures) -> None:
    await running.add("right", make_features(0))
    await running.add("other", part_of(make_features(0), 12, make_features(1)))
    told = await explained(running, make_features(0))
    candidates = (await running.ask(make_features(0))).candidates
    judged = [image for image in told.images if image.evidence]
    assert [image.landmark.name for image in judged] == [candidate.landmark.name for candidate in candidates]
    assert len(judged) == 2
    for image, candidate in zip(judged, candidates, strict=True):
        logit = told.bias + sum(part.contribution for part in image.evidence)
        assert image.confidence == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-9)
        assert image.confidence == pytest.approx(candidate.confidence, abs=1e-6)
        assert {"inliers", "distinct", "margin"} <= {part.name for part in image.evidence}
        for part in image.evidence:
            assert part.contribution == pytest.approx(part.weight * part.value)
    assert not judged[0].inlier_matches, "only if they are asked for"


async def test_twins_outrank_each_other(running: Any, make_features: MakeFeatures) -> None:
    await running.add("one", make_features(0))
    await running.add("twin", make_features(0))
    told = await explained(running, make_features(0))
    (first, second) = told.images
    assert first.confidence == second.confidence
    expected = "VERDICT_OUTRANKED" if second.confidence >= told.threshold else "VERDICT_BELOW_THRESHOLD"
    assert Verdict.Name(second.verdict) == expected


async def test_strangers_are_below_the_threshold_or_refused(running: Any, make_features: MakeFeatures) -> None:
    scattered = make_features(0)
    moved = np.random.default_rng(5).permutation(scattered.keypoints)
    await running.add("weak", part_of(scattered, 8, make_features(1)))
    await running.add("scattered", replace(scattered, keypoints=moved))
    told = await explained(running, scattered)
    assert told.outcome == OUTCOME_UNKNOWN
    found = verdicts(told)
    assert found["weak/one"] == "VERDICT_BELOW_THRESHOLD"
    assert found["scattered/one"] in ("VERDICT_GEOMETRY_REFUSED", "VERDICT_BELOW_THRESHOLD")
    for image in told.images:
        assert (image.inliers > 0) == bool(image.evidence)


async def test_what_a_certain_answer_left_out_is_told(running: Any, make_features: MakeFeatures) -> None:
    await running.add("right", make_features(0))
    for number in range(1, 16):
        await running.add(f"other-{number}", part_of(make_features(0), 10, make_features(number)))
    told = await explained(running, make_features(0))
    found = list(verdicts(told).values())
    assert len(found) == 16
    assert found[0] == "VERDICT_ANSWER"
    assert found.count("VERDICT_NOT_VERIFIED") == 6, "images are verified by tens"


async def test_an_empty_catalogue_has_nothing_to_explain(running: Any, make_features: MakeFeatures) -> None:
    told = await explained(running, make_features(0))
    assert told.outcome == OUTCOME_UNKNOWN
    assert not told.images
    assert told.threshold > 0


async def test_restrictions_and_refusals_are_those_of_identify(
    running: Any, make_features: MakeFeatures, refused: Any
) -> None:
    await running.add("right", make_features(0))
    restricted = await explained(running, make_features(0), restriction={"metadata": {"city": "Paris"}})
    assert not restricted.images
    stub: Any = ExplainServiceStub(running.channel)
    refusal = await refused(stub.ExplainIdentify(ExplainIdentifyRequest(query=Query(image=b"no photo"))))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.details["BadRequest"].field_violations[0].field == "query.image"


async def test_photos_are_extracted(running: Any, make_photo: Callable[..., bytes]) -> None:
    await running.add("right", make_photo(1))
    stub: Any = ExplainServiceStub(running.channel)
    told = (await stub.ExplainIdentify(ExplainIdentifyRequest(query=Query(image=make_photo(1))))).explanation
    assert (told.outcome, told.image_width) == (OUTCOME_IDENTIFIED, 320)
