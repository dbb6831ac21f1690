"""What photos lack, in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.server.coverage.gaps import gaps_of, months_without
from steeple.server.coverage.records import Gap, GapKind, Sector, Surroundings
from steeple.server.coverage.views import Views, views_of

from .test_views import image, pair

EVERY_HOUR, EVERY_MONTH = (1,) * 24, (1,) * 12


def around(
    sectors: tuple[int, ...] = (1,) * 8,
    hours: tuple[int, ...] = EVERY_HOUR,
    months: tuple[int, ...] = EVERY_MONTH,
    *,
    placed: int = 24,
    timed: int = 24,
    poor: tuple[str, ...] = (),
    looked_at: int = 24,
) -> Surroundings:
    told = tuple(Sector(45.0 * number, count, 100.0) for number, count in enumerate(sectors))
    return Surroundings(told, placed, 0, hours, months, timed, poor, looked_at)


def connected(count: int) -> Views:
    """So many photos that all see the same."""
    return views_of([image(key) for key in range(1, count + 1)], [pair(key, key + 1) for key in range(1, count)])


def kinds(gaps: list[Gap]) -> list[GapKind]:
    return [gap.kind for gap in gaps]


def test_nothing_is_missing_where_all_is_there() -> None:
    assert gaps_of(24, connected(24), around(), partial=False) == []


def test_a_landmark_without_photos_needs_some() -> None:
    (gap,) = gaps_of(0, connected(0), around(placed=0, timed=0, looked_at=0), partial=False)
    assert gap.kind is GapKind.FEW_VIEWS
    assert "There is no photo" in gap.text


def test_what_photos_see_is_said() -> None:
    views = views_of(
        [image(key) for key in range(1, 8)], [pair(1, 2, near_duplicate=True), pair(2, 3), pair(4, 5), pair(5, 6)]
    )
    found = gaps_of(7, views, around(), partial=False)
    assert kinds(found) == [GapKind.SEPARATE_GROUPS, GapKind.SINGLE_IMAGES]
    assert found[0].text.startswith("2 groups of photos (3 and 3) have nothing in common")
    assert found[0].image_ids == ("i2", "i5")
    assert found[1].text.startswith("1 photo agrees with no other: it shows another side")
    assert found[1].image_ids == ("i7",)
    assert gaps_of(7, views, around(), partial=True) == [], "what was not looked for may agree yet"


@pytest.mark.parametrize(("count", "says"), [(1, "There is only 1 different view:"), (4, "There are only 4 different")])
def test_few_views_are_said(count: int, says: str) -> None:
    found = gaps_of(count, connected(count), around(), partial=False)
    assert kinds(found) == [GapKind.FEW_VIEWS]
    assert found[0].text.startswith(says)


def test_directions_are_named() -> None:
    (gap,) = gaps_of(24, connected(24), around((3, 1, 0, 2, 2, 2, 0, 0)), partial=False)
    assert gap == Gap(
        GapKind.SECTORS,
        "Of 10 photos that say where they were taken, none was taken from the east, west or north-west of it.",
    )
    assert gaps_of(24, connected(24), around((1, 1, 0, 0, 0, 0, 0, 0)), partial=False) == [], "two say nothing"


def test_times_are_named() -> None:
    day = tuple(int(8 <= hour < 18) for hour in range(24))
    summer = tuple(int(4 <= month <= 8) for month in range(12))
    hours, months = gaps_of(24, connected(24), around(hours=day, months=summer), partial=False)
    assert hours == Gap(GapKind.HOURS, "Of 24 photos that say when they were taken, none was taken at night (21 to 5).")
    assert months == Gap(
        GapKind.MONTHS, "Of 24 photos that say when they were taken, none was taken from October to April."
    )
    noon = tuple(int(hour == 12) for hour in range(24))
    (gap,) = gaps_of(24, connected(24), around(hours=noon), partial=False)
    assert gap.text == (
        "Of 24 photos that say when they were taken, none was taken in the morning (5 to 10), in the "
        "late afternoon and evening (15 to 21) or at night (21 to 5)."
    )
    assert gaps_of(24, connected(24), around(hours=noon, timed=2, looked_at=2), partial=False) == []


def test_what_is_not_known_is_said() -> None:
    found = gaps_of(24, connected(24), around((), placed=11, timed=1), partial=False)
    assert kinds(found) == [GapKind.UNKNOWN] * 3
    assert "has no location" in found[0].text
    assert found[1].text == "It is not known where most photos were taken: 11 of 24 photos say."
    assert found[2].text == "It is not known when most photos were taken: 1 of 24 photos says."


def test_poor_photos_are_named() -> None:
    found = gaps_of(24, connected(24), around(poor=tuple(f"i{key}" for key in range(30))), partial=False)
    assert kinds(found) == [GapKind.POOR_IMAGES]
    assert found[0].text.startswith("30 photos of grade 0 or 1")
    assert len(found[0].image_ids) == 20


@given(st.lists(st.booleans(), min_size=12, max_size=12).filter(any))
def test_runs_of_months_are_all_that_have_none(there: list[bool]) -> None:
    runs = months_without([int(one) for one in there])
    without = [(first + step) % 12 for first, length in runs for step in range(length)]
    assert sorted(without) == [month for month in range(12) if not there[month]]
    for first, length in runs:
        assert there[(first - 1) % 12]
        assert there[(first + length) % 12]
