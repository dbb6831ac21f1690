"""Groups of photos that see the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from steeple.server.catalogue import ReferenceImage
from steeple.server.coverage.records import LINKED, CoverageImage, ViewGroup, ViewMatch
from steeple.server.discovery.matches import Pair
from steeple.server.discovery.places import Forest


@dataclass(frozen=True)
class Views:
    """The photos that were compared, sorted.

    Attributes:
        images: By group, the largest first; within, the one that agrees with most others first.
        matches: Pairs of these that see the same, those of most inliers first.
        groups: The largest first.
        single_ids: Photos that agree with no other.
    """

    images: Sequence[CoverageImage]
    matches: Sequence[ViewMatch]
    groups: Sequence[ViewGroup]
    single_ids: Sequence[str]


def views_of(images: Sequence[ReferenceImage], pairs: Sequence[Pair]) -> Views:
    """Sorts photos by what they see.

    Photos are linked by pairs that are likely enough to show the same, and by being all but the same; a group is
    whatever links connect.

    Args:
        images: That were compared, the best first: it comes first where there is nothing else to go by.
        pairs: Of their keys.
    """
    rank = {image.key: number for number, image in enumerate(images)}
    links = [pair for pair in pairs if pair.near_duplicate or pair.weight >= LINKED]
    links = [pair for pair in links if pair.first in rank and pair.second in rank]
    together, alike = Forest(rank), Forest(rank)
    degree: Counter[int] = Counter()
    for pair in links:
        together.unite(pair.first, pair.second)
        if pair.near_duplicate:
            alike.unite(pair.first, pair.second)
        degree.update((pair.first, pair.second))
    view_of = {key: number for number, keys in enumerate(alike.sets(), start=1) for key in keys}
    members = [sorted(keys, key=lambda key: (-degree[key], rank[key])) for keys in together.sets()]
    members.sort(key=lambda keys: (-len(keys), min(rank[key] for key in keys)))
    by_key = {image.key: image for image in images}
    sorted_images: list[CoverageImage] = []
    groups: list[ViewGroup] = []
    for keys in members:
        number = len(groups) + 1 if len(keys) > 1 else 0
        if number:
            groups.append(ViewGroup(tuple(by_key[key].id for key in keys), len({view_of[key] for key in keys})))
        sorted_images += [CoverageImage(by_key[key], view_of[key], number) for key in keys]
    place = {one.image.key: number for number, one in enumerate(sorted_images)}
    matches = []
    for pair in sorted(links, key=lambda pair: (-pair.inliers, pair.first, pair.second)):
        first, second = sorted((place[pair.first], place[pair.second]))
        matches.append(ViewMatch(first, second, pair.inliers, pair.weight, pair.near_duplicate))
    singles = [one.image.id for one in sorted_images if not one.group]
    return Views(sorted_images, matches, groups, singles)
