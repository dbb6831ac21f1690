"""Which images a search is limited to."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft, LatLng, Restriction
from steeple.server.catalogue.distances import distance
from steeple.server.catalogue.restriction import MAX_RADIUS

MakeFeatures = Callable[..., FeatureSet]

PARIS, LONDON, SYDNEY = LatLng(48.8584, 2.2945), LatLng(51.5007, -0.1246), LatLng(-33.8568, 151.2153)
DEGREE = 111_195.08  # metres of a great circle of the mean radius


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        (PARIS, PARIS, 0),
        (LatLng(0, 0), LatLng(0, 1), DEGREE),
        (LatLng(0, 0), LatLng(1, 0), DEGREE),
        (LatLng(60, 10), LatLng(60, 11), 55_597),  # a degree of longitude is half as wide there
        (LatLng(0, 179.5), LatLng(0, -179.5), DEGREE),
        (LatLng(89.5, 0), LatLng(89.5, 180), DEGREE),
        (LatLng(0, 0), LatLng(0, 180), 180 * DEGREE),
        (PARIS, LONDON, 341_000),
        (LONDON, SYDNEY, 16_990_000),
    ],
)
def test_distances_on_the_earth(one: LatLng, other: LatLng, metres: float) -> None:
    assert distance(one, other) == pytest.approx(metres, rel=2e-3, abs=1e-6)


@pytest.fixture
def filled(catalogue: Catalogue, make_features: MakeFeatures) -> dict[str, list[int]]:
    """Keys of each landmark's images."""
    places = {"paris": PARIS, "london": LONDON, "sydney": SYDNEY, "nowhere": None}
    keys = {}
    for number, (name, place) in enumerate(places.items()):
        kind = "tower" if name in ("paris", "nowhere") else "bridge"
        labels = ["tall", kind] if name == "paris" else [kind]
        draft = LandmarkDraft(name, location=place, metadata={"kind": kind, "name": name}, labels=labels)
        catalogue.create_landmark(draft, landmark_id=name)
        images = [catalogue.create_image(name, ImageDraft(make_features(10 * number + each))) for each in range(2)]
        keys[name] = [image.key for image in images]
    return keys


@pytest.mark.parametrize(
    ("restriction", "names"),
    [
        (Restriction(), {"paris", "london", "sydney", "nowhere"}),
        (Restriction(PARIS, 1.0), {"paris", "nowhere"}),
        (Restriction(LatLng(48.86, 2.29), 2000), {"paris", "nowhere"}),
        (Restriction(PARIS, 345_000), {"paris", "london", "nowhere"}),
        (Restriction(PARIS, 335_000), {"paris", "nowhere"}),
        (Restriction(LatLng(-33.0, -179.0), 5_000_000), {"sydney", "nowhere"}),
        (Restriction(PARIS, MAX_RADIUS), {"paris", "london", "sydney", "nowhere"}),
        (Restriction(metadata={"kind": "tower"}), {"paris", "nowhere"}),
        (Restriction(PARIS, 500_000, {"kind": "bridge"}), {"london"}),
        (Restriction(metadata={"kind": "tower", "name": "london"}), set()),
        (Restriction(metadata={"colour": "red"}), set()),
        (Restriction(labels=["tower"]), {"paris", "nowhere"}),
        (Restriction(labels=["tall", "tower"]), {"paris"}),
        (Restriction(metadata={"name": "london"}, labels=["tower"]), set()),
        (Restriction(PARIS, 345_000, located=True), {"paris", "london"}),
        (Restriction(located=True), {"paris", "london", "sydney", "nowhere"}),
    ],
)
def test_only_images_of_allowed_landmarks(
    catalogue: Catalogue, filled: dict[str, list[int]], restriction: Restriction, names: set[str]
) -> None:
    expected = sorted(key for name in names for key in filled[name])
    assert sorted(catalogue.image_keys(restriction)) == expected


@given(
    st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180), st.floats(1, MAX_RADIUS)
)  # fmt: skip
def test_the_database_leaves_out_nothing_that_is_near(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float, radius: float
) -> None:
    """What is near has a latitude within the radius."""
    here, there = LatLng(latitude, longitude), LatLng(other_latitude, other_longitude)
    if distance(here, there) <= radius:
        assert abs(latitude - other_latitude) <= math.degrees(radius / 6_371_008.8) + 1e-6


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"near": PARIS}, "radius_meters"),
        ({"near": PARIS, "radius_meters": -1.0}, "radius_meters"),
        ({"near": PARIS, "radius_meters": math.nan}, "radius_meters"),
        ({"near": PARIS, "radius_meters": math.inf}, "radius_meters"),
        ({"radius_meters": 10.0}, "near"),
        ({"near": LatLng(91, 0), "radius_meters": 10.0}, "location.latitude"),
        ({"near": LatLng(0, math.nan), "radius_meters": 10.0}, "location.longitude"),
        ({"metadata": {"": "x"}}, "metadata"),
        ({"labels": ["X"]}, "labels"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Restriction(**arguments)
    assert caught.value.metadata["field"] == field
