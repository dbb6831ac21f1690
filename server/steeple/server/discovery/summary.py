"""What is told of photos that are proposed together."""

from __future__ import annotations

import math
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
        representative: Number of the photo that matches most others, each counted by the weight of the pair.
        cohesion: Mean weight of the pairs of views, those that do not match counted as 0; 1 for a single view.
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
    others: dict[int, list[float]] = {photo.number: [] for photo in photos}
    matched: dict[tuple[int, int], float] = {}
    for pair in pairs:
        for one in (pair.first, pair.second):
            others[one].append(pair.weight)
        first, second = sorted((views[pair.first], views[pair.second]))
        if first != second:
            matched[first, second] = max(pair.weight, matched.get((first, second), 0.0))
    # Exact sums: they do not depend on the order.
    best = min(photos, key=lambda photo: (-math.fsum(others[photo.number]), -photo.quality.grade, photo.sha256))
    count = len(set(views.values()))
    location, extent = centre_and_extent(
        photo.capture.location
        for photo in sorted(photos, key=lambda photo: photo.sha256)
        if photo.capture.location is not None
    )
    return Summary(
        best.number, 2 * math.fsum(matched.values()) / (count * (count - 1)) if count > 1 else 1.0, location, extent
    )


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
