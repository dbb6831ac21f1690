"""What an archive of a catalogue holds; docs/server/transfer.md describes it.

Everything that is read is checked: who made an archive is not known.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.server.catalogue import (
    Capture,
    ImageDraft,
    Landmark,
    LandmarkDraft,
    LatLng,
    Quality,
    ReferenceImage,
)

FORMAT: Final = "steeple-catalogue"
VERSION: Final = 1

MANIFEST: Final = "steeple.json"
LANDMARKS: Final = "landmarks.jsonl"
IMAGES: Final = "images.jsonl"

LONGEST_MANIFEST: Final = 1 << 20
LONGEST_LINE: Final = 4 << 20
"""Bytes; the largest landmark that the catalogue takes has fewer, however its characters are escaped."""

LONGEST_FEATURES: Final = 16 << 20
"""Bytes of the features of an image: 46 a feature, of which an extractor makes a few thousand."""

_EXTENSIONS: Final = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/bmp": ".bmp"}

_Count = Annotated[int, Field(ge=0, lt=1 << 62)]
_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Record(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=()
    )

    def line(self) -> bytes:
        """As JSON on a line of its own."""
        return self.model_dump_json().encode("utf-8") + b"\n"

    @classmethod
    def read(cls, data: bytes, where: str) -> Self:
        """The record that some JSON says.

        Args:
            data: JSON, in UTF-8.
            where: It was found, for messages.

        Raises:
            InvalidArgumentError: If it says none.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise InvalidArgumentError(f"{where}: {field + ': ' if field else ''}{first['msg']}") from error


class Place(_Record):
    """A point on the WGS84 ellipsoid, degrees."""

    latitude: float
    longitude: float

    @staticmethod
    def of(location: LatLng | None) -> Place | None:
        """The record of a location."""
        return None if location is None else Place(latitude=location.latitude, longitude=location.longitude)


class Grade(_Record):
    """How good a reference image a photo makes."""

    grade: Annotated[int, Field(ge=0, le=5)]
    reasons: list[str]


class Release(_Record):
    """A model release that features are of."""

    name: str
    tflite_sha256: str


class Manifest(_Record):
    """What an archive is: its member ``steeple.json``."""

    format: str
    format_version: int
    steeple_version: str
    create_time: AwareDatetime
    sequence: _Count
    models: list[Release]
    landmark_count: _Count
    image_count: _Count
    photo_count: _Count
    with_photos: bool


class _Header(BaseModel):
    """What every version of the format begins with."""

    format: str = ""
    format_version: int = 0


class LandmarkRecord(_Record):
    """A line of ``landmarks.jsonl``."""

    id: str
    display_name: str
    description: str
    location: Place | None
    metadata: dict[str, str]
    aliases: dict[str, list[str]]
    labels: list[str]
    active: bool
    create_time: AwareDatetime
    update_time: AwareDatetime

    @staticmethod
    def of(landmark: Landmark) -> LandmarkRecord:
        """The record of a landmark."""
        return LandmarkRecord(
            id=landmark.id,
            display_name=landmark.display_name,
            description=landmark.description,
            location=Place.of(landmark.location),
            metadata=dict(landmark.metadata),
            aliases={language: list(names) for language, names in landmark.aliases.items()},
            labels=list(landmark.labels),
            active=landmark.active,
            create_time=landmark.create_time,
            update_time=landmark.update_time,
        )

    def draft(self) -> LandmarkDraft:
        """What the catalogue takes."""
        return LandmarkDraft(
            display_name=self.display_name,
            description=self.description,
            location=_location(self.location),
            metadata=self.metadata,
            aliases=self.aliases,
            labels=self.labels,
            active=self.active,
        )


class ImageRecord(_Record):
    """A line of ``images.jsonl``."""

    landmark: str
    id: str
    model: str
    width: _Count
    height: _Count
    feature_count: _Count
    sha256: _Sha256 | Annotated[str, Field(max_length=0)]
    size_bytes: _Count
    media_type: str
    metadata: dict[str, str]
    create_time: AwareDatetime
    capture_location: Place | None
    capture_time: str
    quality: Grade | None
    identify_count: _Count
    features: str
    features_sha256: _Sha256
    photo: str

    @property
    def name(self) -> str:
        """``landmarks/{landmark}/images/{id}``."""
        return f"landmarks/{self.landmark}/images/{self.id}"

    @staticmethod
    def of(image: ReferenceImage, features_sha256: str, photo: str) -> ImageRecord:
        """The record of a reference image whose features have that hash, and whose photo is that member, if any."""
        quality = image.quality
        return ImageRecord(
            landmark=image.landmark_id,
            id=image.id,
            model=image.model,
            width=image.width,
            height=image.height,
            feature_count=image.feature_count,
            sha256=image.sha256,
            size_bytes=image.size_bytes,
            media_type=image.media_type,
            metadata=dict(image.metadata),
            create_time=image.create_time,
            capture_location=Place.of(image.capture.location),
            capture_time=image.capture.time,
            quality=None if quality is None else Grade(grade=quality.grade, reasons=list(quality.reasons)),
            identify_count=image.identify_count,
            features=features_member(image),
            features_sha256=features_sha256,
            photo=photo,
        )

    def draft(self, features: FeatureSet, *, with_photo: bool) -> ImageDraft:
        """What the catalogue takes, with or without the photo."""
        return ImageDraft(
            features,
            sha256=self.sha256 if with_photo else "",
            size_bytes=self.size_bytes if with_photo else 0,
            media_type=self.media_type if with_photo else "",
            metadata=self.metadata,
            quality=None if self.quality is None else Quality(self.quality.grade, tuple(self.quality.reasons)),
            capture=Capture(_location(self.capture_location), self.capture_time),
        )


def features_member(image: ReferenceImage) -> str:
    """Name of the member that holds an image's features."""
    return f"features/{image.landmark_id}/{image.id}.pb"


def photo_member(image: ReferenceImage) -> str:
    """Name of the member that holds an image's photo."""
    return f"photos/{image.sha256}{_EXTENSIONS.get(image.media_type, '')}"


def read_manifest(data: bytes) -> Manifest:
    """The manifest of an archive.

    Raises:
        InvalidArgumentError: If it is none.
        FailedPreconditionError: If it is of a newer version.
    """
    try:
        header: Any = _Header.model_validate_json(data)
    except ValidationError as error:
        raise InvalidArgumentError(f"{MANIFEST} is not JSON of an archive of a catalogue") from error
    if header.format != FORMAT:
        raise InvalidArgumentError(f"{MANIFEST} says format {header.format[:80]!r}, not {FORMAT!r}")
    if header.format_version > VERSION:
        raise FailedPreconditionError(
            f"the archive is of version {header.format_version} of the format, and this server knows {VERSION}; import "
            "it with a newer Steeple"
        )
    return Manifest.read(data, MANIFEST)


def _location(place: Place | None) -> LatLng | None:
    return None if place is None else LatLng(place.latitude, place.longitude)
