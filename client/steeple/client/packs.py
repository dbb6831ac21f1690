"""Offline packs that a server publishes."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from steeple.client.resources import LatLng


class PackState(enum.Enum):
    """How a pack stands to the server's catalogue."""

    CURRENT = "current"
    """It has what a new one would have."""

    STALE = "stale"
    """What it was made of has changed in the catalogue, or another model release is the default."""

    LOST = "lost"
    """Its file is not on the server's disk."""

    OTHER = "other"
    """One that this version does not know."""


@dataclass(frozen=True)
class Pack:
    """A pack that is published: landmarks of a region in one file, for devices to search by themselves.

    Attributes:
        name: ``packs/{id}``.
        display_name: What people call it.
        state: How it stands to the catalogue.
        near: Its landmarks stand around it; None: wherever they stand.
        radius_meters: So far from ``near`` at most; 0 without one.
        metadata: Its landmarks have all of these entries.
        labels: Its landmarks have all of these.
        max_images: Reference images that it has of a landmark, at most.
        max_features: Features that it has of an image, at most.
        exact_descriptors: Whether it has the int8 descriptors beside their codes.
        model: ``models/{model}`` whose features it has.
        tflite_sha256: SHA-256 of that release's network, hex.
        sequence: Number of the last change of the gallery that it shows.
        landmark_count: Landmarks in it.
        image_count: Reference images in it.
        feature_count: Features of all of them.
        size_bytes: Of its file.
        sha256: Of its file, hex; a pack that is made anew has another.
        create_time: When the file was made, UTC.
    """

    name: str
    display_name: str
    state: PackState
    near: LatLng | None
    radius_meters: float
    metadata: Mapping[str, str] = field(hash=False)
    labels: tuple[str, ...]
    max_images: int
    max_features: int
    exact_descriptors: bool
    model: str
    tflite_sha256: str
    sequence: int
    landmark_count: int
    image_count: int
    feature_count: int
    size_bytes: int
    sha256: str
    create_time: datetime

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return self.name.removeprefix("packs/")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **{each.name: getattr(self, each.name) for each in dataclasses.fields(self)},
            "id": self.id,
            "state": self.state.value,
            "near": None if self.near is None else self.near.to_dict(),
            "metadata": dict(self.metadata),
            "labels": list(self.labels),
            "create_time": self.create_time.isoformat(),
        }
