"""Where photos were taken: who is near whom, and the places that this makes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from steeple.server.catalogue import LatLng
from steeple.server.catalogue.distances import EARTH_RADIUS, distance

KeyT = TypeVar("KeyT", bound=Hashable)

_AROUND: Final = tuple(itertools.product((-1, 0, 1), repeat=3))


class Forest(Generic[KeyT]):
    """Disjoint sets that are united (union-find)."""

    def __init__(self, keys: Iterable[KeyT]) -> None:
        self._parents = {key: key for key in keys}

    def root(self, key: KeyT) -> KeyT:
        """The same for all keys of one set."""
        while (parent := self._parents[key]) != key:
            self._parents[key] = key = self._parents[parent]
        return key

    def unite(self, one: KeyT, other: KeyT) -> None:
        """Makes one set of two."""
        self._parents[self.root(other)] = self.root(one)

    def sets(self) -> list[list[KeyT]]:
        """All sets; keys, and sets by their first key, in the order in which they were given."""
        found: dict[KeyT, list[KeyT]] = {}
        for key in self._parents:
            found.setdefault(self.root(key), []).append(key)
        return list(found.values())


class PlaceGrid(Generic[KeyT]):
    """Places on the globe, by which those near another are found without a look at all.

    Cells are cubes in space, not fields between parallels and meridians: there is no date line in them and no pole, and
    what is within a distance along the surface is no farther through the ground.

    Args:
        places: By key.
        radius_meters: How far apart is near, along the surface of the earth, taken for a sphere.
    """

    def __init__(self, places: Mapping[KeyT, LatLng], radius_meters: float) -> None:
        self._keys = list(places)
        self._points = np.array([_direction(place) for place in places.values()], np.float64).reshape(-1, 3)
        # Of two points so far apart on the unit sphere, half the angle is half of radius over radius of the earth.
        self._chord = 2 * math.sin(min(math.pi / 2, radius_meters / EARTH_RADIUS / 2))
        self._side = max(self._chord, 1e-12)
        cells: dict[tuple[int, ...], list[int]] = {}
        for row, point in enumerate(self._points):
            cells.setdefault(self._cell(point), []).append(row)
        self._cells = {cell: np.array(rows, np.intp) for cell, rows in cells.items()}

    def near(self, place: LatLng) -> list[KeyT]:
        """Keys of the places that are near one."""
        point = np.array(_direction(place), np.float64)
        middle = self._cell(point)
        found: list[KeyT] = []
        for step in _AROUND:
            rows = self._cells.get(tuple(a + b for a, b in zip(middle, step, strict=True)))
            if rows is not None:
                close = np.linalg.norm(self._points[rows] - point, axis=1) <= self._chord
                found += [self._keys[row] for row in rows[close]]
        return found

    def _cell(self, point: NDArray[np.float64]) -> tuple[int, ...]:
        return tuple(int(along) for along in np.floor(point / self._side))


def groups_by_distance(places: Mapping[KeyT, LatLng], radius_meters: float) -> list[list[KeyT]]:
    """Groups of places (single linkage): whoever is within the radius of one of a group belongs to it.

    Which groups there are does not depend on the order of the places.

    Args:
        places: By key.
        radius_meters: Along the surface of the earth.
    """
    grid, forest = PlaceGrid(places, radius_meters), Forest(places)
    for key, place in places.items():
        for other in grid.near(place):
            forest.unite(key, other)
    return forest.sets()


def centre_and_extent(places: Iterable[LatLng]) -> tuple[LatLng | None, float]:
    """The middle of places, and how far, metres, the farthest is from it; None and 0 for none.

    The middle is that of the points in space, brought back to the surface, so that two places on either side of the
    date line have theirs between them. Places that leave no middle (a pole and the other) have the first for one.
    """
    known = list(places)
    if not known:
        return None, 0.0
    mean = np.mean([_direction(place) for place in known], axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-9:
        middle = known[0]
    else:
        x, y, z = (float(part) / length for part in mean)
        middle = LatLng(math.degrees(math.asin(max(-1.0, min(1.0, z)))), math.degrees(math.atan2(y, x)))
    return middle, max(distance(middle, place) for place in known)


def _direction(place: LatLng) -> tuple[float, float, float]:
    """A unit vector from the middle of the earth."""
    latitude, longitude = math.radians(place.latitude), math.radians(place.longitude)
    return (
        math.cos(latitude) * math.cos(longitude),
        math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )
