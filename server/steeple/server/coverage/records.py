"""What is told of how well its photos cover a landmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from steeple.server.catalogue import ReferenceImage

LINKED: Final = 0.75
"""Weight of a pair of photos, at least, that are said to see the same: of discoveries, that of photos of one place."""

SECTORS: Final = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
"""Names of the sectors of the compass, clockwise."""

NEAR_METERS: Final = 15.0
"""From a landmark's location: of photos taken nearer, readings of a phone do not tell from which side."""


class GapKind(StrEnum):
    """What the photos of a landmark lack."""

    FEW_VIEWS = "few views"
    SINGLE_IMAGES = "single images"
    SEPARATE_GROUPS = "separate groups"
    SECTORS = "sectors"
    HOURS = "hours"
    MONTHS = "months"
    POOR_IMAGES = "poor images"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Gap:
    """Something that is missing.

    Attributes:
        kind: What kind of thing.
        text: A sentence for an administrator.
        image_ids: Photos that it is about, some of them.
    """

    kind: GapKind
    text: str
    image_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class CoverageImage:
    """A photo that was compared.

    Attributes:
        image: The photo.
        view: Number of its view: photos that are all but the same are one.
        group: Number of its group, from 1 on; 0: it stands alone.
    """

    image: ReferenceImage
    view: int
    group: int


@dataclass(frozen=True)
class ViewMatch:
    """Two photos that see the same.

    Attributes:
        first: Place of the one among the photos compared.
        second: Place of the other; greater.
        inliers: Matches that agree on one geometry.
        weight: How likely it is that they show the same, 0 to 1.
        near_duplicate: Whether they are all but the same photo.
    """

    first: int
    second: int
    inliers: int
    weight: float
    near_duplicate: bool


@dataclass(frozen=True)
class ViewGroup:
    """Photos that see the same, directly or by way of others.

    Attributes:
        image_ids: The one that agrees with most others first.
        views: Of these, photos that are all but the same counting as one.
    """

    image_ids: tuple[str, ...]
    views: int


@dataclass(frozen=True)
class Sector:
    """Directions from a landmark in which photos of it were taken.

    Attributes:
        bearing: Its middle, degrees clockwise from north.
        count: Photos.
        median_meters: From the landmark to where they were taken; 0 without photos.
    """

    bearing: float
    count: int
    median_meters: float


@dataclass(frozen=True)
class Surroundings:
    """Where and when the photos of a landmark were taken.

    Attributes:
        sectors: One for each of :data:`SECTORS`; none if the landmark has no location.
        placed: Photos that say where they were taken.
        near: Of these, those taken too near to the landmark for a sector.
        hours: Photos by hour of the day.
        months: Photos by month.
        timed: Photos that say when they were taken.
        poor_ids: Photos of the two lowest grades.
        looked_at: Photos that these are counted among.
    """

    sectors: tuple[Sector, ...]
    placed: int
    near: int
    hours: tuple[int, ...]
    months: tuple[int, ...]
    timed: int
    poor_ids: tuple[str, ...]
    looked_at: int


@dataclass(frozen=True)
class Coverage:
    """How well its photos cover a landmark.

    Attributes:
        landmark_id: The landmark.
        image_count: Of all its photos.
        model: Name of the release whose features were compared.
        images: Photos that were compared; by group, the largest first.
        matches: Pairs of these that see the same, those of most inliers first.
        groups: The largest first.
        single_ids: Photos that agree with no other.
        partial: Whether time was out before all were looked for.
        compared: Photos that were looked for.
        surroundings: Where and when photos were taken.
        gaps: What is missing, what matters most first.
    """

    landmark_id: str
    image_count: int
    model: str
    images: Sequence[CoverageImage]
    matches: Sequence[ViewMatch]
    groups: Sequence[ViewGroup]
    single_ids: Sequence[str]
    partial: bool
    compared: int
    surroundings: Surroundings
    gaps: Sequence[Gap]
