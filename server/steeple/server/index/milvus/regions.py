"""Cells of the earth's surface, by which a collection is divided into partitions."""

from __future__ import annotations

import math
from typing import Final

from steeple.server.catalogue.distances import EARTH_RADIUS
from steeple.server.catalogue.records import LatLng

NOWHERE: Final = -1
"""The cell of all that has no location."""

_ROWS: Final = 180  # of a degree: 111 km
_COLUMNS: Final = 360


def region_of(place: LatLng | None) -> int:
    """The cell, one degree wide and high, that a place lies in; :data:`NOWHERE` without one."""
    if place is None:
        return NOWHERE
    return _row(place.latitude) * _COLUMNS + _column(place.longitude)


def regions_around(place: LatLng, radius_meters: float, most: int) -> frozenset[int] | None:
    """All cells within a distance of a place, and maybe some more; None if they are more than ``most``.

    Args:
        place: The middle.
        radius_meters: Along the earth's surface.
        most: Cells.
    """
    degrees = math.degrees(radius_meters / EARTH_RADIUS) + 1e-6
    south, north = place.latitude - degrees, place.latitude + degrees
    if south <= -90.0 or north >= 90.0:
        return None
    # The meridian that touches the circle does so nearer to the pole than its middle lies.
    reach = math.sin(math.radians(degrees)) / math.cos(math.radians(place.latitude))
    across = math.degrees(math.asin(min(1.0, reach))) + 1e-6
    first, last = math.floor(place.longitude - across), math.floor(place.longitude + across)
    rows = range(_row(south), _row(north) + 1)
    if last - first >= _COLUMNS or len(rows) * (last - first + 1) > most:
        return None
    return frozenset(row * _COLUMNS + _column(float(column)) for row in rows for column in range(first, last + 1))


def _row(latitude: float) -> int:
    return min(_ROWS - 1, math.floor(latitude) + _ROWS // 2)


def _column(longitude: float) -> int:
    return (math.floor(longitude) + _COLUMNS // 2) % _COLUMNS
