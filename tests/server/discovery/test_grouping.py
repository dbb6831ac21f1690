from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import LatLng
from steeple.server.discovery import DiscoveryOptions, Group, HeapPhoto, LeftoverReason, Pair, group_photos
from steeple.server.discovery.linkage import SEEN_BY_EACH, clusters

from .conftest import Heap

HERE, A_KILOMETRE_ON, FAR_AWAY = LatLng(51.5, -0.12), LatLng(51.509, -0.12), LatLng(48.85, 2.35)
NAMES = ("a0", "a1", "a2", "b0", "b1", "b2", "burst", "both", "stranger")
STRONG, FAIR, CHANCE = 300, 24, 10  # inliers: of photos of one thing, of such at one place, of any


def photo(key: int, location: LatLng | None = None, landmark_id: str = "") -> HeapPhoto:
    return HeapPhoto(key, f"{key * 7919 % 1000:064}", location, landmark_id)


def pair(first: int, second: int, inliers: int = STRONG, *, near_duplicate: bool = False) -> Pair:
    return Pair(first, second, inliers, inliers / 3, near_duplicate)


def members(groups: Iterable[Group]) -> set[frozenset[int]]:
    return {frozenset(group.photos) for group in groups}


def names_of(heap: Heap, groups: Iterable[Group]) -> set[frozenset[str]]:
    names = {key: name for name, key in heap.keys.items()}
    return {frozenset(names[key] for key in group.photos) for group in groups}


# --- synthetic photos, matched in earnest ---


def test_two_buildings_at_one_place_are_two_groups_whatever_shows_both(heap: Heap) -> None:
    for place in (None, HERE):
        photos = [HeapPhoto(key, name, place) for name, key in heap.keys.items()]
        found = group_photos(photos, heap.pairs, DiscoveryOptions())
        groups = names_of(heap, found.groups)
        assert len(groups) == 2
        first, second = sorted(groups, key=lambda group: "a0" not in group)
        assert {"a0", "a1", "a2", "burst"} <= first <= {"a0", "a1", "a2", "burst", "both"}
        assert {"b0", "b1", "b2"} <= second <= {"b0", "b1", "b2", "both"}
        assert [heap.keys["stranger"]] in [list(keys) for keys in found.leftovers.values()]


def test_one_building_at_two_readings_is_one_group(heap: Heap) -> None:
    places = {"a0": HERE, "a1": A_KILOMETRE_ON, "a2": A_KILOMETRE_ON}
    photos = [HeapPhoto(heap.keys[name], name, place) for name, place in places.items()]
    pairs = [each for each in heap.pairs if {each.first, each.second} <= {one.key for one in photos}]
    assert names_of(heap, group_photos(photos, pairs, DiscoveryOptions()).groups) == {frozenset(places)}


def test_a_burst_is_one_view_and_a_panorama_is_not_the_photo_it_contains(heap: Heap) -> None:
    burst = heap.pair("a0", "burst")
    assert burst is not None
    assert burst.near_duplicate
    for name in ("a1", "a2", "both"):
        other = heap.pair("a0", name)
        assert other is not None
        assert other.inliers > STRONG / 2
        assert not other.near_duplicate, name
    photos = [HeapPhoto(heap.keys[name], name) for name in NAMES]
    found = group_photos(photos, heap.pairs, DiscoveryOptions())
    (group,) = [group for group in found.groups if heap.keys["a0"] in group.photos]
    assert [sorted([heap.keys["a0"], heap.keys["burst"]])] == [
        sorted(view) for view in group.views.values() if heap.keys["a0"] in view
    ]


# --- made-up pairs ---


def test_ten_copies_of_one_photo_are_one_view_and_no_landmark() -> None:
    photos = [photo(key) for key in range(10)]
    pairs = [pair(one, other, near_duplicate=True) for one in range(10) for other in range(one + 1, 10)]
    found = group_photos(photos, pairs, DiscoveryOptions())
    assert found.groups == ()
    assert {reason: len(keys) for reason, keys in found.leftovers.items()} == {LeftoverReason.FEW_VIEWS: 10}
    (alone,) = group_photos(photos, pairs, DiscoveryOptions(min_views=1)).groups
    assert len(alone.views) == 1


def test_leftovers_say_why() -> None:
    photos = [photo(key) for key in range(5)]
    found = group_photos(photos, [pair(0, 1), pair(2, 3, CHANCE)], DiscoveryOptions(min_views=3))
    assert {reason: sorted(keys) for reason, keys in found.leftovers.items()} == {
        LeftoverReason.FEW_VIEWS: [0, 1],
        LeftoverReason.WEAK_MATCH: [2, 3],
        LeftoverReason.NO_MATCH: [4],
    }


def test_at_one_place_fewer_inliers_are_enough() -> None:
    pairs = [pair(0, 1, FAIR), pair(1, 2, FAIR), pair(0, 2, FAIR)]
    for place, together in ((HERE, True), (None, False)):
        found = group_photos([photo(key, place) for key in range(3)], pairs, DiscoveryOptions())
        assert bool(found.groups) == together
    spread = [photo(0, HERE), photo(1, A_KILOMETRE_ON), photo(2)]
    assert group_photos(spread, pairs, DiscoveryOptions()).groups == ()
    wide = DiscoveryOptions(radius_meters=1500)
    near = [photo(0, HERE), photo(1, A_KILOMETRE_ON), photo(2, HERE)]
    assert [len(group.photos) for group in group_photos(near, pairs, wide).groups] == [3]
    assert group_photos(near[:2], pairs[:1], wide).groups == ()  # two fair views alone are too little


