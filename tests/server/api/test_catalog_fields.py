"""Fields, filters, undeletion, duplicates and batches through a real socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from steeple.delf.features import FeatureSet
from steeple.delf.image import read_image
from steeple.v1 import catalog_service_pb2 as messages
from steeple.v1.landmark_pb2 import AliasNames, Landmark, ReferenceImage

MakeFeatures = Callable[..., FeatureSet]
MakePhoto = Callable[..., bytes]
Refused = Callable[[Awaitable[object]], Awaitable[Any]]
TOWER = Landmark(display_name="Tour", aliases={"de": AliasNames(names=["Turm"])}, labels=["tower"], active=False)


async def test_new_fields_go_in_and_come_out(running: Any, make_features: MakeFeatures) -> None:
    catalog = running.catalog
    request = messages.CreateLandmarkRequest(landmark=TOWER, landmark_id="t")
    landmark = (await catalog.CreateLandmark(request)).landmark
    assert (landmark.aliases["de"].names, landmark.labels, landmark.active) == (["Turm"], ["tower"], False)
    await running.add_image("t", make_features(1), "one")
    assert len((await running.ask(make_features(1))).candidates) == 0
    update = messages.UpdateLandmarkRequest(
        landmark=Landmark(name="landmarks/t", active=True), update_mask=FieldMask(paths=["active", "labels"])
    )
    updated = (await catalog.UpdateLandmark(update)).landmark
    assert (updated.active, updated.labels, updated.aliases["de"].names) == (True, [], ["Turm"])
    assert (await running.ask(make_features(1))).candidates[0].landmark.name == "landmarks/t"
    plain = (await catalog.CreateLandmark(messages.CreateLandmarkRequest(landmark=Landmark(display_name="P")))).landmark
    assert plain.active


async def test_wrong_filters_and_tokens_are_invalid_arguments(running: Any, refused: Refused) -> None:
    catalog = running.catalog
    for field in ("filter", "order_by", "page_token"):
        request = messages.ListLandmarksRequest()
        setattr(request, field, "= (")
        refusal = await refused(catalog.ListLandmarks(request))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.details["BadRequest"].field_violations[0].field == field


async def test_a_photo_tells_its_quality_and_its_duplicates(
    running: Any, refused: Refused, make_photo: MakePhoto
) -> None:
    catalog, photo = running.catalog, make_photo(3)
    name = await running.add("a", photo)
    image = (await catalog.GetReferenceImage(messages.GetReferenceImageRequest(name=name))).reference_image
    assert image.state == ReferenceImage.STATE_ACTIVE
    assert 0 <= image.quality.grade <= 5
    assert (len(image.quality.reasons) > 0) == (image.quality.grade < 5)
    assert not image.HasField("capture_location")
    thumbnail = await catalog.GetReferenceImageThumbnail(messages.GetReferenceImageThumbnailRequest(name=name))
    assert read_image(thumbnail.image).shape == (192, 256, 3)
    again = messages.CreateReferenceImageRequest(parent="landmarks/a", image=photo)
    (duplicate,) = (await catalog.CreateReferenceImage(again)).duplicates
    assert (duplicate.reference_image, duplicate.kind) == (name, messages.Duplicate.KIND_SAME_PHOTO)
    again.duplicate_policy = messages.DUPLICATE_POLICY_REFUSE
    refusal = await refused(catalog.CreateReferenceImage(again))
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    assert refusal.details["ResourceInfo"].resource_name == name
    again.MergeFromString(b"\x38\x4d")  # duplicate_policy = 77
    refusal = await refused(catalog.CreateReferenceImage(again))
    assert refusal.details["BadRequest"].field_violations[0].field == "duplicate_policy"


async def test_batches_and_undeletion(running: Any, refused: Refused, make_features: MakeFeatures) -> None:
    catalog = running.catalog
    ids = ("a", "b")
    batch = messages.BatchCreateLandmarksRequest(
        requests=[messages.CreateLandmarkRequest(landmark=Landmark(display_name=one), landmark_id=one) for one in ids]
    )
    created = (await catalog.BatchCreateLandmarks(batch)).landmarks
    assert [landmark.name for landmark in created] == ["landmarks/a", "landmarks/b"]
    refusal = await refused(catalog.BatchCreateLandmarks(batch))
    assert (refusal.code, refusal.message[:12]) == (grpc.StatusCode.ALREADY_EXISTS, "requests[0]:")
    names = [await running.add_image(one, make_features(number), "one") for number, one in enumerate(ids)]
    await catalog.BatchDeleteReferenceImages(messages.BatchDeleteReferenceImagesRequest(names=names))
    assert len((await running.ask(make_features(0))).candidates) == 0
    back = await catalog.UndeleteReferenceImage(messages.UndeleteReferenceImageRequest(name=names[0]))
    assert back.reference_image.name == names[0]
    assert (await running.ask(make_features(0))).candidates[0].reference_image == names[0]
    await catalog.DeleteLandmark(messages.DeleteLandmarkRequest(name="landmarks/a", force=True))
    listed = await catalog.ListLandmarks(messages.ListLandmarksRequest(show_deleted=True))
    assert [landmark.HasField("delete_time") for landmark in listed.landmarks] == [True, False]
    undeleted = await catalog.UndeleteLandmark(messages.UndeleteLandmarkRequest(name="landmarks/a"))
    assert not undeleted.landmark.HasField("delete_time")
    refusal = await refused(catalog.UndeleteLandmark(messages.UndeleteLandmarkRequest(name="landmarks/a")))
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
