"""What goes into an offline pack and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from steeple.delf import FeatureSet
from steeple.delf.release import ExtractionParameters


@dataclass(frozen=True)
class PackLocation:
    """A point on the WGS84 ellipsoid.

    Attributes:
        latitude: Degrees, -90 to 90.
        longitude: Degrees, -180 to 180.
    """

    latitude: float
    longitude: float


@dataclass(frozen=True)
class PackRegion:
    """The disc that the landmarks of a pack were chosen from.

    Attributes:
        centre: Its middle.
        radius_meters: Its radius, more than 0.
    """

    centre: PackLocation
    radius_meters: float


@dataclass(frozen=True)
class PackFacts:
    """What a pack says of itself, as its writer is told.

    Attributes:
        id: Such as ``paris``: 1 to 63 lower-case letters, digits and hyphens, with a letter or digit first and last.
        display_name: What people call it; 1 to 200 characters.
        model: Name of the model release whose features it has.
        tflite_sha256: SHA-256 of that release's network, hex.
        extraction: Of that release; says where the cells of an image lie.
        sequence: Catalogue sequence number of the state that it shows.
        create_time: UTC, aware.
        region: Its landmarks were chosen from; None: from everywhere.
    """

    id: str
    display_name: str
    model: str
    tflite_sha256: str
    extraction: ExtractionParameters
    sequence: int
    create_time: datetime
    region: PackRegion | None = None


@dataclass(frozen=True)
class PackLandmark:
    """A landmark of a pack, as an answer shows it.

    Attributes:
        id: The last segment of ``landmarks/{id}``.
        display_name: What people call it.
        description: A sentence or two for the person who asked.
        location: None if it stands nowhere.
        aliases: Other names by BCP-47 language tag.
        labels: In order.
        metadata: The application's own data.
    """

    id: str
    display_name: str
    description: str = ""
    location: PackLocation | None = None
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    labels: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, eq=False)
class PackImage:
    """A reference image, to be written into a pack.

    Attributes:
        id: The last segment of ``landmarks/{landmark}/images/{id}``.
        features: Its local features, N of them.
        lists: int64[N]; the inverted list of each descriptor.
        codes: uint8[N, M]; the code of each, as the pack's codebook makes it.
    """

    id: str
    features: FeatureSet
    lists: NDArray[np.int64]
    codes: NDArray[np.uint8]


@dataclass(frozen=True)
class StoredImage:
    """A reference image in a pack.

    Attributes:
        key: Its number in the pack, from 0, as in ``Candidate.image_key``.
        landmark_id: Its landmark.
        id: The last segment of ``landmarks/{landmark}/images/{id}``.
        width: Of the photo, pixels, as ``Candidate.reference_points`` has them.
        height: Of the photo, pixels.
        feature_count: Features that the pack has of it.
        pictured: Whether the landmark's thumbnail, if it has one, shows this image.
    """

    key: int
    landmark_id: str
    id: str
    width: int
    height: int
    feature_count: int
    pictured: bool


@dataclass(frozen=True)
class Member:
    """A file in a pack.

    Attributes:
        size_bytes: Of it.
        sha256: Of it, hex.
    """

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class PackManifest:
    """What a pack is: its member ``manifest.json``, checked.

    Attributes:
        facts: As its writer was told.
        landmark_count: Landmarks in it.
        image_count: Reference images in it.
        feature_count: Local features of all of them.
        lists: Inverted lists of its codebook.
        code_size: Bytes of a code.
        exact: Whether it has the descriptors themselves beside their codes.
        members: All its files but the manifest, by name.
    """

    facts: PackFacts
    landmark_count: int
    image_count: int
    feature_count: int
    lists: int
    code_size: int
    exact: bool
    members: Mapping[str, Member] = field(hash=False)
