"""Directions, hours and months of photos that say where and when they were taken."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.server.catalogue import LatLng
from steeple.server.catalogue.distances import EARTH_RADIUS, bearing, distance
from steeple.server.catalogue.records import Capture, TakenImage
from steeple.server.coverage.records import SECTORS
from steeple.server.coverage.surroundings import sector_of, surroundings_of

TOWER = LatLng(48.8584, 2.2945)


def moved(place: LatLng, degrees: float, meters: float) -> LatLng:
    """Where one is after so many metres in a direction, on the sphere."""
    angle, turn = meters / EARTH_RADIUS, math.radians(degrees)
    latitude, longitude = math.radians(place.latitude), math.radians(place.longitude)
    north = math.asin(math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(turn))
    east = longitude + math.atan2(
        math.sin(turn) * math.sin(angle) * math.cos(latitude), math.cos(angle) - math.sin(latitude) * math.sin(north)
    )
    return LatLng(math.degrees(north), (math.degrees(east) + 180) % 360 - 180)


def taken(place: LatLng | None = None, time: str = "", grade: int | None = 5, name: str = "one") -> TakenImage:
    return TakenImage(name, Capture(place, time), grade)


@given(st.floats(-80, 80), st.floats(-180, 180), st.floats(0, 359.99), st.floats(20, 20_000))
def test_a_bearing_is_the_direction_that_one_has_gone(
    latitude: float, longitude: float, degrees: float, meters: float
) -> None:
    place = LatLng(latitude, longitude)
    there = moved(place, degrees, meters)
    assert distance(place, there) == pytest.approx(meters, rel=1e-3)
    off = (bearing(place, there) - degrees + 180) % 360 - 180
    assert abs(off) < 0.1


@pytest.mark.parametrize(
    ("degrees", "name"),
    [(0, "north"), (22.4, "north"), (22.6, "north-east"), (180, "south"), (292.6, "north-west"), (337.6, "north")],
)
def test_sectors_lie_around_the_points_of_the_compass(degrees: float, name: str) -> None:
    assert SECTORS[sector_of(degrees)] == name


def test_photos_are_counted_where_they_were_taken_from() -> None:
    photos = [
        *(taken(moved(TOWER, degrees, meters)) for degrees, meters in ((1, 100), (359, 300), (5, 200), (91, 50))),
        taken(moved(TOWER, 200, 5)),
        taken(),
    ]
    found = surroundings_of(TOWER, photos)
    assert [sector.count for sector in found.sectors] == [3, 0, 1, 0, 0, 0, 0, 0]
    assert [sector.bearing for sector in found.sectors] == [0, 45, 90, 135, 180, 225, 270, 315]
    assert found.sectors[0].median_meters == pytest.approx(200, rel=1e-3)
    assert found.sectors[1].median_meters == 0
    assert (found.placed, found.near, found.looked_at) == (5, 1, 6)


def test_without_a_location_there_are_no_directions() -> None:
    found = surroundings_of(None, [taken(TOWER), taken()])
    assert (found.sectors, found.placed, found.near) == ((), 1, 0)


def test_times_are_those_of_the_cameras_clock() -> None:
    times = ["2024-05-01T12:30:00", "2024-05-31T23:59:59+02:00", "2023-12-01T00:00:00", ""]
    found = surroundings_of(TOWER, [taken(time=time) for time in times])
    assert found.timed == 3
    assert {hour: count for hour, count in enumerate(found.hours) if count} == {0: 1, 12: 1, 23: 1}
    assert {month + 1: count for month, count in enumerate(found.months) if count} == {5: 2, 12: 1}


def test_poor_photos_are_named() -> None:
    graded = [taken(grade=grade, name=f"g{grade}") for grade in (0, 1, 2, None)]
    assert surroundings_of(None, graded).poor_ids == ("g0", "g1")
