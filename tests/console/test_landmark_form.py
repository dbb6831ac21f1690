"""The form of a landmark: what is typed, what it means, and who was faster."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from steeple.client import Landmark, LatLng
from steeple.console.landmark_form import (
    LandmarkForm,
    changed,
    differences,
    labels_of,
    merged,
    metadata_sent,
    place_text,
    read,
    read_place,
)

EIFFEL = Landmark(
    "landmarks/eiffel",
    "Tour Eiffel",
    "Iron.\r\nTall.",
    LatLng(48.8583, 2.2945),
    {"wikidata": "Q243", "note": "two\nlines"},
    aliases={"de": ("Eiffelturm",), "en": ("Eiffel Tower", "The: Tower")},
    labels=("iron", "tower"),
    active=False,
)


def test_a_form_that_is_sent_back_as_it_came_changes_nothing() -> None:
    form = LandmarkForm.of(EIFFEL)
    back = LandmarkForm.sent(
        FormData([
            ("display_name", form.display_name),
            ("description", form.description.replace("\n", "\r\n")),  # as browsers do
            ("location", form.location),
            ("aliases", form.aliases.replace("\n", "\r\n")),
            ("labels", form.labels),
            *(("metadata_key", key) for key, _ in form.metadata),
            *(("metadata_value", value) for _, value in form.metadata),
            ("metadata_key", ""),
            ("metadata_value", ""),
        ])
    )  # fmt: skip
    assert changed(back, form) == []
    assert LandmarkForm.packed(form.pack()) == form
    values = read(back).values
    assert values["aliases"] == {"de": ["Eiffelturm"], "en": ["Eiffel Tower", "The: Tower"]}
    assert values["metadata"] == EIFFEL.metadata
    assert values["location"] == EIFFEL.location
    assert values["labels"] == ["iron", "tower"]
    assert values["active"] is False


def test_what_cannot_be_understood_is_told_beside_its_field() -> None:
    rows = (("", "value"),)
    problems = read(LandmarkForm(location="there", aliases="Eiffelturm", metadata=rows)).problems
    assert set(problems) == {"display_name", "location", "aliases", "metadata"}
    assert "fr: Eiffelturm" in problems["aliases"]
    twice = read(LandmarkForm("A", metadata=(("a", "1"), ("a", "2"))))
    assert "twice" in twice.problems["metadata"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("48.8583, 2.2945", LatLng(48.8583, 2.2945)),
        ("48.8583 2.2945", LatLng(48.8583, 2.2945)),
        ("33.9° S, 151.2° E", LatLng(-33.9, 151.2)),
        ("-22.95;-43.2", LatLng(-22.95, -43.2)),
        ("", None),
    ],
)
def test_places_are_read_as_people_write_them(text: str, place: LatLng | None) -> None:
    assert read_place(text) == place


@pytest.mark.parametrize("text", ["here", "48.8", "95, 10", "10, 190", "1,2,3", "nan, 1"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"atitude|ongitude"):
        read_place(text)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_place_comes_back(latitude: float, longitude: float) -> None:
    back = read_place(place_text(LatLng(latitude, longitude)))
    assert back is not None
    assert (back.latitude, back.longitude) == pytest.approx((latitude, longitude), abs=1e-9)


def test_two_people_who_change_different_fields_both_have_it_their_way() -> None:
    before = LandmarkForm("Old", "Old text.", labels="a")
    theirs = LandmarkForm("Old", "Their text.", labels="a b")
    mine = LandmarkForm("New", "My text.", labels="a")
    assert merged(mine, theirs, before) == LandmarkForm("New", "My text.", labels="a b")
    told = {each.title: (each.theirs, each.mine, each.both) for each in differences(mine, theirs, before)}
    assert told == {
        "Name": ("Old", "New", False),
        "Description": ("Their text.", "My text.", True),
        "Labels": ("a b", "a", False),
    }


@given(st.text(max_size=300))
def test_nothing_that_is_sent_as_remembered_breaks_a_form(text: str) -> None:
    LandmarkForm.packed(text)


def test_rows_without_anything_are_left_out() -> None:
    form = FormData([("metadata_key", "b"), ("metadata_value", " 1 "), ("metadata_key", ""), ("metadata_value", " ")])
    assert metadata_sent(form) == (("b", "1"),)
    assert labels_of(" church,paris  church\n") == ["church", "paris"]
