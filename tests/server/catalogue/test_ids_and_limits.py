from __future__ import annotations

import math
import re
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import Catalogue, LandmarkDraft, LatLng, ids

RULE = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@pytest.mark.parametrize("good", ["a", "7", "a-b", "a--b", "0" * 63, "2nd-street"])
def test_well_formed_ids_pass(good: str) -> None:
    assert ids.check_id(good, "landmark_id") == good


@pytest.mark.parametrize(
    "bad", ["", "-", "a-", "-a", "A", "a_b", "a/b", "a b", "é", "a\n", "٣", "0" * 64, "x" * 10_000]
)
def test_malformed_ids_are_refused_in_short(bad: str) -> None:
    with pytest.raises(InvalidArgumentError, match="landmark_id must be 1 to 63") as caught:
        ids.check_id(bad, "landmark_id")
    assert caught.value.metadata == {"field": "landmark_id"}
    assert len(caught.value.message) < 250


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Big Ben", "big-ben"),
        ("  Sacré-Cœur, Paris! ", "sacre-coeur-paris"),
        ("Straße 7", "strasse-7"),
        ("Łódź / Ærø", "lodz-aero"),
        ("İstanbul", "istanbul"),
        ("東京タワー", ""),
        ("x" * 62 + " yz", "x" * 62),
    ],
)
def test_slugs(name: str, expected: str) -> None:
    assert ids.slug(name) == expected


@given(st.text(max_size=200))
def test_chosen_ids_obey_the_rule_and_differ(name: str) -> None:
    chosen = list(islice(ids.landmark_ids(name), 15))
    assert len(set(chosen)) == 15
    assert all(RULE.fullmatch(one) and len(one) <= 63 for one in chosen)


def test_image_ids_obey_the_rule() -> None:
    chosen = list(islice(ids.image_ids(), 500))
    assert len(set(chosen)) == 500
    assert all(RULE.fullmatch(one) and len(one) == 8 for one in chosen)


@pytest.mark.parametrize(
    "fields",
    [
        {"display_name": "x" * 200},
        {"display_name": "東"},
        {"description": "x" * 10_000},
        {"location": LatLng(-90, -180)},
        {"location": LatLng(90.0, 180.0)},
        {"metadata": {f"{number:064d}": "x" * 4096 for number in range(64)}},
    ],
)
def test_the_largest_that_is_allowed_comes_back(catalogue: Catalogue, fields: dict[str, Any]) -> None:
    landmark = catalogue.create_landmark(LandmarkDraft(**{"display_name": "Tower", **fields}), landmark_id="x")
    for name, value in fields.items():
        assert getattr(landmark, name) == value


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"display_name": ""}, "display_name"),
        ({"display_name": " \t"}, "display_name"),
        ({"display_name": "x" * 201}, "display_name"),
        ({"display_name": "a\0b"}, "display_name"),
        ({"description": "x" * 10_001}, "description"),
        ({"description": "\ud800"}, "description"),
        ({"location": LatLng(90.01, 0)}, "location.latitude"),
        ({"location": LatLng(math.nan, 0)}, "location.latitude"),
        ({"location": LatLng(0, -180.5)}, "location.longitude"),
        ({"location": LatLng(0, math.inf)}, "location.longitude"),
        ({"metadata": {str(number): "" for number in range(65)}}, "metadata"),
        ({"metadata": {"": "x"}}, "metadata"),
        ({"metadata": {"x" * 65: "x"}}, "metadata"),
        ({"metadata": {"x": "x" * 4097}}, "metadata"),
    ],
)
def test_what_breaks_the_contract_is_refused_by_name(catalogue: Catalogue, fields: dict[str, Any], field: str) -> None:
    catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="old")
    before = catalogue.get_landmark("old")
    with pytest.raises(InvalidArgumentError) as creating:
        catalogue.create_landmark(LandmarkDraft(**{"display_name": "Tower", **fields}))
    with pytest.raises(InvalidArgumentError) as updating:
        catalogue.update_landmark("old", **fields)
    assert creating.value.metadata == updating.value.metadata == {"field": field}
    assert catalogue.list_landmarks().items == (before,)
