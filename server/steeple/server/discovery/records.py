"""What a discovery is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import Capture, Landmark, LatLng, Quality
from steeple.server.catalogue.restriction import MAX_RADIUS
from steeple.server.discovery.matches import Pair

MAX_MIN_VIEWS: Final = 1000


class ProposalState(StrEnum):
    """What has become of a proposal."""

    PROPOSED = "PROPOSED"
    ACCEPTED = "ACCEPTED"
    DISCARDED = "DISCARDED"


class LeftoverReason(StrEnum):
    """Why a photo is part of no proposal."""

    NO_MATCH = "NO_MATCH"
    WEAK_MATCH = "WEAK_MATCH"
    FEW_VIEWS = "FEW_VIEWS"


@dataclass(frozen=True)
class DiscoveryOptions:
    """How photos become proposals.

    Attributes:
        radius_meters: Photos taken within so many metres of each other, or of others in between, are of one place.
        reach_meters: Photos that were taken farther apart are not compared.
        min_views: Views that a proposal has at least.

    Raises:
        InvalidArgumentError: If a value is out of bounds; its metadata ``field`` says which.
    """

    radius_meters: float = 200.0
    reach_meters: float = 5000.0
    min_views: int = 2

    def __post_init__(self) -> None:
        for name in ("radius_meters", "reach_meters"):
            if not 0 < (value := getattr(self, name)) <= MAX_RADIUS:  # false for NaN
                raise InvalidArgumentError(
                    f"{name} must be more than 0 and at most {MAX_RADIUS:.0f}, not {value}", field=f"options.{name}"
                )
        if self.radius_meters > self.reach_meters:
            raise InvalidArgumentError(
                f"radius_meters, {self.radius_meters:g}, must not be more than reach_meters, {self.reach_meters:g}",
                field="options.radius_meters",
            )
        if not 1 <= self.min_views <= MAX_MIN_VIEWS:
            raise InvalidArgumentError(
                f"min_views must be 1 to {MAX_MIN_VIEWS}, not {self.min_views}", field="options.min_views"
            )

    def to_json(self) -> dict[str, Any]:
        """Fit for JSON; the other way round is the constructor."""
        return asdict(self)


@dataclass(frozen=True)
class Discovery:
    """What was found in a heap of photos.

    Attributes:
        id: That of its operation.
        source: ``uploads/{upload}``, or the folder.
        model: Name of the model release that made the features.
        options: As asked for.
        photo_count: Different photos so far.
        open_proposal_count: Of proposals that are neither accepted nor discarded.
        proposal_count: Of all proposals.
        leftover_count: Photos in no proposal.
        create_time: UTC.
        finish_time: When the proposals were made; None: they are not yet.
    """

    id: str
    source: str
    model: str
    options: DiscoveryOptions
    photo_count: int
    open_proposal_count: int
    proposal_count: int
    leftover_count: int
    create_time: datetime
    finish_time: datetime | None

    @property
    def name(self) -> str:
        """``discoveries/{id}``."""
        return discovery_name(self.id)


@dataclass(frozen=True)
class PhotoDraft:
    """A photo of a heap, before it is stored.

    Attributes:
        item: Name of its file within the source.
        sha256: Of its bytes, hex.
        size_bytes: Of the file.
        media_type: Such as ``image/jpeg``.
        capture: Where and when it was taken, as far as it says.
        quality: How good a reference image it makes.
    """

    item: str
    sha256: str
    size_bytes: int
    media_type: str
    capture: Capture
    quality: Quality


@dataclass(frozen=True)
class DiscoveryPhoto(PhotoDraft):
    """A photo of a discovery.

    Attributes:
        number: Within its discovery, from 1.
        width: Pixels, EXIF orientation applied.
        height: Pixels, EXIF orientation applied.
        feature_count: Of its local features.
        searched: Whether it has been searched with.
        landmark_id: What it was identified as then; empty: nothing.
        confidence: Of that.
        proposal: Number of the proposal that it is part of; None: of none.
        view: Photos of one number are one view; 0: not grouped yet, or in no proposal.
        reason: Of a leftover; None otherwise.
        image_id: Of the reference image that it became, within the landmark of its proposal; empty: none.
    """

    number: int
    width: int
    height: int
    feature_count: int
    searched: bool = False
    landmark_id: str = ""
    confidence: float = 0.0
    proposal: int | None = None
    view: int = 0
    reason: LeftoverReason | None = None
    image_id: str = ""

    @property
    def id(self) -> str:
        """Its number, in decimal."""
        return str(self.number)


@dataclass(frozen=True)
class Proposal:
    """Photos that seem to show one landmark.

    Attributes:
        discovery_id: Of its discovery.
        number: Within the discovery, from 1.
        state: What has become of it.
        representative: Number of the photo that most others match.
        photo_count: Of its photos.
        view_count: Of its views.
        cohesion: How well its views match each other, 0 to 1: mean over all pairs of how likely each shows the same.
        location: Middle of where its photos were taken; None if none says.
        extent_meters: From there to the photo that was taken farthest away.
        landmark_id: That it is proposed as an addition to, or has become part of; empty: none.
        update_time: UTC.
        landmark: Of ``landmark_id``, if it is there.
        nearby: Landmarks that stand near, and how far away, metres; the nearest first.
        photos: The best photo of each view first; empty in lists.
        pairs: Of its photos; empty in lists.
    """

    discovery_id: str
    number: int
    state: ProposalState
    representative: int
    photo_count: int
    view_count: int
    cohesion: float
    location: LatLng | None
    extent_meters: float
    landmark_id: str
    update_time: datetime
    landmark: Landmark | None = None
    nearby: Sequence[tuple[Landmark, float]] = ()
    photos: Sequence[DiscoveryPhoto] = ()
    pairs: Sequence[Pair] = ()

    @property
    def id(self) -> str:
        """Its number, in decimal."""
        return str(self.number)

    @property
    def name(self) -> str:
        """``discoveries/{discovery}/proposals/{number}``."""
        return proposal_name(self.discovery_id, self.number)


@dataclass(frozen=True)
class Acceptance:
    """What came of the acceptance of a proposal.

    Attributes:
        landmark: Its photos are of, as it is now.
        image_ids: Of the reference images that were added.
        proposal: As it is now.
    """

    landmark: Landmark
    image_ids: Sequence[str]
    proposal: Proposal


@dataclass(frozen=True)
class Source:
    """Where the photos of a discovery are.

    Attributes:
        upload: Id of an upload; empty: it is a folder.
        folder: Relative to the import folder.
    """

    upload: str = ""
    folder: str = ""

    @property
    def name(self) -> str:
        """``uploads/{upload}``, or the folder."""
        return f"uploads/{self.upload}" if self.upload else self.folder

    def to_json(self) -> Mapping[str, str]:
        """Fit for JSON; the other way round is the constructor."""
        return {"upload": self.upload, "folder": self.folder}


def discovery_name(discovery_id: str) -> str:
    """``discoveries/{discovery_id}``."""
    return f"discoveries/{discovery_id}"


def proposal_name(discovery_id: str, number: int) -> str:
    """``discoveries/{discovery_id}/proposals/{number}``."""
    return f"{discovery_name(discovery_id)}/proposals/{number}"


def photo_name(discovery_id: str, number: int) -> str:
    """``discoveries/{discovery_id}/photos/{number}``."""
    return f"{discovery_name(discovery_id)}/photos/{number}"
