"""Discoveries: landmarks that are proposed from a heap of photos."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from steeple.client.resources import Landmark, LatLng


@dataclass(frozen=True)
class Discovery:
    """What was found in a heap of photos.

    Attributes:
        name: ``discoveries/{id}``; the id is that of its operation.
        operation: ``operations/{id}``.
        ready: Whether its proposals have been made.
        source: ``uploads/{upload}``, or the folder.
        model: The model release that made the features, ``models/{model}``.
        options: How photos become proposals: ``radius_meters``, ``reach_meters``, ``min_views``.
        photo_count: Different photos so far.
        open_proposal_count: Of proposals that are neither accepted nor discarded.
        proposal_count: Of all proposals.
        leftover_count: Photos in no proposal.
        create_time: UTC.
        finish_time: When the proposals were made; None: they are not yet.
    """

    name: str
    operation: str
    ready: bool
    source: str
    model: str
    options: Mapping[str, float] = field(hash=False)
    photo_count: int
    open_proposal_count: int
    proposal_count: int
    leftover_count: int
    create_time: datetime
    finish_time: datetime | None

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return self.name.rpartition("/")[2]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **asdict(self),
            "id": self.id,
            "create_time": self.create_time.isoformat(),
            "finish_time": None if self.finish_time is None else self.finish_time.isoformat(),
        }


class ProposalState(enum.Enum):
    """What has become of a proposal."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DISCARDED = "discarded"
    OTHER = "other"
    """Of a newer server."""


class LeftoverReason(enum.Enum):
    """Why a photo is part of no proposal."""

    NO_MATCH = "matches nothing"
    WEAK_MATCH = "matches only weakly"
    FEW_VIEWS = "too few views match"
    OTHER = "other"
    """Of a newer server."""


@dataclass(frozen=True)
class DiscoveryPhoto:
    """A photo of a discovery.

    Attributes:
        name: ``discoveries/{discovery}/photos/{id}``.
        item: Name of its file within the source.
        sha256: Of its bytes, hex.
        size_bytes: Of the file.
        media_type: Such as ``image/jpeg``.
        width: Pixels, EXIF orientation applied.
        height: Pixels, EXIF orientation applied.
        feature_count: Of its local features.
        capture_location: Where it was taken; None if it does not say.
        capture_time: When, ISO 8601; empty if it does not say.
        grade: How good a reference image it makes, 0 to 5.
        view: Photos of one number are one view; 0: it is in no proposal.
        landmark: ``landmarks/{id}`` that it was identified as; empty: none.
        confidence: Of that.
        reason: Why it is in no proposal; None if it is.
        reference_image: ``landmarks/{landmark}/images/{id}`` that it has become; empty: none.
    """

    name: str
    item: str
    sha256: str
    size_bytes: int
    media_type: str
    width: int
    height: int
    feature_count: int
    capture_location: LatLng | None
    capture_time: str
    grade: int
    view: int
    landmark: str
    confidence: float
    reason: LeftoverReason | None
    reference_image: str

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return self.name.rpartition("/")[2]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        place, reason = self.capture_location, self.reason
        return {
            **asdict(self),
            "id": self.id,
            "capture_location": None if place is None else place.to_dict(),
            "reason": None if reason is None else reason.value,
        }


@dataclass(frozen=True)
class NearbyLandmark:
    """A landmark of the catalogue that stands near a proposal.

    Attributes:
        landmark: ``landmarks/{id}``.
        display_name: What people call it.
        distance_meters: From the middle of where the photos were taken.
    """

    landmark: str
    display_name: str
    distance_meters: float


@dataclass(frozen=True)
class MatchedPair:
    """Two photos whose features agree on one geometry.

    Attributes:
        first: ``discoveries/{discovery}/photos/{id}``.
        second: The other.
        inliers: Features that agree.
        near_duplicate: Whether they are all but the same photo.
    """

    first: str
    second: str
    inliers: int
    near_duplicate: bool


@dataclass(frozen=True)
class Proposal:
    """Photos that seem to show one landmark.

    Attributes:
        name: ``discoveries/{discovery}/proposals/{id}``.
        state: What has become of it.
        representative: Name of the photo that most others match.
        photo_count: Of its photos.
        view_count: Of its views: of bursts and near-duplicates, one counts.
        cohesion: How well its views match each other, 0 to 1: mean over all pairs of how likely each shows the same.
        location: Middle of where its photos were taken; None if none says.
        extent_meters: From there to the photo that was taken farthest away.
        landmark: ``landmarks/{id}`` that it is proposed as an addition to, or has become part of; empty: none.
        landmark_display_name: What that is called.
        nearby_landmarks: Landmarks that stand near, the nearest first.
        photos: The best photo of each view first; empty in lists.
        pairs: Which of its photos match each other; empty in lists.
        update_time: UTC.
    """

    name: str
    state: ProposalState
    representative: str
    photo_count: int
    view_count: int
    cohesion: float
    location: LatLng | None
    extent_meters: float
    landmark: str
    landmark_display_name: str
    nearby_landmarks: tuple[NearbyLandmark, ...]
    photos: tuple[DiscoveryPhoto, ...]
    pairs: tuple[MatchedPair, ...]
    update_time: datetime

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return self.name.rpartition("/")[2]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **asdict(self),
            "id": self.id,
            "state": self.state.value,
            "location": None if self.location is None else self.location.to_dict(),
            "photos": [photo.to_dict() for photo in self.photos],
            "update_time": self.update_time.isoformat(),
        }


@dataclass(frozen=True)
class AcceptedProposal:
    """What came of the acceptance of a proposal.

    Attributes:
        landmark: Its photos are of.
        reference_images: Names of those that were added.
        proposal: As it is now.
    """

    landmark: Landmark
    reference_images: tuple[str, ...]
    proposal: Proposal

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "landmark": self.landmark.to_dict(),
            "reference_images": list(self.reference_images),
            "proposal": self.proposal.to_dict(),
        }
