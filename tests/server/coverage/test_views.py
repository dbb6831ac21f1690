"""Groups of photos that see the same, of pairs that are known."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from steeple.server.catalogue import ReferenceImage
from steeple.server.coverage.records import LINKED
from steeple.server.coverage.views import views_of
from steeple.server.discovery import Pair


def image(key: int) -> ReferenceImage:
    return ReferenceImage(
        key=key,
        landmark_id="tower",
        id=f"i{key}",
        model="delf",
        width=640,
        height=480,
        feature_count=100,
        sha256="",
        size_bytes=0,
        media_type="",
        metadata={},
        create_time=datetime(2027, 1, 1, tzinfo=UTC),
        etag="",
    )


def pair(first: int, second: int, inliers: int = 200, *, near_duplicate: bool = False) -> Pair:
    return Pair(first, second, inliers, inliers / 10, near_duplicate)


def test_links_make_groups() -> None:
    pairs = [pair(1, 2), pair(2, 3, 90), pair(4, 5), pair(2, 6, 300, near_duplicate=True), pair(1, 4, 5)]
    assert pairs[-1].weight < LINKED
    found = views_of([image(key) for key in (7, 6, 5, 4, 3, 2, 1)], pairs)
    assert [group.image_ids for group in found.groups] == [("i2", "i6", "i3", "i1"), ("i5", "i4")]
    assert [group.views for group in found.groups] == [3, 2]
    assert found.single_ids == ["i7"]
    assert [(one.image.id, one.group) for one in found.images] == [
        ("i2", 1),
        ("i6", 1),
        ("i3", 1),
        ("i1", 1),
        ("i5", 2),
        ("i4", 2),
        ("i7", 0),
    ]
    view = {one.image.id: one.view for one in found.images}
    assert view["i2"] == view["i6"]
    assert len(set(view.values())) == 6
    told = [(found.images[one.first].image.id, found.images[one.second].image.id, one.inliers) for one in found.matches]
    assert told == [("i2", "i6", 300), ("i2", "i1", 200), ("i5", "i4", 200), ("i2", "i3", 90)]


def test_photos_that_nothing_is_known_of_stand_alone() -> None:
    found = views_of([image(1), image(2)], [pair(1, 9)])
    assert (found.groups, found.matches, found.single_ids) == ([], [], ["i1", "i2"])
    assert views_of([], []).images == []


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12), st.booleans()), max_size=30), st.randoms())
def test_groups_do_not_depend_on_the_order_of_pairs(drawn: list[tuple[int, int, bool]], random: object) -> None:
    pairs = list(
        {
            (min(ends), max(ends)): pair(min(ends), max(ends), near_duplicate=alike)
            for *ends, alike in drawn
            if ends[0] != ends[1]
        }.values()
    )
    images = [image(key) for key in range(1, 13)]
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = views_of(images, pairs), views_of(images, shuffled)
    assert one.groups == other.groups
    assert one.single_ids == other.single_ids
    assert one.matches == other.matches
    assert sum(len(group.image_ids) for group in one.groups) + len(one.single_ids) == 12
    for match in one.matches:
        ends = one.images[match.first], one.images[match.second]
        assert ends[0].group == ends[1].group > 0
        assert not match.near_duplicate or ends[0].view == ends[1].view
