"""From photos and the pairs of them that match to groups that each show one landmark (Google-Landmarks, section 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from steeple.server.catalogue import LatLng
from steeple.server.discovery.linkage import clusters
from steeple.server.discovery.matches import Pair
from steeple.server.discovery.places import Forest, groups_by_distance
from steeple.server.discovery.records import DiscoveryOptions, LeftoverReason

# Set on labelled photos, so that of the pairs that end up in one group 98 to 99 % show one landmark: see
# docs/server/discovery.md.
_LEAST_AVERAGE: Final = 0.03  # weight between clusters that become one
_ANYWHERE: Final = 0.85  # weight of a link, at least
_ONE_PLACE: Final = 0.75  # the same between photos of one place: other buildings there are as likely to look alike
_ALONE: Final = 0.93  # the same of two views that nothing else speaks for
_IDENTIFIED: Final = 1 / 3  # share of the views of a group that name its landmark, at least


@dataclass(frozen=True)
class HeapPhoto:
    """A photo of a heap.

    Attributes:
        key: Its own.
        sha256: Of its file: it orders photos, whatever order they came in.
        location: Where it was taken; None: it does not say.
        landmark_id: That it was identified as; empty: none.
    """

    key: int
    sha256: str
    location: LatLng | None = None
    landmark_id: str = ""


@dataclass(frozen=True)
class Group:
    """Photos that seem to show one landmark.

    Attributes:
        views: Keys of its photos by number of the view, which no other group has.
        landmark_id: That they were identified as; empty: none.
    """

    views: Mapping[int, Sequence[int]]
    landmark_id: str = ""

    @property
    def photos(self) -> list[int]:
        """Keys of its photos."""
        return [key for members in self.views.values() for key in members]


@dataclass(frozen=True)
class Grouping:
    """All photos of a heap.

    Attributes:
        groups: Those of most photos first.
        leftovers: Keys of the photos in no group, by what keeps them out.
    """

    groups: Sequence[Group]
    leftovers: Mapping[LeftoverReason, Sequence[int]] = field(default_factory=dict)


def group_photos(photos: Sequence[HeapPhoto], pairs: Sequence[Pair], options: DiscoveryOptions) -> Grouping:
    """Groups the photos of a heap; the order of photos and pairs does not matter.

    Photos that are all but the same are one view. Views are linked by the best pair of their photos, if it is good
    enough: fewer inliers are where both were taken at one place. Clusters of the links (see
    :func:`~steeple.server.discovery.linkage.clusters`) are groups. Groups, and single views, that are identified as the
    same landmark are one group.

    Args:
        photos: All of them.
        pairs: Of their keys.
        options: Radius of a place, and views that a group has at least.
    """
    return _Grouper(photos, pairs, options).grouping()


class _Grouper:
    """Views go by the least SHA-256 of their photos."""

    def __init__(self, photos: Sequence[HeapPhoto], pairs: Sequence[Pair], options: DiscoveryOptions) -> None:
        self._photos = {photo.key: photo for photo in sorted(photos, key=lambda photo: (photo.sha256, photo.key))}
        self._pairs = pairs
        self._options = options
        tagged = {key: photo.location for key, photo in self._photos.items() if photo.location is not None}
        self._place = {
            key: number for number, keys in enumerate(groups_by_distance(tagged, options.radius_meters)) for key in keys
        }
        forest = Forest(self._photos)
        for pair in pairs:
            if pair.near_duplicate:
                forest.unite(pair.first, pair.second)
        # By their first photo, in order of the photos: two views of one name there are none.
        self._views = {members[0]: members for members in forest.sets()}
        self._view_of = {key: view for view, members in self._views.items() for key in members}
        self._rank = {key: rank for rank, key in enumerate(self._photos)}

    def grouping(self) -> Grouping:
        links = self._links()
        nodes = [self._rank[view] for view in self._views]
        by_rank = {self._rank[view]: view for view in self._views}
        found = clusters(nodes, links, least_average=_LEAST_AVERAGE, least_held=_ANYWHERE)
        grouped = self._with_landmarks([[by_rank[rank] for rank in cluster] for cluster in found])
        kept: list[tuple[str, list[int]]] = []
        left: list[tuple[str, list[int]]] = []
        for landmark_id, views in grouped:
            (kept if landmark_id or self._enough(views, links) else left).append((landmark_id, views))
        kept.sort(key=lambda group: (-self._size(group[1]), self._rank[group[1][0]]))
        groups: list[Group] = []
        number = 0
        for landmark_id, views in kept:
            numbered: dict[int, tuple[int, ...]] = {}
            for view in views:
                number += 1
                numbered[number] = tuple(self._views[view])
            groups.append(Group(numbered, landmark_id))
        linked = {end for ends in links for end in ends}
        return Grouping(tuple(groups), self._leftovers([view for _, views in left for view in views], linked))

    def _links(self) -> dict[tuple[int, int], float]:
        links: dict[tuple[int, int], float] = {}
        for pair in self._pairs:
            ends = sorted(self._rank[self._view_of[key]] for key in (pair.first, pair.second))
            weight = pair.weight
            if ends[0] != ends[1] and weight >= (_ONE_PLACE if self._one_place(pair) else _ANYWHERE):
                links[ends[0], ends[1]] = max(weight, links.get((ends[0], ends[1]), 0.0))
        return links

    def _enough(self, views: Sequence[int], links: Mapping[tuple[int, int], float]) -> bool:
        if len(views) == 2 and links[self._rank[views[0]], self._rank[views[1]]] < _ALONE:
            return False
        return len(views) >= self._options.min_views

    def _one_place(self, pair: Pair) -> bool:
        place = self._place.get(pair.first)
        return place is not None and place == self._place.get(pair.second)

    def _with_landmarks(self, found: Sequence[list[int]]) -> list[tuple[str, list[int]]]:
        """Clusters of views with the landmarks of the catalogue that they show; those of one landmark together."""
        grouped: list[tuple[str, list[int]]] = []
        of_landmark: dict[str, list[int]] = {}
        for cluster in found:
            landmark_id = self._landmark(cluster)
            if not landmark_id:
                grouped.append(("", cluster))
            elif landmark_id in of_landmark:
                of_landmark[landmark_id] += cluster
            else:
                of_landmark[landmark_id] = list(cluster)
                grouped.append((landmark_id, of_landmark[landmark_id]))
        return grouped

    def _landmark(self, cluster: Sequence[int]) -> str:
        """The landmark that most of the views that were identified show, if those are enough of all."""
        named: Counter[str] = Counter()
        for view in cluster:
            named.update({self._photos[key].landmark_id for key in self._views[view]} - {""})
        if not named:
            return ""
        landmark_id, count = min(named.items(), key=lambda each: (-each[1], each[0]))
        return landmark_id if 2 * count > named.total() and count >= _IDENTIFIED * len(cluster) else ""

    def _size(self, views: Sequence[int]) -> int:
        return sum(len(self._views[view]) for view in views)

    def _leftovers(self, views: Sequence[int], linked: set[int]) -> dict[LeftoverReason, Sequence[int]]:
        matched = {key for pair in self._pairs for key in (pair.first, pair.second)}
        found: dict[LeftoverReason, list[int]] = {}
        for view in views:
            members = self._views[view]
            for key in members:
                if self._rank[view] in linked or len(members) > 1:
                    reason = LeftoverReason.FEW_VIEWS
                else:
                    reason = LeftoverReason.WEAK_MATCH if key in matched else LeftoverReason.NO_MATCH
                found.setdefault(reason, []).append(key)
        return {reason: tuple(keys) for reason, keys in found.items()}
