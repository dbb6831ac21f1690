"""Fields, filters, undeletion, duplicates and batches through a real socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

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


async def test_what_is_said_of_an_image_is_changed_and_its_features_are_not(
    running: Any, refused: Refused, make_features: MakeFeatures
) -> None:
    catalog = running.catalog
    name = await running.add("a", make_features(1))
    before = (await catalog.GetReferenceImage(messages.GetReferenceImageRequest(name=name))).reference_image
    changed = ReferenceImage(name=name, metadata={"by": "Ada"}, capture_time="2024-05-01T12:30:00+02:00")
    changed.capture_location.latitude = 51.5
    request = messages.UpdateReferenceImageRequest(reference_image=changed, request_id=str(uuid4()))
    after = (await catalog.UpdateReferenceImage(request)).reference_image
    assert (dict(after.metadata), after.capture_time) == ({"by": "Ada"}, "2024-05-01T12:30:00+02:00")
    assert (after.capture_location.latitude, after.capture_location.longitude) == (51.5, 0.0)
    assert after.etag != before.etag
    assert after.feature_count == before.feature_count
    assert (await catalog.UpdateReferenceImage(request)).reference_image == after  # a repeat
    assert (await running.ask(make_features(1))).candidates[0].reference_image == name
    emptied = messages.UpdateReferenceImageRequest(
        reference_image=ReferenceImage(name=name, etag=after.etag),
        update_mask=FieldMask(paths=["capture_location", "capture_time"]),
    )
    after = (await catalog.UpdateReferenceImage(emptied)).reference_image
    assert (after.HasField("capture_location"), after.capture_time, dict(after.metadata)) == (False, "", {"by": "Ada"})
    refusal = await refused(catalog.UpdateReferenceImage(emptied))  # the etag is of the revision before
    assert refusal.code is grpc.StatusCode.ABORTED
    await catalog.DeleteReferenceImage(messages.DeleteReferenceImageRequest(name=name))
    emptied.reference_image.etag = ""
    refusal = await refused(catalog.UpdateReferenceImage(emptied))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION


async def test_wrong_changes_of_an_image_name_the_field(
    running: Any, refused: Refused, make_features: MakeFeatures
) -> None:
    name = await running.add("a", make_features(1))
    south = ReferenceImage(name=name)
    south.capture_location.latitude = -91
    wrong = {
        "reference_image.capture_time": ReferenceImage(name=name, capture_time="yesterday"),
        "reference_image.capture_location.latitude": south,
        "reference_image.metadata": ReferenceImage(name=name, metadata={"": "x"}),
        "reference_image.name": ReferenceImage(name="landmarks/a"),
        "update_mask": ReferenceImage(name=name),
    }
    for field, image in wrong.items():
        request = messages.UpdateReferenceImageRequest(reference_image=image)
        refusal = await refused(running.catalog.UpdateReferenceImage(request))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in refusal.details["BadRequest"].field_violations] == [field]
