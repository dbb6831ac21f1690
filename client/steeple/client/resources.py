"""What the catalogue holds, as the SDK shows it: landmarks, reference images and their parts."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from steeple.client.usage import LandmarkUsage


class Unset(enum.Enum):
    """The type of :data:`UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""Says "leave as it is" where ``None`` says "remove"."""


@dataclass(frozen=True)
class LatLng:
    """A point on the WGS84 ellipsoid.

    Attributes:
        latitude: Degrees, -90 to 90.
        longitude: Degrees, -180 to 180.
    """

    latitude: float
    longitude: float

    def to_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"latitude": self.latitude, "longitude": self.longitude}


@dataclass(frozen=True)
class Landmark:
    """An identity that can be returned.

    Attributes:
        name: ``landmarks/{id}``.
        display_name: What people call it.
        description: A sentence or two for the person who asked.
        location: Where it stands; None when it stands nowhere.
        metadata: The application's own data.
        reference_image_count: Number of its reference images.
        create_time: UTC.
        update_time: UTC.
        etag: Changes with every update.
        aliases: Other names by BCP-47 language tag.
        labels: Lower-case words, for filters.
        active: Whether searches find it.
        delete_time: UTC; since when it is deleted. None unless it is.
        expire_time: UTC; when it goes for good. None unless it is deleted.
        usage: Answers that identified it, by month, the latest first, at most twelve; only what ``get_landmark``
            returns has them.
    """

    name: str
    display_name: str
    description: str = ""
    location: LatLng | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    reference_image_count: int = 0
    create_time: datetime | None = None
    update_time: datetime | None = None
    etag: str = ""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    labels: tuple[str, ...] = ()
    active: bool = True
    delete_time: datetime | None = None
    expire_time: datetime | None = None
    usage: tuple[LandmarkUsage, ...] = ()

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return last_part(self.name)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "id": self.id,
            "display_name": self.display_name,
            "description": self.description,
            "location": None if self.location is None else self.location.to_dict(),
            "metadata": dict(self.metadata),
            "reference_image_count": self.reference_image_count,
            "create_time": _iso(self.create_time),
            "update_time": _iso(self.update_time),
            "etag": self.etag,
            "aliases": {language: list(names) for language, names in self.aliases.items()},
            "labels": list(self.labels),
            "active": self.active,
            "delete_time": _iso(self.delete_time),
            "expire_time": _iso(self.expire_time),
            # Only where it is told: an answer is no place to say that there is none.
            **({"usage": [month.to_dict() for month in self.usage]} if self.usage else {}),
        }


class ImageState(enum.Enum):
    """Whether a reference image is searchable yet."""

    PROCESSING = "processing"
    ACTIVE = "active"
    FAILED = "failed"
    OTHER = "other"
    """One that this version of the SDK does not know."""


@dataclass(frozen=True)
class Quality:
    """How good a reference image a photo makes.

    Attributes:
        grade: 0 (hardly ever found) to 5 (nothing to complain about).
        reasons: What keeps it from 5, in words, the worst first.
    """

    grade: int
    reasons: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"grade": self.grade, "reasons": list(self.reasons)}


class DuplicateKind(enum.Enum):
    """What a reference image has to do with a new one."""

    SAME_PHOTO = "same photo"
    NEAR_DUPLICATE = "near-duplicate"
    OTHER_LANDMARK = "other landmark"
    OTHER = "other"
    """One that this version of the SDK does not know."""


@dataclass(frozen=True)
class Duplicate:
    """A reference image that a new one repeats or contradicts.

    Attributes:
        reference_image: ``landmarks/{landmark}/images/{id}``.
        kind: The same file; the same photo encoded anew, resized or cropped; or one of another landmark, which the new
            photo would be identified as.
        inliers: Features that agree on one geometry; 0 for the same file.
    """

    reference_image: str
    kind: DuplicateKind
    inliers: int = 0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"reference_image": self.reference_image, "kind": self.kind.value, "inliers": self.inliers}


@dataclass(frozen=True)
class ReferenceImage:
    """A photo of a landmark in the catalogue.

    Attributes:
        name: ``landmarks/{landmark}/images/{id}``.
        model: ``models/{model}``: the release whose features are searched.
        width: Pixels.
        height: Pixels.
        feature_count: Number of its local features in the index.
        sha256: Of the photo's bytes, hex; empty when only features were sent.
        size_bytes: Of the photo; 0 when only features were sent.
        media_type: ``image/jpeg`` and the like; empty without a photo.
        metadata: The application's own data.
        create_time: UTC.
        etag: Changes with every update.
        state: Whether it is searchable yet.
        state_reason: Why it failed; empty otherwise.
        capture_location: Where the photo was taken; None if it does not say.
        capture_time: When, by the camera's clock: ISO 8601, with an offset if the photo states one; empty if it does
            not say.
        quality: How good a reference image it makes; None if it was not graded.
        identify_count: Answers that identified its landmark and that it supported best.
        delete_time: UTC; since when it is deleted. None unless it is.
        expire_time: UTC; when it goes for good. None unless it is deleted.
        duplicates: Images that it repeats or contradicts, as found when it was added; only what
            ``add_reference_image`` returns has them.
    """

    name: str
    model: str = ""
    width: int = 0
    height: int = 0
    feature_count: int = 0
    sha256: str = ""
    size_bytes: int = 0
    media_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    create_time: datetime | None = None
    etag: str = ""
    state: ImageState = ImageState.ACTIVE
    state_reason: str = ""
    capture_location: LatLng | None = None
    capture_time: str = ""
    quality: Quality | None = None
    identify_count: int = 0
    delete_time: datetime | None = None
    expire_time: datetime | None = None
    duplicates: tuple[Duplicate, ...] = ()

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return last_part(self.name)

    @property
    def landmark(self) -> str:
        """Name of the landmark it shows, ``landmarks/{landmark}``."""
        return self.name.partition("/images/")[0]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        facts: dict[str, Any] = {"name": self.name, "id": self.id, "landmark": self.landmark}
        facts |= {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return facts | {
            "metadata": dict(self.metadata),
            "create_time": _iso(self.create_time),
            "state": self.state.value,
            "capture_location": None if self.capture_location is None else self.capture_location.to_dict(),
            "quality": None if self.quality is None else self.quality.to_dict(),
            "delete_time": _iso(self.delete_time),
            "expire_time": _iso(self.expire_time),
            "duplicates": [duplicate.to_dict() for duplicate in self.duplicates],
        }


@dataclass(frozen=True)
class ImageFile:
    """A photo from the catalogue.

    Attributes:
        data: The file.
        media_type: ``image/jpeg`` and the like.
    """

    data: bytes = field(repr=False)
    media_type: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON: what is known of the file, without the file."""
        return {"media_type": self.media_type, "size_bytes": len(self.data)}


def last_part(name: str) -> str:
    """``{id}`` of a resource name."""
    return name.rpartition("/")[2]


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
