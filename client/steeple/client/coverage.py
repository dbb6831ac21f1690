"""How well its photos cover a landmark."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from typing import Any

from steeple.client.resources import LatLng


class GapKind(enum.Enum):
    """What the photos of a landmark lack.

    Attributes:
        FEW_VIEWS: Photos that are not all but the same.
        SINGLE_IMAGES: Others, for some of the photos, that agree with them.
        SEPARATE_GROUPS: Photos from in between groups.
        SECTORS: Photos from some directions.
        HOURS: Photos of some times of the day.
        MONTHS: Photos of some times of the year.
        POOR_IMAGES: Better photos than some of them.
        UNKNOWN: Places or times of most photos, or the landmark's location.
        OTHER: Something that this version of the SDK does not know.
    """

    FEW_VIEWS = "few views"
    SINGLE_IMAGES = "single images"
    SEPARATE_GROUPS = "separate groups"
    SECTORS = "sectors"
    HOURS = "hours"
    MONTHS = "months"
    POOR_IMAGES = "poor images"
    UNKNOWN = "unknown"
    OTHER = "other"


@dataclass(frozen=True)
class CoverageGap:
    """Something that the photos of a landmark lack.

    Attributes:
        kind: What kind of thing.
        text: A sentence for an administrator, in English.
        reference_images: Names of photos that it is about, at most 20.
    """

    kind: GapKind
    text: str
    reference_images: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"kind": self.kind.value, "text": self.text, "reference_images": list(self.reference_images)}


@dataclass(frozen=True)
class CoverageImage:
    """A photo that was compared with others of its landmark.

    Attributes:
        reference_image: Its name.
        view: Photos that are all but the same have one number.
        group: Place in :attr:`Coverage.groups`, from 1 on; 0: it stands alone.
        capture_location: Where it was taken; None if it does not say.
    """

    reference_image: str
    view: int
    group: int
    capture_location: LatLng | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class ViewMatch:
    """Two photos that see the same.

    Attributes:
        first: Name of the one.
        second: Name of the other.
        inliers: Matches between them that agree on one geometry.
        weight: How likely it is that they show the same, 0.75 to 1.
        near_duplicate: Whether they are all but the same photo.
    """

    first: str
    second: str
    inliers: int
    weight: float
    near_duplicate: bool

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "weight": round(self.weight, 6)}


@dataclass(frozen=True)
class ViewGroup:
    """Photos that see the same, directly or by way of others.

    Attributes:
        reference_images: Their names, that of the one that agrees with most others first.
        views: Of these, photos that are all but the same counting as one.
    """

    reference_images: tuple[str, ...]
    views: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"reference_images": list(self.reference_images), "views": self.views}


@dataclass(frozen=True)
class CompassSector:
    """Directions from a landmark in which photos of it were taken: 45 degrees.

    Attributes:
        bearing: Its middle, degrees clockwise from north.
        images: Their number.
        median_distance_meters: From the landmark to where they were taken; 0 without photos.
    """

    bearing: float
    images: int
    median_distance_meters: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "median_distance_meters": round(self.median_distance_meters, 1)}


@dataclass(frozen=True)
class Coverage:
    """How well its photos cover a landmark.

    Attributes:
        landmark: Its name.
        image_count: Of all its photos.
        images: Those that were compared with each other, the best graded, at most 60; by group, the largest first.
        matches: Pairs of these that see the same, those of most inliers first.
        groups: Photos that see the same; the largest first.
        single_images: Names of those of ``images`` that agree with none of the others.
        partial: Whether time was out before all were looked for. Ask again, and the server goes on.
        compared: Those of ``images`` that were looked for among the others.
        model: ``models/{model}``, whose features were compared.
        sectors: Where photos were taken, seen from the landmark: eight, clockwise from north; none if the landmark has
            no location.
        placed: Photos that say where they were taken.
        near: Of these, those taken less than 15 metres from the landmark's location, which are in no sector.
        hours: Photos by hour of the day, 24, by the cameras' clocks.
        months: Photos by month, 12.
        timed: Photos that say when they were taken.
        gaps: What is missing, what matters most first.
    """

    landmark: str
    image_count: int
    images: tuple[CoverageImage, ...]
    matches: tuple[ViewMatch, ...]
    groups: tuple[ViewGroup, ...]
    single_images: tuple[str, ...]
    partial: bool
    compared: int
    model: str
    sectors: tuple[CompassSector, ...]
    placed: int
    near: int
    hours: tuple[int, ...]
    months: tuple[int, ...]
    timed: int
    gaps: tuple[CoverageGap, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "landmark": self.landmark,
            "image_count": self.image_count,
            "model": self.model,
            "partial": self.partial,
            "compared": self.compared,
            "images": [image.to_dict() for image in self.images],
            "matches": [match.to_dict() for match in self.matches],
            "groups": [group.to_dict() for group in self.groups],
            "single_images": list(self.single_images),
            "sectors": [sector.to_dict() for sector in self.sectors],
            "placed": self.placed,
            "near": self.near,
            "hours": list(self.hours),
            "months": list(self.months),
            "timed": self.timed,
            "gaps": [gap.to_dict() for gap in self.gaps],
        }
