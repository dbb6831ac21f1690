"""Queries through a real socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
import pytest

from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.v1.catalog_service_pb2 import DeleteLandmarkRequest, DeleteReferenceImageRequest
from steeple.v1.visual_search_service_pb2 import (
    OUTCOME_IDENTIFIED,
    OUTCOME_UNKNOWN,
    Answer,
    GetModelRequest,
    ListModelsRequest,
)

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]


def without_timings(answer: Answer) -> bytes:
    answer.ClearField("timings")
    return answer.SerializeToString(deterministic=True)


async def test_features_are_identified_as_those_of_their_reference_image(
    running: Any, make_features: MakeFeatures
) -> None:
    for number, landmark in enumerate(["big-ben", "sacre-coeur", "chartres"]):
        await running.add(landmark, make_features(number))
    answer = await running.ask(make_features(1), include_matches=True)
    assert answer.outcome == OUTCOME_IDENTIFIED
    best = answer.candidates[0]
    assert (best.landmark.name, best.landmark.display_name) == ("landmarks/sacre-coeur", "Sacre-Coeur")
    assert best.landmark.reference_image_count == 1
    assert best.reference_image == "landmarks/sacre-coeur/images/one"
    assert best.inliers > 180
    assert best.confidence > 0.9
    assert (answer.model, answer.feature_count) == ("models/delf-lite2-v1", 200)
    assert (answer.image_width, answer.image_height) == (640, 480)
    # The query is the reference image, so every inlier lies where it lay.
    assert len(best.inlier_matches) == best.inliers
    apart = [(one.query.x - one.reference.x, one.query.y - one.reference.y) for one in best.inlier_matches]
    assert np.abs(apart).max() < 5.0
    assert all(-0.5 <= point.x <= 639.5 and -0.5 <= point.y <= 479.5 for point in best.outline.points)
    assert len(best.outline.points) >= 3
    names = [candidate.landmark.name for candidate in answer.candidates]
    assert len(set(names)) == len(names)


async def test_what_is_in_no_catalogue_is_unknown(running: Any, make_features: MakeFeatures) -> None:
    assert (await running.ask(make_features(0))).outcome == OUTCOME_UNKNOWN
    await running.add("big-ben", make_features(0))
    answer = await running.ask(make_features(1))
    assert answer.outcome == OUTCOME_UNKNOWN
    assert all(candidate.confidence < 0.5 for candidate in answer.candidates)


async def test_a_photo_is_identified_and_forgotten(running: Any, make_photo: MakePhoto) -> None:
    for number, landmark in enumerate(["big-ben", "sacre-coeur"]):
        await running.add(landmark, make_photo(number))
    before = await running.state()
    answer = await running.ask(make_photo(1, suffix=".png"))  # the same scene, encoded without loss
    assert answer.outcome == OUTCOME_IDENTIFIED
    assert answer.candidates[0].landmark.name == "landmarks/sacre-coeur"
    assert (answer.image_width, answer.image_height) == (320, 240)
    assert await running.state() == before


async def test_every_stage_that_ran_is_timed(running: Any, make_photo: MakePhoto, make_features: MakeFeatures) -> None:
    await running.add("big-ben", make_photo(0))
    timings = (await running.ask(make_photo(0))).timings
    parts = [part.ToTimedelta().total_seconds() for part in (timings.extract, timings.search, timings.verify)]
    assert all(part > 0 for part in parts)
    assert sum(parts) <= timings.total.ToTimedelta().total_seconds()
    assert not (await running.ask(make_features(0))).timings.HasField("extract")


async def test_the_same_query_twice_gets_the_same_answer(
    running: Any, make_photo: MakePhoto, make_features: MakeFeatures
) -> None:
    await running.add("big-ben", make_photo(0))
    await running.add("sacre-coeur", make_features(1))
    for query in (make_photo(0), make_photo(7), make_features(1)):
        first = without_timings(await running.ask(query, include_matches=True))
        assert without_timings(await running.ask(query, include_matches=True)) == first


async def test_candidates_are_as_many_as_asked_for(running: Any, make_features: MakeFeatures) -> None:
    one = make_features(0)
    for landmark in ("a", "b", "c", "d", "e", "f", "g"):
        await running.add(landmark, one)
    assert len((await running.ask(one)).candidates) == 5
    assert len((await running.ask(one, max_candidates=2)).candidates) == 2
    confidences = [candidate.confidence for candidate in (await running.ask(one, max_candidates=100)).candidates]
    assert len(confidences) == 7
    assert confidences == sorted(confidences, reverse=True)


async def test_what_was_deleted_is_not_found_any_more(running: Any, make_features: MakeFeatures) -> None:
    name = await running.add("big-ben", make_features(0))
    await running.add("sacre-coeur", make_features(1))
    await running.catalog.DeleteReferenceImage(DeleteReferenceImageRequest(name=name))
    await running.catalog.DeleteLandmark(DeleteLandmarkRequest(name="landmarks/sacre-coeur", force=True))
    for number in (0, 1):
        answer = await running.ask(make_features(number))
        assert (answer.outcome, len(answer.candidates)) == (OUTCOME_UNKNOWN, 0)


async def test_the_release_that_is_served_is_described(running: Any) -> None:
    release = ModelRelease.load()
    (model,) = (await running.search.ListModels(ListModelsRequest())).models
    assert model == (await running.search.GetModel(GetModelRequest(name="models/delf-lite2-v1"))).model
    assert (model.name, model.default, model.descriptor_dimensions) == ("models/delf-lite2-v1", True, 40)
    assert model.tflite_sha256 == release.tflite_sha256
    assert model.pyramid_scales == pytest.approx(release.extraction.pyramid_scales)
    assert (model.max_pixels, model.max_features) == (release.extraction.max_pixels, release.extraction.max_features)


async def test_another_release_is_not_found(
    running: Any, refused: Callable[[Awaitable[object]], Awaitable[Any]]
) -> None:
    refusal = await refused(running.search.GetModel(GetModelRequest(name="models/delf-other")))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert "models/delf-lite2-v1" in refusal.message
    assert refusal.details["ResourceInfo"].resource_name == "models/delf-other"
