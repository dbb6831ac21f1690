"""Where things are on a map."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.client import LandmarkCluster, LatLng
from steeple.console.map_marks import marks, places_of, short
from steeple.console.web_map import LEAST_ZOOM, MOST_ZOOM, NORTHMOST, WebMap, degrees, words

MAPS = st.builds(
    WebMap.at,
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.integers(-3, 30),
    width=st.sampled_from([480, 960]),
    height=st.sampled_from([260, 560]),
)
PLACES = st.builds(LatLng, st.floats(-84, 84), st.floats(-180, 180))


def test_the_earth_is_a_square_whose_middle_is_at_0_0() -> None:
    view = WebMap.at(0, 0, 2, width=960, height=560)
    assert view.pixel(LatLng(0, 0)) == pytest.approx((480, 280))
    assert view.world == 1024
    assert view.pixel(LatLng(0, 90))[0] == pytest.approx(480 + 256)
    # Mercator: atanh(sin 45 degrees) / 2 pi of the earth's width.
    assert view.pixel(LatLng(45, 0))[1] == pytest.approx(280 - math.atanh(math.sin(math.pi / 4)) / (2 * math.pi) * 1024)


@given(MAPS, st.floats(0, 1), st.floats(0, 1))
def test_what_is_at_a_pixel_is_there(view: WebMap, across: float, down: float) -> None:
    x, y = across * view.width, down * view.height
    back = view.pixel(view.place(x, y))
    assert back[1] == pytest.approx(y, abs=0.05)
    assert math.isclose(back[0], x, abs_tol=0.05) or abs(abs(back[0] - x) - view.world) < 0.05


@given(MAPS)
def test_a_map_stays_on_the_earth(view: WebMap) -> None:
    assert LEAST_ZOOM <= view.zoom <= MOST_ZOOM
    assert -180 <= view.longitude <= 180
    assert view.top >= -0.01
    assert view.top + view.height <= view.world + 0.01
    assert -NORTHMOST - 0.01 <= view.southwest.latitude < view.northeast.latitude <= NORTHMOST + 0.01
    lands = list(view.lands())
    assert bool(lands) == (view.zoom <= 9)
    if lands:  # all of the picture is on one of them
        assert min(x for x, _, _ in lands) <= 0
        assert max(x for x, _, _ in lands) + view.world >= view.width


@given(st.lists(PLACES, min_size=1, max_size=8))
def test_a_map_around_places_shows_all_of_them(places: list[LatLng]) -> None:
    view = WebMap.around(places)
    for place in places:
        x, y = view.pixel(place)
        assert view.zoom == LEAST_ZOOM or 0 <= x <= view.width
        assert view.zoom == LEAST_ZOOM or 0 <= y <= view.height


def test_a_map_across_the_180th_meridian_is_small() -> None:
    view = WebMap.around([LatLng(-17.8, 178.0), LatLng(-13.8, -172.0)])  # Fiji and Samoa
    assert view.zoom >= 5
    assert abs(view.longitude) > 175
    assert view.southwest.longitude > view.northeast.longitude
    assert [x for x, _, _ in view.lands()] != []


@given(MAPS)
def test_an_address_brings_a_map_back(view: WebMap) -> None:
    again = WebMap.read(view.params(), width=view.width, height=view.height)
    assert again is not None
    assert again.zoom == view.zoom
    x, y = view.pixel(LatLng(again.latitude, again.longitude))
    assert math.isclose(y, view.height / 2, abs_tol=1.5)
    assert math.isclose(x % view.world, view.width / 2 % view.world, abs_tol=1.5)


@pytest.mark.parametrize("given_", [{}, {"lat": "x", "lon": "1", "zoom": "3"}, {"lat": "nan", "lon": "1", "zoom": "3"}])
def test_what_is_no_map_is_none(given_: dict[str, str]) -> None:
    assert WebMap.read(given_) is None


@given(MAPS)
def test_lines_and_scale_are_round_and_in_the_picture(view: WebMap) -> None:
    length, _ = view.scale()
    assert 28 <= length <= 140.0001
    meridians, parallels = list(view.meridians()), list(view.parallels())
    assert all(-0.1 <= x <= view.width + 0.1 for x, _ in meridians)
    assert all(-0.1 <= y <= view.height + 0.1 for y, _ in parallels)
    assert len(meridians) <= 12
    gaps = [after - before for (before, _), (after, _) in pairwise(meridians)]
    assert all(gap >= 80 for gap in gaps)


@given(MAPS)
def test_tiles_cover_the_picture_once(view: WebMap) -> None:
    tiles = list(view.tiles("https://tiles.example.org/{z}/{x}/{y}.png"))
    side = view.tile_side
    area = sum(
        max(0, min(x + side, view.width) - max(x, 0)) * max(0, min(y + side, view.height) - max(y, 0))
        for _, x, y in tiles
    )
    assert area == pytest.approx(view.width * view.height, rel=1e-6)
    for url, _, _ in tiles:
        zoom, column, row = map(int, url.removeprefix("https://tiles.example.org/").removesuffix(".png").split("/"))
        assert 0 <= column < 2**zoom
        assert 0 <= row < 2**zoom


def cluster(count: int, latitude: float, longitude: float, name: str = "A") -> LandmarkCluster:
    place = LatLng(latitude, longitude)
    corners = LatLng(latitude - 1, longitude - 1), LatLng(latitude + 1, longitude + 1)
    return LandmarkCluster(count, place, *corners, f"landmarks/{name.lower()}", name)


def test_single_landmarks_are_pins_and_many_are_circles() -> None:
    view = WebMap.at(0, 0, 4)
    pins, circles = marks(view, [cluster(1, 1, 1, "One"), cluster(1500, 10, 10), cluster(3, -10, -10)])
    assert [(pin.name, pin.label, pin.landmark_id) for pin in pins] == [("One", "One", "one")]
    assert [circle.text for circle in circles] == ["1.5k", "3"]
    assert circles[0].radius > circles[1].radius
    closer = circles[0].closer
    assert closer is not None
    assert (closer.zoom, round(closer.latitude), round(closer.longitude)) == (6, 10, 10)


def test_circles_that_overlap_are_one() -> None:
    view = WebMap.at(0, 0, 4)  # 11.4 pixels a degree
    _, circles = marks(view, [cluster(30, 0, 0), cluster(10, 0, 2), cluster(1, 0, -1), cluster(5, 0, 20)])
    assert [circle.count for circle in circles] == [41, 5]
    assert circles[0].x == pytest.approx(480 + (10 * 2 - 1) / 41 * 4096 / 360, abs=0.1)


def test_names_of_pins_do_not_lie_on_others() -> None:
    view = WebMap.at(0, 0, 8)
    pins, _ = marks(view, [cluster(1, 0, 0, "First landmark"), cluster(1, 0, 0.15, "Second landmark")])
    assert [pin.label for pin in pins] == ["", "Second landmark"], "the pin of the second is where the name would be"


@given(st.integers(1, 10**9))
def test_numbers_of_circles_are_short(count: int) -> None:
    assert len(short(count)) <= 5


def test_places_are_told_as_people_read_them() -> None:
    assert words(LatLng(48.8583, -2.2945)) == "48.85830° N, 2.29450° W"
    assert degrees(-30, "N", "S", 30) == "30° S"
    assert degrees(0, "N", "S", 0.5) == "0.0°"
    assert len(places_of([cluster(1, 0, 0), cluster(2, 5, 5)])) == 3
