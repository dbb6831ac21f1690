from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft, pages

IDS = st.from_regex(r"[a-d0-3](-[a-d])?", fullmatch=True)


def fill(catalogue: Catalogue, count: int) -> None:
    for number in range(count):
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id=f"t{number:03d}")


def test_pages_follow_each_other(catalogue: Catalogue, make_features: Callable[..., FeatureSet]) -> None:
    catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
    for image_id in "edcba":
        catalogue.create_image("x", ImageDraft(make_features()), image_id=image_id)
    first = catalogue.list_images("x", page_size=2)
    second = catalogue.list_images("x", page_size=2, page_token=first.next_page_token)
    third = catalogue.list_images("x", page_size=2, page_token=second.next_page_token)
    assert [[image.id for image in page.items] for page in (first, second, third)] == [["a", "b"], ["c", "d"], ["e"]]
    assert third.next_page_token == ""
    assert {page.total_size for page in (first, second, third)} == {5}


def test_a_full_last_page_has_no_next(catalogue: Catalogue) -> None:
    fill(catalogue, 4)
    page = catalogue.list_landmarks(page_size=2)
    assert catalogue.list_landmarks(page_size=2, page_token=page.next_page_token).next_page_token == ""


def test_no_landmarks_make_one_empty_page(catalogue: Catalogue) -> None:
    assert catalogue.list_landmarks() == catalogue.list_landmarks(page_size=0)
    assert catalogue.list_landmarks().items == ()


def test_the_page_size_has_a_default_and_a_limit(catalogue: Catalogue) -> None:
    assert [pages.check_page_size(size) for size in (0, 1, 1000, 1001, 2**31 - 1)] == [50, 1, 1000, 1000, 1000]
    with pytest.raises(InvalidArgumentError, match="page_size must be 0"):
        catalogue.list_landmarks(page_size=-1)
    fill(catalogue, 51)
    assert len(catalogue.list_landmarks(page_size=0).items) == 50


@pytest.mark.parametrize(
    "bad", ["!", "a", "é", "AAAA", base64.urlsafe_b64encode(b"9 landmarks a").decode().rstrip("=")]
)
def test_a_token_that_was_never_given_out_is_refused(catalogue: Catalogue, bad: str) -> None:
    with pytest.raises(InvalidArgumentError, match="page_token is not one that a list of landmarks "):
        catalogue.list_landmarks(page_token=bad)


def test_a_token_of_another_list_is_refused(catalogue: Catalogue) -> None:
    fill(catalogue, 2)
    token = catalogue.list_landmarks(page_size=1).next_page_token
    with pytest.raises(InvalidArgumentError, match="a list of landmarks/t001/images"):
        catalogue.list_images("t001", page_token=token)


@pytest.mark.parametrize(
    "other",
    [{"filter": "id = t000"}, {"filter": " "}, {"order_by": "create_time"}, {"order_by": "id"}, {"show_deleted": True}],
)
def test_a_token_belongs_to_its_filter_and_order(catalogue: Catalogue, other: dict[str, Any]) -> None:
    fill(catalogue, 3)
    token = catalogue.list_landmarks(1).next_page_token
    assert [landmark.id for landmark in catalogue.list_landmarks(1, token).items] == ["t001"]
    with pytest.raises(InvalidArgumentError, match="page_token is not one that a list of landmarks with this filter"):
        catalogue.list_landmarks(1, token, **other)


ORDER = "create_time, display_name, reference_image_count"
LIST = hashlib.sha256(json.dumps(["landmarks", "", ORDER, False]).encode()).hexdigest()[:16]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=9)
    | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
PLACES = st.tuples(
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | JSON,
    st.text(max_size=5) | JSON,
    st.integers() | JSON,
    st.text(max_size=5) | JSON,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLACES.map(lambda place: pages.encode_page_token(LIST, place)) | st.text(max_size=60))
def test_any_token_is_answered_or_refused(catalogue: Catalogue, token: str) -> None:
    """Also those that somebody made who knows how."""
    with contextlib.suppress(InvalidArgumentError):
        assert catalogue.list_landmarks(page_token=token, order_by=ORDER).items == ()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    initial=st.sets(IDS, min_size=1, max_size=12),
    size=st.integers(1, 5),
    meanwhile=st.lists(st.tuples(st.sampled_from(["add", "remove"]), IDS), max_size=12),
)
def test_each_item_is_visited_once_while_others_come_and_go(
    catalogue: Catalogue, initial: set[str], size: int, meanwhile: list[tuple[str, str]]
) -> None:
    for landmark in catalogue.list_landmarks(page_size=1000).items:
        catalogue.delete_landmark(landmark.id)
    for landmark_id in initial:
        catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id=landmark_id)
    there, removed = set(initial), set[str]()
    visited: list[str] = []
    token, steps = "", iter(meanwhile)
    while True:
        page = catalogue.list_landmarks(page_size=size, page_token=token)
        assert page.total_size == len(there)
        visited += [landmark.id for landmark in page.items]
        token = page.next_page_token
        if not token:
            break
        what, landmark_id = next(steps, ("rest", ""))
        if what == "add" and landmark_id not in there:
            catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id=landmark_id)
            there.add(landmark_id)
        elif what == "remove" and landmark_id in there:
            catalogue.delete_landmark(landmark_id)
            there.remove(landmark_id)
            removed.add(landmark_id)
    assert visited == sorted(set(visited))
    assert initial - removed <= set(visited) <= there | removed


def test_a_page_of_long_texts_has_fewer_items(catalogue: Catalogue) -> None:
    """Five landmarks of 0.8 MB: no page is beyond what any client takes, and every one of them comes once."""
    for number in range(5):
        metadata = {f"key-{entry}": "\u65e5" * 4096 for entry in range(64)}
        metadata["number"] = metadata.pop("key-0")
        catalogue.create_landmark(LandmarkDraft(f"L{number}", description="\U0001f5fc" * 10_000, metadata=metadata))
    seen, token, sizes = [], "", []
    while True:
        page = catalogue.list_landmarks(1000, token)
        assert page.total_size == 5
        sizes.append(len(page.items))
        seen += [item.id for item in page.items]
        token = page.next_page_token
        if not token:
            break
    assert sizes == [4, 1]
    assert seen == [f"l{number}" for number in range(5)]


@pytest.mark.parametrize("place", [["\ud800"], ["a\0b"], [7], ["x" * 1001], ["a", "b"]])
def test_a_forged_token_of_a_list_by_id_is_refused(place: list[object]) -> None:
    assert pages.last_id("keys", pages.encode_page_token("keys", ["k2"])) == "k2"
    with pytest.raises(InvalidArgumentError, match="page_token"):
        pages.last_id("keys", pages.encode_page_token("keys", place))


@pytest.mark.parametrize("place", [["soon"], ["9" * 30], ["\ud800"], [7], [""]])
def test_a_forged_token_of_a_list_by_number_is_refused(place: list[object]) -> None:
    assert pages.last_number("events", pages.encode_page_token("events", ["42"])) == 42
    with pytest.raises(InvalidArgumentError, match="page_token"):
        pages.last_number("events", pages.encode_page_token("events", place))
