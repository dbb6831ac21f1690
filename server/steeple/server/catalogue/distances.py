"""How far apart places are."""

from __future__ import annotations

import math
from typing import Final

from steeple.server.catalogue.records import LatLng

EARTH_RADIUS: Final = 6_371_008.8
"""Metres, mean."""


def distance(one: LatLng, other: LatLng) -> float:
    """Metres along a great circle (the haversine formula, which is exact for small distances too)."""
    latitudes = math.radians(one.latitude), math.radians(other.latitude)
    across = math.sin((latitudes[1] - latitudes[0]) / 2) ** 2
    along = math.sin(math.radians(other.longitude - one.longitude) / 2) ** 2
    return (
        2
        * EARTH_RADIUS
        * math.asin(min(1.0, math.sqrt(across + math.cos(latitudes[0]) * math.cos(latitudes[1]) * along)))
    )


def bearing(one: LatLng, other: LatLng) -> float:
    """Degrees clockwise from north, 0 to less than 360, in which the great circle from one place to another begins.

    0 where both are the same place.
    """
    latitudes = math.radians(one.latitude), math.radians(other.latitude)
    along = math.radians(other.longitude - one.longitude)
    east = math.sin(along) * math.cos(latitudes[1])
    north = math.cos(latitudes[0]) * math.sin(latitudes[1]) - math.sin(latitudes[0]) * math.cos(
        latitudes[1]
    ) * math.cos(along)
    return math.degrees(math.atan2(east, north)) % 360.0
