"""The catalogue through a real socket."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from numpy.typing import NDArray

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.extraction import ExtractorPool
from steeple.v1 import catalog_service_pb2 as messages
from steeple.v1.landmark_pb2 import Landmark, LatLng, ReferenceImage

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]
Start = Callable[..., Any]
Refused = Callable[[Awaitable[object]], Awaitable[Any]]

BIG_BEN = Landmark(
    display_name="Big Ben",
    description="A bell.",
    location=LatLng(latitude=51.5, longitude=-0.12),
    metadata={"city": "London"},
)


async def test_a_landmark_is_created_read_updated_listed_and_deleted(running: Any, refused: Refused) -> None:
    catalog = running.catalog
    created = (await catalog.CreateLandmark(messages.CreateLandmarkRequest(landmark=BIG_BEN))).landmark
    assert created.name == "landmarks/big-ben"
    assert (created.location, created.metadata["city"]) == (BIG_BEN.location, "London")
    update = messages.UpdateLandmarkRequest(
        landmark=Landmark(name=created.name, description="A tower.", etag=created.etag),
        update_mask=FieldMask(paths=["description", "location"]),
    )
    updated = (await catalog.UpdateLandmark(update)).landmark
    assert (updated.display_name, updated.description) == ("Big Ben", "A tower.")
    assert not updated.HasField("location")
    assert updated.etag != created.etag
    assert (await catalog.GetLandmark(messages.GetLandmarkRequest(name=created.name))).landmark == updated
    page = await catalog.ListLandmarks(messages.ListLandmarksRequest())
    assert (list(page.landmarks), page.next_page_token, page.total_size) == ([updated], "", 1)
    refusal = await refused(catalog.UpdateLandmark(update))
    assert (refusal.code, refusal.details["ErrorInfo"].reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    await catalog.DeleteLandmark(messages.DeleteLandmarkRequest(name=created.name, etag=updated.etag))
    kept = (await catalog.GetLandmark(messages.GetLandmarkRequest(name=created.name))).landmark
    assert kept.expire_time.ToSeconds() - kept.delete_time.ToSeconds() == 30 * 24 * 3600
    assert (await catalog.ListLandmarks(messages.ListLandmarksRequest())).total_size == 0
    refusal = await refused(catalog.DeleteLandmark(messages.DeleteLandmarkRequest(name=created.name)))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert refusal.details["ResourceInfo"].resource_name == created.name


async def test_without_a_mask_what_is_set_is_updated(running: Any) -> None:
    await running.catalog.CreateLandmark(messages.CreateLandmarkRequest(landmark=BIG_BEN))
    update = Landmark(name="landmarks/big-ben", display_name="Elizabeth Tower")
    updated = (await running.catalog.UpdateLandmark(messages.UpdateLandmarkRequest(landmark=update))).landmark
    assert (updated.display_name, updated.description) == ("Elizabeth Tower", "A bell.")
    assert (updated.location, dict(updated.metadata)) == (BIG_BEN.location, {"city": "London"})


async def test_lists_come_in_pages(running: Any, make_features: MakeFeatures) -> None:
    for letter in "cab":
        await running.add(letter, make_features(0))
    for image in ("two", "three"):
        await running.add_image("a", make_features(1), image)
    catalog, token, pages = running.catalog, "", list[list[str]]()
    while not pages or token:
        page = await catalog.ListLandmarks(messages.ListLandmarksRequest(page_size=2, page_token=token))
        token = page.next_page_token
        pages.append([landmark.name for landmark in page.landmarks])
        assert page.total_size == 3
    assert pages == [["landmarks/a", "landmarks/b"], ["landmarks/c"]]
    first = await catalog.ListReferenceImages(messages.ListReferenceImagesRequest(parent="landmarks/a", page_size=2))
    assert [image.name.rpartition("/")[2] for image in first.reference_images] == ["one", "three"]
    assert first.total_size == 3
    rest = await catalog.ListReferenceImages(
        messages.ListReferenceImagesRequest(parent="landmarks/a", page_token=first.next_page_token)
    )
    assert [image.name.rpartition("/")[2] for image in rest.reference_images] == ["two"]


async def test_a_photo_comes_back_as_it_went_in(running: Any, make_photo: MakePhoto) -> None:
    photo = make_photo(3)
    await running.catalog.CreateLandmark(messages.CreateLandmarkRequest(landmark=BIG_BEN))
    request = messages.CreateReferenceImageRequest(
        parent="landmarks/big-ben", image=photo, reference_image=ReferenceImage(metadata={"by": "me"})
    )
    image = (await running.catalog.CreateReferenceImage(request)).reference_image
    assert (image.sha256, image.size_bytes) == (hashlib.sha256(photo).hexdigest(), len(photo))
    assert (image.width, image.height, image.media_type) == (320, 240, "image/jpeg")
    assert (image.model, dict(image.metadata)) == ("models/delf-lite2-v1", {"by": "me"})
    assert 0 < image.feature_count <= 4096
    assert (
        await running.catalog.GetReferenceImage(messages.GetReferenceImageRequest(name=image.name))
    ).reference_image == image
    back = await running.catalog.DownloadReferenceImage(messages.DownloadReferenceImageRequest(name=image.name))
    assert (back.image, back.media_type) == (photo, "image/jpeg")


async def test_features_alone_have_no_photo(running: Any, refused: Refused, make_features: MakeFeatures) -> None:
    name = await running.add("big-ben", make_features(0))
    refusal = await refused(running.catalog.DownloadReferenceImage(messages.DownloadReferenceImageRequest(name=name)))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert "only its features were uploaded" in refusal.message


async def test_a_photo_goes_with_its_last_image(start: Start, make_photo: MakePhoto) -> None:
    photo = make_photo(3)
    digest = hashlib.sha256(photo).hexdigest()
    async with start(deleted_retention_days=0) as running:
        first, second = await running.add("a", photo), await running.add("b", photo)
        await running.catalog.DeleteReferenceImage(messages.DeleteReferenceImageRequest(name=first))
        back = await running.catalog.DownloadReferenceImage(messages.DownloadReferenceImageRequest(name=second))
        assert back.image == photo
        assert digest in (await running.state())[3]
        await running.catalog.DeleteLandmark(messages.DeleteLandmarkRequest(name="landmarks/b", force=True))
        assert digest not in (await running.state())[3]


async def test_a_landmark_with_images_goes_only_by_force(
    running: Any, refused: Refused, make_features: MakeFeatures
) -> None:
    await running.add("big-ben", make_features(0))
    before = await running.state()
    refusal = await refused(running.catalog.DeleteLandmark(messages.DeleteLandmarkRequest(name="landmarks/big-ben")))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert await running.state() == before


async def test_a_repeated_request_gets_the_first_answer_and_extracts_nothing(
    running: Any, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    extracted: list[int] = []
    extract = ExtractorPool.extract_from

    def counted(self: ExtractorPool, pixels: NDArray[np.uint8]) -> FeatureSet:
        extracted.append(pixels.shape[0])
        return extract(self, pixels)

    monkeypatch.setattr(ExtractorPool, "extract_from", counted)
    await running.catalog.CreateLandmark(messages.CreateLandmarkRequest(landmark=BIG_BEN))
    request = messages.CreateReferenceImageRequest(
        parent="landmarks/big-ben", image=make_photo(3), request_id=str(uuid.uuid4())
    )
    first = await running.catalog.CreateReferenceImage(request)
    after = await running.state()
    for _ in range(3):
        assert await running.catalog.CreateReferenceImage(request) == first
    assert await running.state() == after
    assert extracted == [240]


async def test_every_mutation_can_be_repeated(running: Any, make_features: MakeFeatures) -> None:
    catalog = running.catalog
    create = messages.CreateLandmarkRequest(landmark=BIG_BEN, request_id=str(uuid.uuid4()))
    landmark = await catalog.CreateLandmark(create)
    assert await catalog.CreateLandmark(create) == landmark
    add = messages.CreateReferenceImageRequest(
        parent="landmarks/big-ben", features=wire.pack(make_features(0)), request_id=str(uuid.uuid4())
    )
    image = await catalog.CreateReferenceImage(add)
    assert await catalog.CreateReferenceImage(add) == image
    update = messages.UpdateLandmarkRequest(
        landmark=Landmark(name="landmarks/big-ben", display_name="B"), request_id=str(uuid.uuid4())
    )
    updated = await catalog.UpdateLandmark(update)
    assert await catalog.UpdateLandmark(update) == updated
    remove = messages.DeleteReferenceImageRequest(name=image.reference_image.name, request_id=str(uuid.uuid4()))
    await catalog.DeleteReferenceImage(remove)
    await catalog.DeleteReferenceImage(remove)
    delete = messages.DeleteLandmarkRequest(name="landmarks/big-ben", force=True, request_id=str(uuid.uuid4()))
    await catalog.DeleteLandmark(delete)
    await catalog.DeleteLandmark(delete)
    assert (await catalog.ListLandmarks(messages.ListLandmarksRequest())).total_size == 0


async def test_a_request_id_stands_for_one_content(running: Any, refused: Refused) -> None:
    request = messages.CreateLandmarkRequest(landmark=BIG_BEN, request_id=str(uuid.uuid4()))
    await running.catalog.CreateLandmark(request)
    request.landmark.display_name = "Other"
    refusal = await refused(running.catalog.CreateLandmark(request))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.details["BadRequest"].field_violations[0].field == "request_id"
