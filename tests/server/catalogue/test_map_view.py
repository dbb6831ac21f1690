"""Landmarks counted by the cells of a map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import Catalogue, LandmarkDraft, LatLng
from steeple.server.catalogue.map_view import EVERYWHERE, MAX_CELLS, Bounds, cell_side, cell_zoom
from tests.engines.catalogues import Catalogues

PARIS = {"notre": (48.8530, 2.3499), "coeur": (48.8867, 2.3431), "eiffel": (48.8584, 2.2945)}


def fill(catalogue: Catalogue, places: dict[str, tuple[float, float]], **more: object) -> None:
    for landmark_id, place in places.items():
        draft = LandmarkDraft(landmark_id.title(), location=LatLng(*place), **more)  # type: ignore[arg-type]
        catalogue.create_landmark(draft, landmark_id=landmark_id)


def test_far_away_they_are_one_and_close_by_each_is_its_own(catalogue: Catalogue) -> None:
    fill(catalogue, PARIS)
    catalogue.create_landmark(LandmarkDraft("Nowhere"))
    far = catalogue.map_landmarks("", EVERYWHERE, 2)
    (one,) = far.clusters
    assert (one.landmark_count, one.landmark_id, one.display_name) == (3, "coeur", "Coeur")
    assert (one.southwest, one.northeast) == (LatLng(45, 0), LatLng(67.5, 22.5))
    assert one.center.latitude == pytest.approx((48.8530 + 48.8867 + 48.8584) / 3)
    assert (far.landmark_count, far.zoom) == (3, 2)
    near = catalogue.map_landmarks("", Bounds(LatLng(48.8, 2.2), LatLng(48.9, 2.4)), 14)
    assert [cluster.landmark_id for cluster in near.clusters] == ["notre", "eiffel", "coeur"]
    assert near.clusters[1].center == LatLng(48.8584, 2.2945)


def test_only_what_is_asked_for_is_counted(catalogue: Catalogue) -> None:
    fill(catalogue, PARIS, labels=["paris"])
    fill(catalogue, {"ben": (51.5007, -0.1246), "gone": (51.5, -0.12)})
    catalogue.delete_landmark("gone")
    assert catalogue.map_landmarks().landmark_count == 4
    assert catalogue.map_landmarks("labels:paris").landmark_count == 3
    assert catalogue.map_landmarks("NOT labels:paris").landmark_count == 1
    assert catalogue.map_landmarks('"eiff"').landmark_count == 1
    around_london = Bounds(LatLng(51, -1), LatLng(52, 1))
    assert [one.landmark_id for one in catalogue.map_landmarks("", around_london).clusters] == ["ben"]


def test_the_180th_meridian_is_crossed(catalogue: Catalogue) -> None:
    fill(catalogue, {"suva": (-18.14, 178.44), "apia": (-13.83, -171.76), "paris": (48.85, 2.35)})
    pacific = Bounds(LatLng(-30, 170), LatLng(0, -160))
    assert pacific.width == 30
    assert {one.landmark_id for one in catalogue.map_landmarks("", pacific, 5).clusters} == {"suva", "apia"}


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Bounds(LatLng(91, 0), LatLng(0, 0)), "southwest.latitude"),
        (lambda: Bounds(LatLng(0, 0), LatLng(0, float("nan"))), "northeast.longitude"),
        (lambda: Bounds(LatLng(10, 0), LatLng(9, 0)), "southwest.latitude"),
        (lambda: cell_zoom(EVERYWHERE, 23), "zoom"),
        (lambda: cell_zoom(EVERYWHERE, -1), "zoom"),
    ],
)
def test_no_part_of_the_earth_is_refused(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        make()
    assert caught.value.metadata["field"] == field


LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)


@given(LATITUDES, LATITUDES, LONGITUDES, LONGITUDES, st.integers(0, 22))
def test_there_are_never_more_cells_than_a_map_can_hold(
    one: float, other: float, west: float, east: float, asked: int
) -> None:
    bounds = Bounds(LatLng(min(one, other), west), LatLng(max(one, other), east))
    zoom = cell_zoom(bounds, asked)
    assert 0 <= zoom <= asked
    side = cell_side(zoom)
    # Parts of cells at either edge are cells too.
    assert (bounds.height / side) * (bounds.width / side) <= MAX_CELLS
    if zoom < asked:
        finer = cell_side(zoom + 1)
        assert (bounds.height / finer + 1) * (bounds.width / finer + 1) > MAX_CELLS


def test_the_whole_earth_has_cells_of_five_degrees() -> None:
    assert (cell_zoom(EVERYWHERE, 22), cell_side(4)) == (4, 5.625)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(LATITUDES, LONGITUDES), min_size=1, max_size=40), st.integers(0, 4))
def test_cells_hold_what_a_count_by_hand_says(
    catalogues: Catalogues, places: list[tuple[float, float]], zoom: int
) -> None:
    with catalogues.lent() as url, Catalogue.open(url) as catalogue:
        drafts = [(LandmarkDraft("T", location=LatLng(*place)), "") for place in places]
        catalogue.create_landmarks(drafts)
        found = catalogue.map_landmarks("", EVERYWHERE, zoom)
    side = cell_side(zoom)
    by_hand = Counter((int((latitude + 90) / side), int((longitude + 180) / side)) for latitude, longitude in places)
    assert sorted(cluster.landmark_count for cluster in found.clusters) == sorted(by_hand.values())
    assert found.landmark_count == len(places)
    for cluster in found.clusters:
        assert cluster.southwest.latitude <= cluster.center.latitude + 1e-9 <= cluster.northeast.latitude + 2e-9
        assert cluster.southwest.longitude <= cluster.center.longitude + 1e-9 <= cluster.northeast.longitude + 2e-9
