"""Landmarks and reference images as the API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from google.protobuf import timestamp_pb2

from steeple.errors import InvalidArgumentError
from steeple.server.access import MonthlyUsage
from steeple.server.api.names import image_name, landmark_name, model_name
from steeple.server.api.status import FIELD
from steeple.server.catalogue import Duplicate, DuplicateKind, Landmark, LatLng, ReferenceImage
from steeple.server.duplicates import DuplicatePolicy
from steeple.v1 import catalog_service_pb2, key_service_pb2, landmark_pb2

_KINDS: Final = {
    DuplicateKind.SAME_PHOTO: catalog_service_pb2.Duplicate.KIND_SAME_PHOTO,
    DuplicateKind.NEAR_DUPLICATE: catalog_service_pb2.Duplicate.KIND_NEAR_DUPLICATE,
    DuplicateKind.OTHER_LANDMARK: catalog_service_pb2.Duplicate.KIND_OTHER_LANDMARK,
}
_POLICIES: Final[dict[int, DuplicatePolicy]] = {
    catalog_service_pb2.DUPLICATE_POLICY_REPORT: DuplicatePolicy.REPORT,
    catalog_service_pb2.DUPLICATE_POLICY_REFUSE: DuplicatePolicy.REFUSE,
    catalog_service_pb2.DUPLICATE_POLICY_NONE: DuplicatePolicy.NONE,
}


def landmark_message(landmark: Landmark) -> landmark_pb2.Landmark:
    """A landmark as the API shows it."""
    message = landmark_pb2.Landmark(
        name=landmark_name(landmark.id),
        display_name=landmark.display_name,
        description=landmark.description,
        metadata=dict(landmark.metadata),
        reference_image_count=landmark.reference_image_count,
        create_time=timestamp(landmark.create_time),
        update_time=timestamp(landmark.update_time),
        etag=landmark.etag,
        aliases={
            language: landmark_pb2.AliasNames(names=names) for language, names in sorted(landmark.aliases.items())
        },
        labels=landmark.labels,
        active=landmark.active,
        delete_time=timestamp(landmark.delete_time),
        expire_time=timestamp(landmark.expire_time),
    )
    place_message(landmark.location, message.location)
    return message


def image_message(image: ReferenceImage) -> landmark_pb2.ReferenceImage:
    """A reference image as the API shows it."""
    message = landmark_pb2.ReferenceImage(
        name=image_name(image.landmark_id, image.id),
        model=model_name(image.model),
        width=image.width,
        height=image.height,
        feature_count=image.feature_count,
        sha256=image.sha256,
        size_bytes=image.size_bytes,
        media_type=image.media_type,
        metadata=dict(image.metadata),
        create_time=timestamp(image.create_time),
        etag=image.etag,
        state=landmark_pb2.ReferenceImage.STATE_ACTIVE,
        capture_time=image.capture.time,
        identify_count=image.identify_count,
        delete_time=timestamp(image.delete_time),
        expire_time=timestamp(image.expire_time),
    )
    place_message(image.capture.location, message.capture_location)
    if image.quality is not None:
        message.quality.SetInParent()  # also where the grade is 0
        message.quality.grade = image.quality.grade
        message.quality.reasons.extend(image.quality.reasons)
    return message


def duplicate_message(duplicate: Duplicate) -> catalog_service_pb2.Duplicate:
    """A duplicate as the API shows it."""
    return catalog_service_pb2.Duplicate(
        reference_image=image_name(duplicate.landmark_id, duplicate.image_id),
        kind=_KINDS[duplicate.kind],
        inliers=duplicate.inliers,
    )


def read_duplicate_policy(policy: int, unspecified: DuplicatePolicy = DuplicatePolicy.REPORT) -> DuplicatePolicy:
    """What becomes of an image that has duplicates.

    Args:
        policy: Of the message.
        unspecified: If it says nothing.

    Raises:
        InvalidArgumentError: If it is not one of those that there are.
    """
    if policy == catalog_service_pb2.DUPLICATE_POLICY_UNSPECIFIED:
        return unspecified
    if policy not in _POLICIES:
        raise InvalidArgumentError(
            f"duplicate_policy must be one of {', '.join(catalog_service_pb2.DuplicatePolicy.keys())}, not {policy}",
            **{FIELD: "duplicate_policy"},
        )
    return _POLICIES[policy]


def place_message(location: LatLng | None, message: landmark_pb2.LatLng) -> None:
    """Sets ``message`` to a place; None leaves it unset."""
    if location is not None:
        # Set even where both are 0: a place in the Gulf of Guinea is not "nowhere".
        message.SetInParent()
        message.latitude = location.latitude
        message.longitude = location.longitude


def timestamp(time: datetime | None) -> timestamp_pb2.Timestamp | None:
    """The message of a time; None for None."""
    if time is None:
        return None
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(time)
    return message


def read_time(message: timestamp_pb2.Timestamp, field: str) -> datetime:
    """The time in the request's ``field``.

    Raises:
        InvalidArgumentError: If it is none between the years 1 and 9999.
    """
    try:
        return message.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"{field} is not a time: {error}", **{FIELD: field}) from error


def usage_message(of: MonthlyUsage) -> key_service_pb2.MonthlyUsage:
    """The usage of a month as the API shows it."""
    return key_service_pb2.MonthlyUsage(month=of.month, identified_count=of.identified, unknown_count=of.unknown)
