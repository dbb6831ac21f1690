"""What cannot be served is refused with the reason, changes nothing, and the server stays up."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import cv2
import grpc
import numpy as np
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.v1 import catalog_service_pb2 as messages
from steeple.v1.features_pb2 import FeatureSet as FeatureSetMessage
from steeple.v1.landmark_pb2 import Landmark, LatLng, ReferenceImage
from steeple.v1.visual_search_service_pb2 import IdentifyRequest, ListModelsRequest, Query

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]
Refused = Callable[[Awaitable[object]], Awaitable[Any]]


def bomb() -> bytes:
    """A PNG of 60 kB that would be 3.6 GB in memory: 30000 by 40000 black pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 40_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", bytes(60_000)) + chunk(b"IEND", b"")


def malformed(good: FeatureSetMessage, **changes: Any) -> FeatureSetMessage:
    message = FeatureSetMessage()
    message.CopyFrom(good)
    for field, value in changes.items():
        setattr(message, field, value)
    return message


@pytest.fixture
def bad_features(make_features: MakeFeatures) -> dict[str, FeatureSetMessage]:
    good = wire.pack(make_features(0, count=10))
    return {
        "no features": wire.pack(make_features(0, count=0)),
        "descriptors too short": malformed(good, descriptors=good.descriptors[:-1]),
        "geometry too short": malformed(good, geometry=good.geometry[:-1]),
        "one descriptor too few": malformed(good, descriptors=good.descriptors[:-40]),
        "max_score is NaN": malformed(good, max_score=float("nan")),
        "max_score is infinite": malformed(good, max_score=float("inf")),
        "max_score is negative": malformed(good, max_score=-1.0),
        "no width": malformed(good, image_width=0),
        "too high": malformed(good, image_height=65_536),
        "no model": malformed(good, model=""),
        "too many": malformed(good, descriptors=bytes(4097 * 40), geometry=bytes(4097 * 6)),
    }


@pytest.fixture
def bad_photos(make_photo: MakePhoto) -> dict[str, bytes]:
    blank = cv2.imencode(".png", np.full((16, 16, 3), 128, np.uint8))[1].tobytes()
    return {
        "nothing": b"",
        "text": b"This is not a photograph. " * 100,
        "truncated JPEG": make_photo(0)[:-1000],
        "truncated PNG": make_photo(0, suffix=".png")[:-1000],
        "header only": make_photo(0)[:12],
        "bomb": bomb(),
        "too small": blank,
    }


BAD_FEATURES = {
    "no features": "no features",
    "descriptors too short": "multiple of 40 bytes",
    "geometry too short": "6 bytes for each of the 10 descriptors",
    "one descriptor too few": "6 bytes for each of the 9 descriptors",
    "max_score is NaN": "max_score must be a finite number",
    "max_score is infinite": "max_score must be a finite number",
    "max_score is negative": "max_score must be a finite number of at least 0",
    "no width": "1 to 65535 pixels a side",
    "too high": "1 to 65535 pixels a side",
    "no model": "models/{model}",
    "too many": "at most 4096 features",
}
FEATURE_FIELDS = {
    "no features": "",
    "descriptors too short": ".descriptors",
    "geometry too short": ".geometry",
    "one descriptor too few": ".geometry",
    "max_score is NaN": ".max_score",
    "max_score is infinite": ".max_score",
    "max_score is negative": ".max_score",
    "no width": ".image_width",
    "too high": ".image_height",
    "no model": ".model",
    "too many": ".descriptors",
}
BAD_PHOTOS = {
    "nothing": "empty",
    "text": "not an image of a known format",
    "truncated JPEG": "truncated",
    "truncated PNG": "truncated",
    "header only": "truncated",
    "bomb": "30000x40000",
    "too small": "",
}


