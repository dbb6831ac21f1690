"""What goes into the catalogue and what comes out of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final, Generic, TypedDict, TypeVar

from steeple.delf.features import FeatureSet
from steeple.errors import SteepleError

ItemT = TypeVar("ItemT")


class Unset(Enum):
    """Type of :data:`UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""Stands for "leave as it is" where None has a meaning of its own."""


@dataclass(frozen=True)
class LatLng:
    """A point on the WGS84 ellipsoid.

    Attributes:
        latitude: Degrees, -90 to 90.
        longitude: Degrees, -180 to 180.
    """

    latitude: float
    longitude: float


@dataclass(frozen=True)
class LandmarkDraft:
    """What an application says about a new landmark.

    Attributes:
        display_name: What people call it; 1 to 200 characters.
        description: At most 10,000 characters.
        location: None if it stands nowhere.
        metadata: The application's own data; at most 64 entries, keys of 1 to 64 characters, values of at most 4096.
        aliases: Other names by BCP-47 language tag; at most 64 languages with at most 20 names each.
        labels: For filters; at most 64 words of 1 to 40 lower-case letters, digits, hyphens and underscores.
        active: Whether searches find it.
    """

    display_name: str
    description: str = ""
    location: LatLng | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    labels: Collection[str] = ()
    active: bool = True


class LandmarkChanges(TypedDict, total=False):
    """Fields of a landmark to set; those that are not there stay. ``etag`` and ``request_id`` are the request's."""

    display_name: str | None
    description: str | None
    location: LatLng | Unset | None
    metadata: Mapping[str, str] | None
    aliases: Mapping[str, Sequence[str]] | None
    labels: Collection[str] | None
    active: bool | None
    etag: str
    request_id: str


@dataclass(frozen=True)
class Landmark:
    """A landmark as stored.

    Attributes:
        id: The last segment of ``landmarks/{id}``.
        display_name: What people call it.
        description: A sentence or two for the person who asked.
        location: None if it stands nowhere.
        metadata: The application's own data.
        reference_image_count: Number of its reference images.
        create_time: UTC, aware.
        update_time: UTC, aware; of the last update of the fields above.
        etag: Quoted; changes with every update.
        aliases: Other names by BCP-47 language tag, in canonical case.
        labels: In order.
        active: Whether searches find it.
        delete_time: UTC, aware; None unless it is deleted.
        expire_time: UTC, aware; when it goes for good. None unless it is deleted.
    """

    id: str
    display_name: str
    description: str
    location: LatLng | None
    metadata: Mapping[str, str]
    reference_image_count: int
    create_time: datetime
    update_time: datetime
    etag: str
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    labels: Sequence[str] = ()
    active: bool = True
    delete_time: datetime | None = None
    expire_time: datetime | None = None


@dataclass(frozen=True)
class Quality:
    """How good a reference image a photo makes.

    Attributes:
        grade: 0 (hardly ever found) to 5 (nothing to complain about).
        reasons: What keeps it from 5, in words, the worst first.
    """

    grade: int
    reasons: Sequence[str] = ()


@dataclass(frozen=True)
class Capture:
    """Where and when a photo was taken, as far as it says.

    Attributes:
        location: None if it does not say.
        time: ISO 8601 by the camera's clock, to the second, with an offset if the photo states one; empty if it does
            not say.
    """

    location: LatLng | None = None
    time: str = ""


@dataclass(frozen=True)
class TakenImage:
    """Where and when a reference image was taken, and how good it is.

    Attributes:
        image_id: Its id.
        capture: Where and when, as far as it says.
        grade: Of its quality; None if it was not graded.
    """

    image_id: str
    capture: Capture
    grade: int | None


class DuplicateKind(StrEnum):
    """What an image has to do with a new one; the plainest case first."""

    SAME_PHOTO = "same photo"
    NEAR_DUPLICATE = "near-duplicate"
    OTHER_LANDMARK = "other landmark"


@dataclass(frozen=True)
class Duplicate:
    """A searchable reference image that a new one repeats or contradicts.

    Attributes:
        landmark_id: Its landmark.
        image_id: Its id there.
        kind: What it has to do with the new one.
        inliers: Features that agree on one geometry; 0 for the same file.
    """

    landmark_id: str
    image_id: str
    kind: DuplicateKind
    inliers: int = 0


@dataclass(frozen=True)
class ImageDraft:
    """A new reference image.

    Attributes:
        features: Its local features, at least one.
        sha256: Of the photo's bytes, 64 lower-case hex digits; empty if there are only features.
        size_bytes: Of the photo; 0 if there are only features.
        media_type: Of the photo, such as ``image/jpeg``; empty if there are only features.
        metadata: The application's own data; limits as for :class:`LandmarkDraft`.
        quality: None if it was not graded.
        capture: Where and when the photo was taken.
        duplicates: Images that were found to have to do with it; kept with the answer to the request alone.
        others: Its local features by other model releases, from the same photo.
        without: Names of model releases that found nothing in the photo.
    """

    features: FeatureSet
    sha256: str = ""
    size_bytes: int = 0
    media_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    quality: Quality | None = None
    capture: Capture = field(default_factory=Capture)
    duplicates: Sequence[Duplicate] = ()
    others: Sequence[FeatureSet] = ()
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReferenceImage:
    """A reference image as stored, without its features.

    Attributes:
        key: Number that identifies it in the index; never given to another image.
        landmark_id: The landmark it shows.
        id: The last segment of ``landmarks/{landmark_id}/images/{id}``.
        model: Name of the model release that made its features.
        width: Pixels, EXIF orientation applied.
        height: Pixels, EXIF orientation applied.
        feature_count: Number of its local features.
        sha256: Of the photo's bytes, hex; empty if only features were given.
        size_bytes: Of the photo; 0 if only features were given.
        media_type: Of the photo; empty if only features were given.
        metadata: The application's own data.
        create_time: UTC, aware.
        etag: Quoted.
        quality: None if it was added before there were grades.
        capture: Where and when the photo was taken.
        identify_count: Answers that identified its landmark and that it supported best.
        delete_time: UTC, aware; None unless it is deleted itself.
        expire_time: UTC, aware; when it goes for good. None unless it is deleted itself.
        duplicates: Of the draft, in the answer to the request that added the image; empty otherwise.
    """

    key: int
    landmark_id: str
    id: str
    model: str
    width: int
    height: int
    feature_count: int
    sha256: str
    size_bytes: int
    media_type: str
    metadata: Mapping[str, str]
    create_time: datetime
    etag: str
    quality: Quality | None = None
    capture: Capture = field(default_factory=Capture)
    identify_count: int = 0
    delete_time: datetime | None = None
    expire_time: datetime | None = None
    duplicates: Sequence[Duplicate] = ()


@dataclass(frozen=True)
class NewImage:
    """One of several reference images to be added at once.

    Attributes:
        landmark_id: What it shows.
        draft: Made from a photo.
        image_id: Empty: made from the photo's hash, so that the same photo gets the same.
    """

    landmark_id: str
    draft: ImageDraft
    image_id: str = ""


@dataclass(frozen=True)
class ImageOutcome:
    """What became of one of several reference images.

    Attributes:
        image: As added, or as it was there already; None if it was refused.
        there_already: Whether its landmark had the photo before.
        error: Why it was refused.
    """

    image: ReferenceImage | None = None
    there_already: bool = False
    error: SteepleError | None = None


@dataclass(frozen=True)
class Page(Generic[ItemT]):
    """One page of a list.

    Attributes:
        items: In the order asked for.
        next_page_token: Empty on the last page.
        total_size: Number of items on all pages together.
    """

    items: tuple[ItemT, ...]
    next_page_token: str
    total_size: int


class ChangeKind(StrEnum):
    """What happened to a reference image.

    ``FACTS``: labels or location of its landmark became others, which an index may have beside the descriptors.
    """

    ADD = "ADD"
    REMOVE = "REMOVE"
    FACTS = "FACTS"


@dataclass(frozen=True)
class Change:
    """One step from one state of the gallery to the next.

    Attributes:
        sequence: Position in the history of the catalogue; rises by at least one a change.
        kind: Whether the image came or went, or what is known of it changed.
        image_key: :attr:`ReferenceImage.key`.
    """

    sequence: int
    kind: ChangeKind
    image_key: int
