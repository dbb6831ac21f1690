"""The manifest of an archive of a catalogue, and its lines about landmarks and reference images."""

from __future__ import annotations

from datetime import UTC, datetime

from steeple.errors import FailedPreconditionError, FeatureSetError, InvalidArgumentError
from steeple.server.catalogue import limits
from steeple.server.transfer.format import (
    FORMAT,
    VERSION,
    Grade,
    ImageRecord,
    LandmarkRecord,
    Manifest,
    Place,
    Release,
    read_manifest,
)
from tests.fuzz.catalogue import features

_TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_SUM = "ab" * 32


def seeds() -> list[bytes]:
    """One of each, with every field."""
    manifest = Manifest(
        format=FORMAT,
        format_version=VERSION,
        steeple_version="1.0",
        create_time=_TIME,
        sequence=7,
        models=[Release(name="delf-lite2-v1", tflite_sha256=_SUM)],
        landmark_count=1,
        image_count=1,
        photo_count=1,
        with_photos=True,
    )
    landmark = LandmarkRecord(
        id="tower",
        display_name="Tower",
        description="It stands.",
        location=Place(latitude=48.8, longitude=2.3),
        metadata={"wikidata": "Q243"},
        aliases={"fr": ["Tour"], "zh-Hant": ["塔"]},
        labels=["tower"],
        active=True,
        create_time=_TIME,
        update_time=_TIME,
    )
    image = ImageRecord(
        landmark="tower",
        id="one",
        model="delf-lite2-v1",
        width=640,
        height=480,
        feature_count=3,
        sha256=_SUM,
        size_bytes=1000,
        media_type="image/jpeg",
        metadata={"photographer": "Ada"},
        create_time=_TIME,
        capture_location=Place(latitude=1, longitude=2),
        capture_time="2024-05-01T12:30:00",
        quality=Grade(grade=3, reasons=["blurred"]),
        identify_count=9,
        features="features/tower/one.pb",
        features_sha256=_SUM,
        photo=f"photos/{_SUM}.jpg",
    )
    nasty = b'{"id":"tower","display_name":"\\ud800","description":"\\u0000","location":{"latitude":1e999}}'
    return [*(record.line() for record in (manifest, landmark, image)), nasty, b"[" * 900]


def check(data: bytes) -> None:
    """As each of the three it is refused, or it is what the catalogue takes, and survives another journey."""
    for line in data.splitlines()[:3]:
        _check_manifest(line)
        _check_landmark(line)
        _check_image(line)


def _check_manifest(line: bytes) -> None:
    try:
        manifest = read_manifest(line)
    except (InvalidArgumentError, FailedPreconditionError):
        return
    assert read_manifest(manifest.line()) == manifest


def _check_landmark(line: bytes) -> None:
    try:
        record = LandmarkRecord.read(line, "line 1")
        draft = limits.checked_landmark_draft(record.draft())
    except InvalidArgumentError as error:
        assert error.message  # noqa: PT017 - the other outcome is as good
        return
    assert LandmarkRecord.read(record.line(), "again") == record
    assert draft.display_name.encode()
    assert draft.location is None or abs(draft.location.latitude) <= 90


def _check_image(line: bytes) -> None:
    try:
        record = ImageRecord.read(line, "line 1")
        limits.check_image_draft(record.draft(features(1), with_photo=True))
    except (InvalidArgumentError, FeatureSetError):
        return
    assert ImageRecord.read(record.line(), "again") == record