@pytest.mark.parametrize("case", BAD_FEATURES)
async def test_bad_features(
    running: Any, refused: Refused, bad_features: dict[str, FeatureSetMessage], case: str
) -> None:
    await running.catalog.CreateLandmark(messages.CreateLandmarkRequest(landmark=Landmark(display_name="A")))
    before, features = await running.state(), bad_features[case]
    query = await refused(running.search.Identify(IdentifyRequest(query=Query(features=features))))
    create = await refused(
        running.catalog.CreateReferenceImage(
            messages.CreateReferenceImageRequest(parent="landmarks/a", features=features)
        )
    )
    for refusal, field in ((query, "query.features"), (create, "features")):
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert BAD_FEATURES[case] in refusal.message
        assert refusal.details["ErrorInfo"].reason == "FEATURE_SET_INVALID"
        (violation,) = refusal.details["BadRequest"].field_violations
        assert violation.field == f"{field}{FEATURE_FIELDS[case]}"
    assert await running.state() == before


@pytest.mark.parametrize("case", BAD_PHOTOS)
async def test_bad_photos(running: Any, refused: Refused, bad_photos: dict[str, bytes], case: str) -> None:
    await running.catalog.CreateLandmark(messages.CreateLandmarkRequest(landmark=Landmark(display_name="A")))
    before, photo = await running.state(), bad_photos[case]
    query = await refused(running.search.Identify(IdentifyRequest(query=Query(image=photo))))
    create = await refused(
        running.catalog.CreateReferenceImage(messages.CreateReferenceImageRequest(parent="landmarks/a", image=photo))
    )
    for refusal, field in ((query, "query.image"), (create, "image")):
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert BAD_PHOTOS[case] in refusal.message
        assert refusal.details["ErrorInfo"].reason == "IMAGE_INVALID"
        assert refusal.details["BadRequest"].field_violations[0].field == field
    assert await running.state() == before


async def test_features_of_a_release_that_is_not_served(
    running: Any, refused: Refused, make_features: MakeFeatures
) -> None:
    await running.add("big-ben", make_features(0))
    before, foreign = await running.state(), make_features(1, model="delf-other")
    for call in (running.ask(foreign), running.add_image("big-ben", foreign, "two")):
        refusal = await refused(call)
        assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
        assert "models/delf-other" in refusal.message
        assert "models/delf-lite2-v1" in refusal.message
        info = refusal.details["ErrorInfo"]
        assert (info.reason, info.metadata["served"]) == ("MODEL_MISMATCH", "models/delf-lite2-v1")
    assert await running.state() == before


async def test_unknown_landmarks_and_taken_ids(
    running: Any, refused: Refused, make_features: MakeFeatures, make_photo: MakePhoto
) -> None:
    name = await running.add("big-ben", make_features(0))
    before = await running.state()
    for source in (make_photo(0), make_features(1)):
        refusal = await refused(running.add_image("nowhere", source, "one"))
        assert refusal.code is grpc.StatusCode.NOT_FOUND
        assert refusal.details["ResourceInfo"].resource_name == "landmarks/nowhere"
        refusal = await refused(running.add_image("big-ben", source, "one"))
        assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
        assert refusal.details["ResourceInfo"].resource_name == name
    refusal = await refused(running.add("big-ben", make_features(1)))
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    assert await running.state() == before


