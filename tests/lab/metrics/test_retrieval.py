"""Metrics of rankings against values worked by hand, and what must hold for any ranking."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from steeple.lab.metrics import (
    RightPhotos,
    average_precision,
    found_within,
    n_s_score,
    precision_at,
    trapezoidal_average_precision,
)

AVERAGE_PRECISIONS = (average_precision, trapezoidal_average_precision)


def standing(found: str, missing: int = 0) -> RightPhotos:
    """A ranking of right (+), wrong (-) and ignored (o) photos, and how many right ones it lacks."""
    places = {sign: [place for place, each in enumerate(found) if each == sign] for sign in "+o"}
    right = [*places["+"], *range(1000, 1000 + missing)]
    return RightPhotos.of(np.arange(len(found)), right, places["o"])


def test_ignored_photos_hold_no_place() -> None:
    photos = standing("o+-o+", missing=1)
    assert photos.ranks.tolist() == [0, 2]
    assert photos.total == 3


def test_what_is_right_and_ignored_is_right() -> None:
    photos = RightPhotos.of(np.array([4, 2]), right=[2], ignored=[2, 4])
    assert (photos.ranks.tolist(), photos.total) == ([0], 1)


@pytest.mark.parametrize(
    ("found", "missing", "expected"),
    [
        # Two right ones at ranks 0 and 2. At the first, precision was 1 and is 1: 1. At the second it was 1/2 and
        # is 2/3: (1/2 + 2/3) / 2 = 7/12. Each is a step of 1/2 in recall: (1 + 7/12) / 2 = 19/24.
        ("+-+", 0, 19 / 24),
        # At rank 1 alone: it was 0 and is 1/2, so 1/4.
        ("-+", 0, 1 / 4),
        ("o-o+", 0, 1 / 4),
        # One found first, one not found: half of recall at precision 1.
        ("+---", 1, 1 / 2),
        ("---", 2, 0.0),
    ],
)
def test_trapezoids_by_hand(found: str, missing: int, expected: float) -> None:
    assert trapezoidal_average_precision(standing(found, missing)) == pytest.approx(expected)


def test_precision_at_each_right_photo_by_hand() -> None:
    assert average_precision(standing("+-+")) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(standing("-+o+", missing=1)) == pytest.approx((1 / 2 + 2 / 3) / 3)


def test_at_100_expects_no_more_than_100() -> None:
    # Of 150 right ones 100 can be shown, and are.
    assert average_precision(standing("+" * 150), 100) == 1.0
    # One right photo at place 101 counts nothing; beside it one at place 2: (1/2) / 2.
    assert average_precision(standing("-+" + "-" * 98 + "+"), 100) == pytest.approx(1 / 4)
    assert average_precision(standing("-" * 99 + "+"), 100) == pytest.approx(1 / 100)


@pytest.mark.parametrize(
    ("found", "missing", "places", "expected"),
    [
        ("+-+--", 0, 1, 1.0),
        ("+--+-", 1, 5, 2 / 5),
        # The last right photo stands at place 3: of the first ten only three are asked for.
        ("+-+-------", 0, 10, 2 / 3),
        ("o+o-+", 0, 10, 2 / 3),
        # One is not found, so that it stands behind all ten.
        ("+-+-------", 1, 10, 2 / 10),
        ("--", 1, 10, 0.0),
    ],
)
def test_precision_at_by_hand(found: str, missing: int, places: int, expected: float) -> None:
    assert precision_at(standing(found, missing), places) == pytest.approx(expected)


def test_found_within_by_hand() -> None:
    assert [found_within(standing("o--+"), places) for places in (1, 2, 3, 4)] == [0, 0, 1, 1]
    assert found_within(standing("--", missing=1), 5) == 0


def test_n_s_score_by_hand() -> None:
    assert n_s_score(standing("++-+")) == 3
    assert n_s_score(standing("++++")) == 4
    assert n_s_score(standing("----++++")) == 0


def test_queries_without_right_photos_do_not_count() -> None:
    nothing = standing("-o-")
    for figure in (*AVERAGE_PRECISIONS, n_s_score):
        assert math.isnan(figure(nothing))
    assert math.isnan(precision_at(nothing, 5))
    assert math.isnan(found_within(nothing, 5))


# --- what must hold for any ranking ---

RANKINGS = st.text("+-", min_size=1, max_size=30).filter(lambda found: "+" in found)


def place_by_place(found: str, missing: int) -> float:
    """Area under the curve of all places, as Oxford's program goes over them."""
    total = found.count("+") + missing
    area, right, recall, precision = 0.0, 0, 0.0, 1.0
    for place, sign in enumerate(found):
        right += sign == "+"
        now = right / total, right / (place + 1)
        area += (now[0] - recall) * (precision + now[1]) / 2
        recall, precision = now
    return area


@settings(deadline=None)
@given(RANKINGS, st.integers(0, 5))
def test_the_right_photos_alone_give_the_area_under_all_places(found: str, missing: int) -> None:
    assert trapezoidal_average_precision(standing(found, missing)) == pytest.approx(place_by_place(found, missing))


@settings(deadline=None)
@given(RANKINGS)
def test_scikit_learn_has_the_same_average_precision(found: str) -> None:
    expected = average_precision_score([sign == "+" for sign in found], -np.arange(len(found)))
    assert average_precision(standing(found)) == pytest.approx(expected)


@settings(deadline=None)
@given(RANKINGS, st.lists(st.integers(0, 30), max_size=10))
def test_ignored_photos_change_nothing(found: str, where: list[int]) -> None:
    mixed = found
    for place in where:
        mixed = mixed[:place] + "o" + mixed[place:]
    for figure in (*AVERAGE_PRECISIONS, n_s_score):
        assert figure(standing(mixed)) == figure(standing(found))
    for places in (1, 5, 10):
        assert precision_at(standing(mixed), places) == precision_at(standing(found), places)
        assert found_within(standing(mixed), places) == found_within(standing(found), places)


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(0, 20), st.integers(1, 10))
def test_a_perfect_ranking_has_all(right: int, wrong: int, places: int) -> None:
    photos = standing("+" * right + "-" * wrong)
    assert [figure(photos) for figure in AVERAGE_PRECISIONS] == pytest.approx([1, 1])
    assert average_precision(photos, 5) == pytest.approx(1)
    assert precision_at(photos, places) == 1
    assert found_within(photos, places) == 1


@settings(deadline=None)
@given(RANKINGS, st.data())
def test_a_right_photo_that_moves_up_never_costs(found: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, max(1, len(found) - 1)))
    if found[place - 1 : place + 1] == "-+":
        swapped = found[: place - 1] + "+-" + found[place + 1 :]
        for figure in AVERAGE_PRECISIONS:
            assert figure(standing(swapped)) > figure(standing(found))
        for at in (average_precision, precision_at, found_within):
            assert at(standing(swapped), 3) >= at(standing(found), 3)


@settings(deadline=None)
@given(RANKINGS, st.integers(0, 10), st.integers(1, 40))
def test_shares_are_shares(found: str, missing: int, places: int) -> None:
    photos = standing(found, missing)
    values = [figure(photos) for figure in AVERAGE_PRECISIONS]
    values += [figure(photos, places) for figure in (average_precision, precision_at, found_within)]
    assert all(0 <= value <= 1 for value in values)
    assert 0 <= n_s_score(photos) <= 4
