"""Queries through a real socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.v1.catalog_service_pb2 import CreateLandmarkRequest, DeleteLandmarkRequest, DeleteReferenceImageRequest
from steeple.v1.landmark_pb2 import Landmark, LatLng
from steeple.v1.visual_search_service_pb2 import (
    OUTCOME_IDENTIFIED,
    OUTCOME_UNKNOWN,
    Answer,
    GetModelRequest,
    IdentifyRequest,
    ListModelsRequest,
    Query,
    Restriction,
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


async def test_a_search_may_be_limited_to_places_and_metadata(running: Any, make_features: MakeFeatures) -> None:
    """What is left out takes no place in the answer, and the same photo elsewhere is found."""
    places = {"tower": (48.8584, 2.2945), "copy": (36.1125, -115.1707), "anywhere": None}
    for name, place in places.items():
        landmark = Landmark(display_name=name, metadata={"kind": "copy" if name == "copy" else "original"})
        if place:
            landmark.location.latitude, landmark.location.longitude = place
        await running.catalog.CreateLandmark(CreateLandmarkRequest(landmark=landmark, landmark_id=name))
        await running.add_image(name, make_features(1 if name != "anywhere" else 2), "one")

    async def ask(number: int, restriction: Restriction) -> list[str]:
        query = Query(features=wire.pack(make_features(number)), restriction=restriction)
        answer = (await running.search.Identify(IdentifyRequest(query=query))).answer
        names = [candidate.landmark.name.removeprefix("landmarks/") for candidate in answer.candidates]
        return names[:1] if answer.outcome == OUTCOME_IDENTIFIED else []

    paris, vegas = LatLng(latitude=48.86, longitude=2.29), LatLng(latitude=36.11, longitude=-115.17)
    assert await ask(1, Restriction(near=paris, radius_meters=2000)) == ["tower"]
    assert await ask(1, Restriction(near=vegas, radius_meters=2000)) == ["copy"]
    assert await ask(1, Restriction(near=LatLng(latitude=0, longitude=0), radius_meters=2000)) == []
    assert await ask(2, Restriction(near=vegas, radius_meters=2000)) == ["anywhere"]
    assert await ask(1, Restriction(metadata={"kind": "copy"})) == ["copy"]
    assert await ask(1, Restriction(metadata={"kind": "none"})) == []
    assert await ask(2, Restriction()) == ["anywhere"]


@pytest.mark.parametrize(
    ("restriction", "field"),
    [
        (Restriction(near=LatLng(latitude=1, longitude=1)), "query.restriction.radius_meters"),
        (Restriction(near=LatLng(latitude=91), radius_meters=5), "query.restriction.near.latitude"),
        (Restriction(radius_meters=5), "query.restriction.near"),
        (Restriction(metadata={"": "x"}), "query.restriction.metadata"),
    ],
)
async def test_a_restriction_that_makes_no_sense_is_refused(
    running: Any, refused: Any, make_features: MakeFeatures, restriction: Restriction, field: str
) -> None:
    query = Query(features=wire.pack(make_features(1)), restriction=restriction)
    refusal = await refused(running.search.Identify(IdentifyRequest(query=query)))
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in refusal.details["BadRequest"].field_violations] == [field]
