"""How well photos with known answers are sorted, when nobody tells what they show."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from steeple.delf import FeatureSet, ModelRelease
from steeple.delf.progress import Progress
from steeple.recognition import GalleryImage
from steeple.server.catalogue import LatLng
from steeple.server.catalogue.distances import EARTH_RADIUS
from steeple.server.discovery.grouping import HeapPhoto, group_photos
from steeple.server.discovery.job import Neighbourhood
from steeple.server.discovery.matches import HeapMatcher, Match, pairs_of
from steeple.server.discovery.records import DiscoveryOptions
from steeple.server.evaluation import Dataset, extract_features
from steeple.server.exif import read_capture

_SEED: Final = 0
_READING: Final = 50.0  # metres, standard deviation of simulated readings along either axis
_APART: Final = 2000.0  # metres between simulated places
_TOGETHER: Final = 4  # landmarks at one simulated place, where they share one


@dataclass(frozen=True)
class HeapFigures:
    """How groups compare with what photos show.

    Pairs are those of photos that are grouped together; right is a pair of one landmark.

    Attributes:
        groups: Their number.
        precision: Share of the pairs that is right; NaN without pairs.
        recall: Share of all pairs of one landmark that is grouped together; NaN if there are none.
        f1: Harmonic mean of the two.
        purity: Share of the photos in groups that show the landmark that most photos of their group do; NaN without.
        covered: Share of the photos of landmarks that is in a group.
        strangers_grouped: Share of the photos of no landmark that is in a group; NaN if there are none.
    """

    groups: int
    precision: float
    recall: float
    f1: float
    purity: float
    covered: float
    strangers_grouped: float


@dataclass(frozen=True)
class Scenario:
    """Photos with places, or without, and how they are sorted.

    Attributes:
        places: Where they are said to have been taken, in words.
        figures: How well.
        seconds: To group them, all of them.
    """

    places: str
    figures: HeapFigures
    seconds: float


@dataclass(frozen=True)
class TrialResult:
    """What became of a heap.

    Attributes:
        photos: Their number.
        landmarks: That some of them show.
        strangers: Photos of no landmark.
        extract_seconds: Mean of a photo.
        match_seconds: Mean of a photo, without places: the search and the verification of what it finds.
        scenarios: One a way of saying where photos were taken.
    """

    photos: int
    landmarks: int
    strangers: int
    extract_seconds: float
    match_seconds: float
    scenarios: tuple[Scenario, ...]


def figures_of(groups: Sequence[Collection[int]], labels: Mapping[int, str]) -> HeapFigures:
    """How groups compare with labels.

    Args:
        groups: Keys of photos; each in one group at most.
        labels: Landmark by key, of all photos; empty: of none.
    """
    right = wrong = majority = grouped = strangers = 0
    for group in groups:
        counts = Counter(labels[key] for key in group if labels[key])
        together = sum(math.comb(count, 2) for count in counts.values())
        right += together
        wrong += math.comb(len(group), 2) - together
        majority += max(counts.values(), default=0)
        grouped += len(group)
        strangers += len(group) - counts.total()
    of_landmarks = Counter(label for label in labels.values() if label)
    possible = sum(math.comb(count, 2) for count in of_landmarks.values())
    precision, recall = _share(right, right + wrong), _share(right, possible)
    return HeapFigures(
        groups=len(groups),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0,
        purity=_share(majority, grouped),
        covered=_share(grouped - strangers, of_landmarks.total()),
        strangers_grouped=_share(strangers, len(labels) - of_landmarks.total()),
    )


def sort_heap(
    dataset: Dataset, release: ModelRelease, options: DiscoveryOptions, progress: Progress, *, extractors: int = 1
) -> TrialResult:
    """Sorts all photos of a data set as a discovery does.

    Without places; with simulated ones, each landmark at one of its own, and four of them at each; and, if some of the
    photos tell theirs, with these.

    Args:
        dataset: The photos; what they show is only compared with.
        release: Extracts and verifies.
        options: Of the discovery.
        progress: Told how far it is.
        extractors: Photos whose features are extracted at a time.

    Raises:
        ImageError: If a photo cannot be used; the text names it.
    """
    photos = dict(enumerate(dataset.photos, start=1))
    labels = {key: photo.landmark for key, photo in photos.items()}
    extracted = list(extract_features("features", dataset.photos, release, progress, extractors=extractors))
    heap = _Heap(release, {key: features for key, (_, features, _) in enumerate(extracted, start=1)})
    began = time.perf_counter()
    matches = heap.matches(progress)
    match_seconds = (time.perf_counter() - began) / len(photos)
    said = {key: read_capture(photo.path.read_bytes()).location for key, photo in photos.items()}
    ways: dict[str, Mapping[int, LatLng | None]] = {
        "none": dict.fromkeys(photos),
        "simulated, a landmark a place": simulated_places(labels, together=1),
        f"simulated, {_TOGETHER} landmarks a place": simulated_places(labels, together=_TOGETHER),
    }
    if any(place is not None for place in said.values()):
        ways["as the photos say"] = said
    scenarios = []
    for name, places in ways.items():
        began = time.perf_counter()
        neighbourhood = Neighbourhood(places, options.reach_meters)
        near = {key: None if (some := neighbourhood.of(places[key])) is None else set(some) for key in photos}
        kept = [match for match in matches if (chosen := near[match.query]) is None or match.photo in chosen]
        # The order of the keys says what the photos show; that of these does not.
        order = [HeapPhoto(key, f"{key * 7919 % 1_000_003:064}", places[key]) for key in photos]
        groups = group_photos(order, pairs_of(kept), options).groups
        figures = figures_of([group.photos for group in groups], labels)
        scenarios.append(Scenario(name, figures, time.perf_counter() - began))
    strangers = sum(not label for label in labels.values())
    return TrialResult(
        photos=len(photos),
        landmarks=len(set(labels.values()) - {""}),
        strangers=strangers,
        extract_seconds=sum(seconds for _, _, seconds in extracted) / len(photos),
        match_seconds=match_seconds,
        scenarios=tuple(scenarios),
    )


def simulated_places(labels: Mapping[int, str], *, together: int) -> dict[int, LatLng | None]:
    """Where photos might have been taken: landmarks stand on a line, 2 km between places, with readings 50 m off.

    Photos of no landmark were taken at places of landmarks as well, within some 100 m: there they do most harm.

    Args:
        labels: Landmark by key; empty: none.
        together: Landmarks at one place.
    """
    chance = random.Random(_SEED)  # noqa: S311 - no secret
    names = {name: number // together for number, name in enumerate(sorted(set(labels.values()) - {""}))}
    places: dict[int, LatLng | None] = {}
    for key, label in labels.items():
        number = names[label] if label else chance.randrange(max(names.values(), default=0) + 1)
        spread = math.degrees((_READING if label else 2 * _READING) / EARTH_RADIUS)
        north = chance.gauss(0.0, spread)
        east = chance.gauss(0.0, spread) + number * math.degrees(_APART / EARTH_RADIUS)
        places[key] = LatLng(north, (east + 180.0) % 360.0 - 180.0)
    return places


class _Heap:
    """Photos in memory."""

    def __init__(self, release: ModelRelease, features: Mapping[int, FeatureSet]) -> None:
        self._features = {key: one for key, one in features.items() if len(one)}
        images = {key: GalleryImage(str(key), one) for key, one in self._features.items()}
        self._matcher = HeapMatcher(release, lambda keys: {key: images[key] for key in keys})

    def matches(self, progress: Progress) -> list[Match]:
        for key, features in self._features.items():
            self._matcher.add(key, features)
        found: list[Match] = []
        for number, (key, features) in enumerate(self._features.items()):
            progress("matches", number, len(self._features))
            found += self._matcher.matches(key, features)
        progress("matches", len(self._features), len(self._features))
        return found


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
