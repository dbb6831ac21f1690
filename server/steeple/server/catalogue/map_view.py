"""Landmarks on a map: how many of them stand in each of its cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, FunctionElement, and_, func, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import filters, landmarks, tables
from steeple.server.catalogue.limits import check_location
from steeple.server.catalogue.records import LatLng

MAX_ZOOM: Final = 22
MAX_CELLS: Final = 2048
"""Of what is looked at. Where there would be more, cells are larger."""

_LARGEST_CELL: Final = 90.0  # degrees, at zoom 0
_NAMED_AT_ONCE: Final = 1000
_TABLE = tables.landmark


@dataclass(frozen=True)
class Bounds:
    """A part of the earth, between two meridians and two parallels.

    Attributes:
        southwest: Its corner.
        northeast: Its corner; to the west of the other one if the 180th meridian lies between them.

    Raises:
        InvalidArgumentError: If a corner is no place, or north and south are exchanged.
    """

    southwest: LatLng
    northeast: LatLng

    def __post_init__(self) -> None:
        check_location(self.southwest, "southwest")
        check_location(self.northeast, "northeast")
        if self.southwest.latitude > self.northeast.latitude:
            raise InvalidArgumentError(
                f"southwest.latitude must not be north of northeast.latitude, {self.northeast.latitude}, "
                f"but is {self.southwest.latitude}",
                field="southwest.latitude",
            )

    @property
    def height(self) -> float:
        """Degrees."""
        return self.northeast.latitude - self.southwest.latitude

    @property
    def width(self) -> float:
        """Degrees."""
        width = self.northeast.longitude - self.southwest.longitude
        return width if width >= 0 else width + 360


EVERYWHERE: Final = Bounds(LatLng(-90.0, -180.0), LatLng(90.0, 180.0))


@dataclass(frozen=True)
class LandmarkCluster:
    """The landmarks of one cell.

    Attributes:
        landmark_count: At least 1.
        center: The mean of their places.
        southwest: Corner of the cell.
        northeast: Corner of the cell.
        landmark_id: Of the first by id.
        display_name: Of that one.
    """

    landmark_count: int
    center: LatLng
    southwest: LatLng
    northeast: LatLng
    landmark_id: str
    display_name: str


@dataclass(frozen=True)
class LandmarkMap:
    """Landmarks on a map.

    Attributes:
        clusters: From the south, and from the west.
        zoom: Of the cells: what was asked for, or less.
        landmark_count: Of all clusters.
    """

    clusters: Sequence[LandmarkCluster]
    zoom: int
    landmark_count: int


def cell_zoom(bounds: Bounds, zoom: int) -> int:
    """The zoom that is asked for or, if that would make more than :data:`MAX_CELLS` cells, the highest that does not.

    Raises:
        InvalidArgumentError: If it is no zoom.
    """
    if not 0 <= zoom <= MAX_ZOOM:
        raise InvalidArgumentError(f"zoom must be 0 to {MAX_ZOOM}, not {zoom}", field="zoom")
    while zoom:
        side = cell_side(zoom)
        # Cells lie in a grid of the whole earth: the part that is looked at may begin within one.
        if math.ceil(bounds.height / side) * math.ceil(bounds.width / side) <= MAX_CELLS:
            break
        zoom -= 1
    return zoom


def cell_side(zoom: int) -> float:
    """Width and height of a cell, degrees."""
    return math.ldexp(_LARGEST_CELL, -zoom)


def clusters(connection: Connection, filter: str, bounds: Bounds, zoom: int) -> LandmarkMap:
    """Landmarks that are not deleted, by cells.

    Args:
        connection: Of the catalogue.
        filter: As of lists of landmarks.
        bounds: What is looked at.
        zoom: Of the map, 0 to 22.

    Raises:
        InvalidArgumentError: If the filter or the zoom is none.
    """
    where = filters.condition(filter, landmarks.FILTERS)
    zoom = cell_zoom(bounds, zoom)
    side = cell_side(zoom)
    latitude, longitude = _TABLE.c.latitude, _TABLE.c.longitude
    columns = round(360 / side) + 1  # one for what lies on the 180th meridian
    query = (
        select(
            (_Cell(latitude + 90.0, side) * columns + _Cell(longitude + 180.0, side)).label("cell"),
            func.count(),
            func.avg(latitude),
            func.avg(longitude),
            func.min(_TABLE.c.id),
        )
        .where(_within(bounds), landmarks.NOT_DELETED, where)
        .group_by("cell")  # by name: PostgreSQL takes the same expression twice for two
        .order_by("cell")
    )
    found = connection.execute(query).all()
    names = _display_names(connection, [each[-1] for each in found])
    made = [
        LandmarkCluster(
            count,
            LatLng(mean_latitude, mean_longitude),
            *_corners(cell // columns, cell % columns, side),
            landmark_id,
            names[landmark_id],
        )
        for cell, count, mean_latitude, mean_longitude, landmark_id in found
    ]
    return LandmarkMap(made, zoom, sum(each.landmark_count for each in made))


def _within(bounds: Bounds) -> ColumnElement[bool]:
    west, east = bounds.southwest.longitude, bounds.northeast.longitude
    longitude = _TABLE.c.longitude
    across = longitude.between(west, east) if west <= east else or_(longitude >= west, longitude <= east)
    return and_(_TABLE.c.latitude.between(bounds.southwest.latitude, bounds.northeast.latitude), across)


def _corners(row: int, column: int, side: float) -> tuple[LatLng, LatLng]:
    """Of a cell; what lies on the north pole or on the 180th meridian is in one of no size."""
    south, west = row * side - 90.0, column * side - 180.0
    return LatLng(south, west), LatLng(min(south + side, 90.0), min(west + side, 180.0))


def _display_names(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(ids), _NAMED_AT_ONCE):
        query = select(_TABLE.c.id, _TABLE.c.display_name).where(_TABLE.c.id.in_(ids[start : start + _NAMED_AT_ONCE]))
        found.update((row.id, row.display_name) for row in connection.execute(query))
    return found


class _Cell(FunctionElement[int]):
    """The number of the cell, from 0, that holds a coordinate which is not negative."""

    type = BigInteger()
    inherit_cache = True


@compiles(_Cell)
def _floored(element: FunctionElement[Any], compiler: SQLCompiler, **options: object) -> str:
    coordinate, side = element.clauses
    return f"CAST(floor({compiler.process(coordinate / side, **options)}) AS BIGINT)"


@compiles(_Cell, "sqlite")
def _truncated(element: FunctionElement[Any], compiler: SQLCompiler, **options: object) -> str:
    # SQLite may have been built without floor(), and cuts off where it casts.
    coordinate, side = element.clauses
    return f"CAST({compiler.process(coordinate / side, **options)} AS INTEGER)"
