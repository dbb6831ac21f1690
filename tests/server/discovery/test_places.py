from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.server.catalogue import LatLng
from steeple.server.catalogue.distances import distance
from steeple.server.discovery.places import PlaceGrid, centre_and_extent, groups_by_distance

LATLNG = st.builds(LatLng, st.floats(-90, 90), st.floats(-180, 180))
# Few whole degrees close to the date line and the poles, so that places are often near each other.
CROWDED = st.builds(
    LatLng, st.sampled_from([-90.0, -89.5, 0.0, 0.4, 89.7]), st.sampled_from([-180.0, -179.6, 0.0, 180.0])
)


@given(st.lists(LATLNG | CROWDED, max_size=12), LATLNG | CROWDED, st.sampled_from([1.0, 60_000.0, 3e6, 2.1e7]))
def test_near_is_what_the_distances_say(places: list[LatLng], place: LatLng, radius: float) -> None:
    near = set(PlaceGrid(dict(enumerate(places)), radius).near(place))
    for key, other in enumerate(places):
        away = distance(place, other)
        if abs(away - radius) > 1e-3:  # metres: rounding may decide otherwise
            assert (key in near) == (away < radius)


@given(st.lists(CROWDED | LATLNG, max_size=10), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_places(places: list[LatLng], random: object) -> None:
    keys = list(range(len(places)))
    shuffled = sorted(keys, key=lambda key: random.random())  # type: ignore[attr-defined]
    first = groups_by_distance({key: places[key] for key in keys}, 60_000.0)
    second = groups_by_distance({key: places[key] for key in shuffled}, 60_000.0)
    assert {frozenset(group) for group in first} == {frozenset(group) for group in second}
    assert sorted(key for group in first for key in group) == keys


def test_the_date_line_and_the_poles_part_nobody() -> None:
    places = {
        "west": LatLng(-16.8, 179.9995),
        "east": LatLng(-16.8, -179.9995),  # 107 metres on
        "pole": LatLng(89.9999, 0.0),
        "beyond the pole": LatLng(89.9999, 180.0),  # 22 metres on
        "elsewhere": LatLng(-16.8, 179.99),
    }
    groups = {frozenset(group) for group in groups_by_distance(places, 200.0)}
    assert groups == {
        frozenset({"west", "east"}),
        frozenset({"pole", "beyond the pole"}),
        frozenset({"elsewhere"}),
    }


def test_who_is_in_between_joins() -> None:
    places = {number: LatLng(0.0, number * 0.001) for number in (0, 1, 2, 4)}  # 111 metres apart, and 222
    assert groups_by_distance(places, 120.0) == [[0, 1, 2], [4]]
    assert groups_by_distance(places, 230.0) == [[0, 1, 2, 4]]


def test_the_middle_of_places_on_both_sides_of_the_date_line_is_between_them() -> None:
    middle, extent = centre_and_extent([LatLng(0.0, 179.99), LatLng(0.0, -179.99)])
    assert middle is not None
    assert abs(middle.longitude) == pytest.approx(180.0)
    assert middle.latitude == pytest.approx(0.0)
    assert extent == pytest.approx(distance(LatLng(0.0, 179.99), LatLng(0.0, 180.0)), rel=1e-6)


def test_places_without_a_middle_have_one_of_their_own() -> None:
    assert centre_and_extent([]) == (None, 0.0)
    poles = [LatLng(90.0, 0.0), LatLng(-90.0, 0.0)]
    middle, extent = centre_and_extent(poles)
    assert middle == poles[0]
    assert extent == pytest.approx(math.pi * 6_371_008.8)
