"""What of the catalogue is looked at: from a page's address to a filter of lists, and back."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.client import View, ViewCollection
from steeple.console.catalogue_query import GRADES, ORDERS, PHOTOS, SIZES, STATES, CatalogueQuery
from steeple.errors import InvalidArgumentError
from steeple.server.catalogue.filter_parser import parse
from steeple.server.catalogue.filters import condition
from steeple.server.catalogue.landmarks import FILTERS
from steeple.server.catalogue.landmarks import ORDERS as LIST_ORDERS
from steeple.server.catalogue.ordering import read_order

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
QUERIES: st.SearchStrategy[dict[str, str]] = st.builds(
    dict,
    q=TEXTS,
    labels=TEXTS,
    state=st.sampled_from([value for value, _ in STATES]) | TEXTS,
    photos=st.sampled_from([value for value, _ in PHOTOS]) | TEXTS,
    grade=st.sampled_from([value for value, _ in GRADES]) | TEXTS,
    order=st.sampled_from([value for value, _ in ORDERS]),
    size=st.sampled_from(list(map(str, SIZES))) | TEXTS,
)


@pytest.mark.parametrize(
    ("fields", "filter"),
    [
        ({}, ""),
        ({"q": 'notre "dame de" paris'}, '"notre" AND "dame de" AND "paris"'),
        ({"q": 'a\\" OR b'}, '"a\\\\" AND "OR" AND "b"'),
        ({"labels": " church,Paris church "}, 'labels:"church" AND labels:"paris"'),
        ({"state": "inactive"}, "active = false"),
        ({"state": "deleted"}, "deleted = true"),
        ({"photos": "0"}, "reference_image_count = 0"),
        ({"photos": "1-4"}, "reference_image_count >= 1 AND reference_image_count <= 4"),
        ({"photos": "20-", "grade": "-2"}, "reference_image_count >= 20 AND best_grade <= 2"),
        ({"filter": "a OR b", "state": "active"}, "active = true AND (a OR b)"),
        ({"photos": "many", "grade": "-", "state": "lost", "size": "7"}, ""),
    ],
)
def test_fields_make_a_filter(fields: dict[str, str], filter: str) -> None:
    assert CatalogueQuery.read(fields).list_filter == filter


@given(QUERIES)
def test_whatever_is_typed_makes_a_filter_and_an_order_that_lists_take(fields: dict[str, str]) -> None:
    query = CatalogueQuery.read(fields)
    parse(query.list_filter)
    with contextlib.suppress(InvalidArgumentError):  # which the page tells: of names that are nothing but accents
        condition(query.list_filter, FILTERS)
    read_order(query.list_order, LIST_ORDERS)


@given(QUERIES)
def test_an_address_brings_back_what_it_was_made_of(fields: dict[str, str]) -> None:
    query = CatalogueQuery.read(fields)
    assert CatalogueQuery.of_text(query.text()) == query
    assert CatalogueQuery.read(dict(parse_qsl(urlsplit(query.path()).query))) == query
    for _, rest in query.chips():
        assert len(rest.chips()) == len(query.chips()) - 1


def test_an_address_has_what_is_not_as_usual() -> None:
    query = CatalogueQuery(q="a&b", order="id")
    assert query.path(page="t=") == "/landmarks?q=a%26b&order=id&page=t%3D"
    assert query.path("/map", lat="1", undo="") == "/map?q=a%26b&order=id&lat=1"
    assert CatalogueQuery().path() == "/landmarks"
    assert query.labelled("church").labelled("church").labels == "church"
    assert replace(query, state="deleted").map_filter == query.map_filter


def test_a_view_is_looked_at_as_it_was_saved() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    view = View("views/x", "X", ViewCollection.LANDMARKS, "active = true", "id", {}, False, "open", now, now, "e")
    query = CatalogueQuery.of_view(view)
    assert (query.list_filter, query.list_order) == ("(active = true)", "id")
    saved = CatalogueQuery(labels="church", photos="1-4")
    assert CatalogueQuery.of_view(replace(view, layout={"query": saved.text()})) == saved
