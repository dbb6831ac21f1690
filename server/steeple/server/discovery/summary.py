"""What is told of photos that are proposed together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from steeple.server.catalogue import LatLng
from steeple.server.discovery.matches import Pair
from steeple.server.discovery.places import centre_and_extent
from steeple.server.discovery.records import DiscoveryPhoto


@dataclass(frozen=True)
class Summary:
    """What is told of photos together.

    Attributes:
        representative: Number of the photo that matches most others; of several, the one of most inliers.
        cohesion: Share of the pairs of views that match each other, 0 to 1; 1 for a single view.
        location: Middle of where they were taken; None if none says.
        extent_meters: From there to the photo that was taken farthest away.
    """

    representative: int
    cohesion: float
    location: LatLng | None
    extent_meters: float


def summarise(photos: Sequence[DiscoveryPhoto], pairs: Sequence[Pair]) -> Summary:
    """What is told of photos, at least one, and the pairs among them that match. Nothing depends on their order."""
    views = {photo.number: photo.view for photo in photos}
    others, inliers = Counter[int](), Counter[int]()
    matched: set[tuple[int, int]] = set()
    for pair in pairs:
        for one in (pair.first, pair.second):
            others[one] += 1
            inliers[one] += pair.inliers
        first, second = sorted((views[pair.first], views[pair.second]))
        if first != second:
            matched.add((first, second))
    best = min(
        photos,
        key=lambda photo: (-others[photo.number], -inliers[photo.number], -photo.quality.grade, photo.sha256),
    )
    count = len(set(views.values()))
    location, extent = centre_and_extent(
        photo.capture.location
        for photo in sorted(photos, key=lambda photo: photo.sha256)
        if photo.capture.location is not None
    )
    return Summary(best.number, 2 * len(matched) / (count * (count - 1)) if count > 1 else 1.0, location, extent)


def by_view(photos: Sequence[DiscoveryPhoto]) -> list[DiscoveryPhoto]:
    """Photos with the best of each view first: of the highest grade, then of most features."""
    ranked = sorted(photos, key=lambda photo: (-photo.quality.grade, -photo.feature_count, photo.number))
    seen: Counter[int] = Counter()
    places = {}
    for photo in ranked:
        places[photo.number] = (seen[photo.view] > 0, photo.number)
        seen[photo.view] += 1
    return sorted(photos, key=lambda photo: places[photo.number])


def best_of_each_view(photos: Sequence[DiscoveryPhoto]) -> list[DiscoveryPhoto]:
    """Of each view the best photo, by number."""
    return by_view(photos)[: len({photo.view for photo in photos})]