@pytest.mark.parametrize(
    ("method", "request_message", "field"),
    [
        ("GetLandmark", messages.GetLandmarkRequest(name="big-ben"), "name"),
        ("GetReferenceImage", messages.GetReferenceImageRequest(name="landmarks/a"), "name"),
        ("DeleteReferenceImage", messages.DeleteReferenceImageRequest(name="landmarks/a/images/B"), "name"),
        ("DownloadReferenceImage", messages.DownloadReferenceImageRequest(), "name"),
        ("ListReferenceImages", messages.ListReferenceImagesRequest(parent="landmarks/-"), "parent"),
        ("ListLandmarks", messages.ListLandmarksRequest(page_size=-1), "page_size"),
        ("ListLandmarks", messages.ListLandmarksRequest(page_token="next"), "page_token"),  # noqa: S106
        ("CreateLandmark", messages.CreateLandmarkRequest(), "landmark.display_name"),
        (
            "CreateLandmark",
            messages.CreateLandmarkRequest(landmark=Landmark(display_name="A"), landmark_id="A"),
            "landmark_id",
        ),
        (
            "CreateLandmark",
            messages.CreateLandmarkRequest(landmark=Landmark(display_name="A", location=LatLng(latitude=91))),
            "landmark.location.latitude",
        ),
        (
            "CreateLandmark",
            messages.CreateLandmarkRequest(landmark=Landmark(display_name="A"), request_id="1"),
            "request_id",
        ),
        ("UpdateLandmark", messages.UpdateLandmarkRequest(landmark=Landmark(display_name="A")), "landmark.name"),
        ("UpdateLandmark", messages.UpdateLandmarkRequest(landmark=Landmark(name="landmarks/a")), "update_mask"),
        ("CreateReferenceImage", messages.CreateReferenceImageRequest(parent="landmarks/a"), "source"),
        ("CreateReferenceImage", messages.CreateReferenceImageRequest(image=b"x"), "parent"),
        (
            "CreateReferenceImage",
            messages.CreateReferenceImageRequest(parent="landmarks/a", reference_image_id="A b", image=b"x"),
            "reference_image_id",
        ),
    ],
)
async def test_the_field_that_is_wrong_is_named(
    running: Any, refused: Refused, method: str, request_message: object, field: str
) -> None:
    refusal = await refused(getattr(running.catalog, method)(request_message))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.details["BadRequest"].field_violations[0].field == field


async def test_metadata_of_a_reference_image_is_checked_before_anything_is_stored(
    running: Any, refused: Refused, make_photo: MakePhoto
) -> None:
    await running.add("a", make_photo(0))
    before = await running.state()
    request = messages.CreateReferenceImageRequest(
        parent="landmarks/a", image=make_photo(1), reference_image=ReferenceImage(metadata={"k" * 65: "v"})
    )
    refusal = await refused(running.catalog.CreateReferenceImage(request))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.details["BadRequest"].field_violations[0].field == "reference_image.metadata"
    assert await running.state() == before


async def test_a_message_over_the_limit(start: Any, refused: Refused, make_features: MakeFeatures) -> None:
    async with start(max_message_bytes=100_000) as running:
        await running.add("big-ben", make_features(0))
        before = await running.state()
        for call in (running.ask(bytes(100_000)), running.add_image("big-ben", bytes(100_000), "two")):
            refusal = await refused(call)
            assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "larger than max" in refusal.message
        assert await running.state() == before


async def test_bytes_that_are_no_message(running: Any, refused: Refused) -> None:
    for method in ("VisualSearchService/Identify", "CatalogService/CreateLandmark"):
        refusal = await refused(running.channel.unary_unary(f"/steeple.v1.{method}")(b"\xff\xff"))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert "not the Protocol Buffers message" in refusal.message
    call = running.channel.stream_stream("/steeple.v1.VisualSearchService/IdentifyStream")(iter([b"\xff\xff"]))
    assert (await refused(call.read())).code is grpc.StatusCode.INVALID_ARGUMENT
    await running.search.ListModels(ListModelsRequest())


async def test_bytes_that_are_no_message_of_anothers_service(running: Any, refused: Refused) -> None:
    refusal = await refused(running.channel.unary_unary("/grpc.health.v1.Health/Check")(b"\xff\xff"))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    watch = running.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"\xff\xff")
    assert (await refused(watch.read())).code is grpc.StatusCode.INVALID_ARGUMENT
    reflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    call = running.channel.stream_stream(reflection)(iter([b"\xff\xff"]))
    assert (await refused(call.read())).code is grpc.StatusCode.INVALID_ARGUMENT
    assert await running.channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\x08\x01"


async def test_a_method_that_there_is_not(running: Any, refused: Refused) -> None:
    refusal = await refused(running.channel.unary_unary("/steeple.v1.VisualSearchService/Guess")(b""))
    assert refusal.code is grpc.StatusCode.UNIMPLEMENTED
