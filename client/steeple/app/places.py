"""Distances between places."""

from __future__ import annotations

import math
from typing import Final

from steeple.client import LatLng

_EARTH_RADIUS_METERS: Final = 6_371_008.8  # the mean one


def distance_meters(one: LatLng, other: LatLng) -> float:
    """The way between two places along the surface, on a sphere: at most half a percent off."""
    latitude, other_latitude = math.radians(one.latitude), math.radians(other.latitude)
    half_turn = math.radians(other.longitude - one.longitude) / 2
    half_rise = (other_latitude - latitude) / 2
    share = math.sin(half_rise) ** 2 + math.cos(latitude) * math.cos(other_latitude) * math.sin(half_turn) ** 2
    return 2 * _EARTH_RADIUS_METERS * math.asin(math.sqrt(min(1.0, share)))
