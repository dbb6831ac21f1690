"""What is to be in a pack, and what there is to know of one that is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final

from steeple.delf.features import MAX_FEATURES
from steeple.errors import InvalidArgumentError
from steeple.packs import DEFAULT_FEATURES
from steeple.server.catalogue import LatLng, Restriction
from steeple.server.catalogue.limits import check_display_name

DEFAULT_IMAGES: Final = 3
MAX_IMAGES: Final = 100


@dataclass(frozen=True)
class PackSettings:
    """What is to be in a pack.

    Attributes:
        display_name: What people call it; 1 to 200 characters.
        restriction: Its landmarks.
        max_images: Reference images of a landmark, at most, the best by quality grade; 1 to 100.
        max_features: Features of an image, at most, the best by attention score; 1 to 4,096.
        exact: Whether the int8 descriptors are in it beside their codes.

    Raises:
        InvalidArgumentError: If a value is out of bounds; its metadata ``field`` says which.
    """

    display_name: str
    restriction: Restriction = field(default_factory=Restriction)
    max_images: int = DEFAULT_IMAGES
    max_features: int = DEFAULT_FEATURES
    exact: bool = False

    def __post_init__(self) -> None:
        check_display_name(self.display_name)
        for name, value, most in (
            ("max_images", self.max_images, MAX_IMAGES),
            ("max_features", self.max_features, MAX_FEATURES),
        ):
            if not 1 <= value <= most:
                raise InvalidArgumentError(f"{name} must be 1 to {most}, or 0 for the default, not {value}", field=name)

    def to_json(self) -> dict[str, Any]:
        """Fit for JSON."""
        asked = self.restriction
        return {
            "display_name": self.display_name,
            "near": None if asked.near is None else [asked.near.latitude, asked.near.longitude],
            "radius_meters": asked.radius_meters,
            "metadata": dict(asked.metadata),
            "labels": sorted(asked.labels),
            "max_images": self.max_images,
            "max_features": self.max_features,
            "exact": self.exact,
        }

    @staticmethod
    def of_json(facts: Mapping[str, Any]) -> PackSettings:
        """What :meth:`to_json` made."""
        near = None if facts["near"] is None else LatLng(*facts["near"])
        return PackSettings(
            display_name=facts["display_name"],
            restriction=pack_restriction(near, facts["radius_meters"], facts["metadata"], facts["labels"]),
            max_images=facts["max_images"],
            max_features=facts["max_features"],
            exact=facts["exact"],
        )


def pack_restriction(
    near: LatLng | None, radius_meters: float, metadata: Mapping[str, str], labels: list[str]
) -> Restriction:
    """The landmarks of a pack: of those near a place, it has only such as have a location.

    Raises:
        InvalidArgumentError: If a value is out of bounds; its metadata ``field`` says which.
    """
    return Restriction(near, radius_meters, metadata, labels, located=True)


class PackState(Enum):
    """How a published pack stands to the catalogue."""

    CURRENT = "current"
    STALE = "stale"
    LOST = "lost"


@dataclass(frozen=True)
class PublishedPack:
    """A pack that is published.

    Attributes:
        id: The last segment of ``packs/{id}``.
        settings: What it was made with.
        model: Name of the model release whose features it has.
        tflite_sha256: SHA-256 of that release's network, hex.
        sequence: Number of the last change of the gallery that it shows.
        landmark_count: Landmarks in it.
        image_count: Reference images in it.
        feature_count: Features of all of them.
        size_bytes: Of its file.
        sha256: Of its file, hex.
        file: Name of its file in the folder of packs.
        content: SHA-256, hex, of what it was made of: see :class:`~steeple.server.packs.selection.Selection`.
        create_time: When the file was made, UTC.
    """

    id: str
    settings: PackSettings
    model: str
    tflite_sha256: str
    sequence: int
    landmark_count: int
    image_count: int
    feature_count: int
    size_bytes: int
    sha256: str
    file: str
    content: str
    create_time: datetime

    @property
    def name(self) -> str:
        """``packs/{id}``."""
        return pack_name(self.id)


def pack_name(pack_id: str) -> str:
    """``packs/{pack_id}``."""
    return f"packs/{pack_id}"
