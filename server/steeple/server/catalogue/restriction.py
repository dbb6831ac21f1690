"""Which landmarks a search is limited to."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, select

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import tables
from steeple.server.catalogue.distances import EARTH_RADIUS, distance
from steeple.server.catalogue.limits import check_labels, check_location, check_metadata
from steeple.server.catalogue.records import LatLng
from steeple.server.catalogue.regions import region_of
from steeple.server.catalogue.selection import ImageSelection

MAX_RADIUS: Final = 20_037_509.0
"""Metres: half of the equator, so all of the earth."""

_MOST_REGIONS: Final = 64  # more than that are in most partitions of an index anyway
_KEYS_AT_ONCE: Final = 5000  # as lookups: fewer than any database's parameters


@dataclass(frozen=True)
class Restriction:
    """Landmarks to look for, and no others.

    Attributes:
        near: Landmarks that stand within ``radius_meters`` of it; those that have no location are always looked for,
            unless ``located`` is set. None: wherever they stand.
        radius_meters: More than 0 if ``near`` is given; along the earth's surface, taken for a sphere.
        metadata: Landmarks that have all of these entries.
        labels: Landmarks that have all of these.
        located: Whether ``near`` leaves out landmarks that have no location.

    Raises:
        InvalidArgumentError: If a value is out of bounds; its metadata ``field`` says which.
    """

    near: LatLng | None = None
    radius_meters: float = 0.0
    metadata: Mapping[str, str] = field(default_factory=dict)
    labels: Collection[str] = ()
    located: bool = False

    def __post_init__(self) -> None:
        check_metadata(self.metadata)
        check_labels(self.labels)
        check_location(self.near)
        within = 0 < self.radius_meters <= MAX_RADIUS  # false for NaN
        if self.near is not None and not within:
            raise InvalidArgumentError(
                f"radius_meters must be more than 0 and at most {MAX_RADIUS:.0f}, not {self.radius_meters}",
                field="radius_meters",
            )
        if self.near is None and self.radius_meters:
            raise InvalidArgumentError("radius_meters needs a place that it is about: set near as well", field="near")

    def allows(self, location: LatLng | None, metadata: Mapping[str, str], labels: Collection[str] = ()) -> bool:
        """Whether a landmark of this location, metadata and labels is looked for."""
        if any(metadata.get(key) != value for key, value in self.metadata.items()):
            return False
        if not set(self.labels).issubset(labels):
            return False
        if self.near is None:
            return True
        return not self.located if location is None else distance(self.near, location) <= self.radius_meters


def allowed_landmarks(connection: Connection, restriction: Restriction) -> list[int]:
    """Keys of all searchable landmarks that are allowed, in order."""
    return [key for key, _ in _allowed(connection, restriction)]


def allowed_images(connection: Connection, restriction: Restriction) -> ImageSelection:
    """The reference images of all landmarks that are allowed."""
    image, allowed = tables.reference_image, _allowed(connection, restriction)
    keys: set[int] = set()
    for start in range(0, len(allowed), _KEYS_AT_ONCE):
        some = image.c.landmark_key.in_([key for key, _ in allowed[start : start + _KEYS_AT_ONCE]])
        keys.update(connection.execute(select(image.c.key).where(some, image.c.delete_time.is_(None))).scalars())
    regions = frozenset(region_of(location) for _, location in allowed)
    return ImageSelection(frozenset(keys), regions if len(regions) <= _MOST_REGIONS else None)


def _allowed(connection: Connection, restriction: Restriction) -> list[tuple[int, LatLng | None]]:
    """Keys and places of all searchable landmarks that are allowed, in the order of keys."""
    landmark = tables.landmark
    columns = [landmark.c.key, landmark.c.latitude, landmark.c.longitude]
    if restriction.metadata:
        columns.append(landmark.c.metadata)
    if restriction.labels:
        columns.append(landmark.c.labels)
    chosen = select(*columns).where(landmark.c.active, landmark.c.delete_time.is_(None))
    if restriction.near is not None:
        # A parallel is as far away on every meridian: so much can the database leave out.
        degrees = math.degrees(restriction.radius_meters / EARTH_RADIUS) + 1e-6
        low, high = restriction.near.latitude - degrees, restriction.near.latitude + degrees
        chosen = chosen.where(landmark.c.latitude.is_(None) | landmark.c.latitude.between(low, high))
    allowed = []
    for row in connection.execute(chosen.order_by(landmark.c.key)).mappings():
        location = None if row["latitude"] is None else LatLng(row["latitude"], row["longitude"])
        if restriction.allows(location, row.get("metadata", {}), row.get("labels", ())):
            allowed.append((row["key"], location))
    return allowed