def test_what_is_identified_is_an_addition_to_its_landmark() -> None:
    photos = [photo(0, landmark_id="tower"), photo(1, landmark_id="tower"), photo(2), photo(3, landmark_id="tower")]
    found = group_photos([*photos, photo(4)], [pair(0, 1), pair(1, 2), pair(0, 2)], DiscoveryOptions())
    (group,) = found.groups
    assert (group.landmark_id, sorted(group.photos)) == ("tower", [0, 1, 2, 3])  # 3 matches nothing else


def test_one_photo_of_many_that_is_identified_names_no_group() -> None:
    photos = [photo(key, landmark_id="tower" if key == 0 else "") for key in range(5)]
    pairs = [pair(one, other) for one in range(5) for other in range(one + 1, 5)]
    (group,) = group_photos(photos, pairs, DiscoveryOptions()).groups
    assert group.landmark_id == ""


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"radius_meters": 0.0}, "options.radius_meters"),
        ({"radius_meters": float("nan")}, "options.radius_meters"),
        ({"reach_meters": 3e7}, "options.reach_meters"),
        ({"radius_meters": 600.0, "reach_meters": 500.0}, "options.radius_meters"),
        ({"min_views": 0}, "options.min_views"),
    ],
)
def test_bad_options_name_the_field(options: dict[str, float], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        DiscoveryOptions(**options)  # type: ignore[arg-type]
    assert error.value.metadata["field"] == field


PAIRS = st.dictionaries(
    st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda ends: ends[0] < ends[1]),
    st.tuples(st.sampled_from([CHANCE, FAIR, FAIR + 1, STRONG]), st.booleans()),
    max_size=20,
)


@given(PAIRS, st.lists(st.sampled_from([None, HERE, FAR_AWAY]), min_size=9, max_size=9), st.integers(0, 2**32))
def test_the_order_of_photos_and_pairs_does_not_matter(
    found: dict[tuple[int, int], tuple[int, bool]], places: list[LatLng | None], seed: int
) -> None:
    photos = [photo(key, place) for key, place in enumerate(places)]
    pairs = [pair(*ends, inliers, near_duplicate=near) for ends, (inliers, near) in found.items()]
    shuffle = random.Random(seed)  # noqa: S311
    first = group_photos(photos, pairs, DiscoveryOptions())
    shuffled_photos, shuffled_pairs = shuffle.sample(photos, len(photos)), shuffle.sample(pairs, len(pairs))
    second = group_photos(shuffled_photos, shuffled_pairs, DiscoveryOptions())
    assert [group.photos for group in first.groups] == [group.photos for group in second.groups]
    assert {reason: set(keys) for reason, keys in first.leftovers.items()} == {
        reason: set(keys) for reason, keys in second.leftovers.items()
    }
    every = [key for group in first.groups for key in group.photos] + [
        key for keys in first.leftovers.values() for key in keys
    ]
    assert sorted(every) == list(range(9))


# --- clusters ---


def test_one_node_does_not_join_two_clusters_and_two_nodes_do() -> None:
    first, second = [0, 1, 2, 3], [5, 6, 7, 8]
    links = {(a, b): 1.0 for group in (first, second) for a in group for b in group if a < b}
    links |= {(a, 4): 1.0 for a in first} | {(4, b): 0.9 for b in second}
    assert clusters(range(9), links, least_average=0.05, least_held=0.5) == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]
    weak = links | {(0, 5): 0.4, (1, 6): 0.4}
    assert clusters(range(9), weak, least_average=0.05, least_held=0.5) == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]
    more = links | {(a, b): 1.0 for a in first[:2] for b in second[:2]}
    assert clusters(range(9), more, least_average=0.05, least_held=0.5) == [list(range(9))]


def test_two_pairs_and_what_shows_both_stay_two() -> None:
    links = {(0, 1): 1.0, (2, 3): 1.0, (0, 4): 0.8, (1, 4): 0.8, (2, 4): 0.7, (3, 4): 0.7}
    assert clusters(range(5), links, least_average=0.05, least_held=0.5) == [[0, 1, 4], [2, 3]]


def test_large_clusters_are_not_held_to_have_every_link() -> None:
    # A ring in which each node is linked to the ten on either side: as many as it can have found.
    count = 200
    links = {
        (min(a, b % count), max(a, b % count)): 1.0
        for a in range(count)
        for b in range(a + 1, a + SEEN_BY_EACH // 2 + 1)
    }
    assert len(clusters(range(count), links, least_average=0.05, least_held=0.5)) == 1


def test_clusters_of_nothing() -> None:
    assert clusters([], {}, least_average=0.5, least_held=0.5) == []
    assert clusters([2, 1], {}, least_average=0.5, least_held=0.5) == [[1], [2]]
