"""Cells of the earth's surface, by which an index that is spread over machines is divided."""

from __future__ import annotations

import math
from typing import Final

from steeple.server.catalogue.records import LatLng

NOWHERE: Final = -1
"""The cell of all that has no location."""

_ROWS: Final = 180
_COLUMNS: Final = 360


def region_of(place: LatLng | None) -> int:
    """The cell, a degree wide and high, that a place lies in; :data:`NOWHERE` without one.

    A search around a place so has to do with one to four cells of 111 km, where people ask from a town.
    """
    if place is None:
        return NOWHERE
    row = min(_ROWS - 1, math.floor(place.latitude) + _ROWS // 2)  # the north pole lies in the cells below it
    return row * _COLUMNS + (math.floor(place.longitude) + _COLUMNS // 2) % _COLUMNS
