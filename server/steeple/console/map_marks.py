"""Landmarks as a map shows them: one as a pin with its name, many near each other as a circle with their number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from steeple.client import LandmarkCluster, LatLng
from steeple.console.web_map import MOST_ZOOM, WebMap, words

_CLOSER: Final = 2  # zooms
_LETTER: Final = 7.2  # pixels: how wide one is, about
_WIDE_LETTER: Final = 13.0  # of scripts such as Hangul
_LINE: Final = 18.0
_LONGEST: Final = 30  # letters of a name
_PINS_APART: Final = 10.0  # pixels: nearer ones hide each other


@dataclass(frozen=True)
class Pin:
    """A landmark.

    Attributes:
        x: Of its place, pixels.
        y: Of its place, pixels.
        landmark_id: Of the landmark.
        name: What people call it.
        label: That name, or its beginning; empty where another one is in the way.
        place: Where it stands, in words.
    """

    x: float
    y: float
    landmark_id: str
    name: str
    label: str
    place: str


@dataclass(frozen=True)
class Circle:
    """Landmarks that are too near each other to be told apart.

    Attributes:
        x: Of their middle, pixels.
        y: Of their middle, pixels.
        radius: Pixels; larger for more.
        count: Of landmarks.
        text: The same, short: 1.2k.
        name: Of one of them.
        landmark_id: Of that one.
        closer: What to look at to tell them apart; None at the nearest that there is.
    """

    x: float
    y: float
    radius: float
    count: int
    text: str
    name: str
    landmark_id: str
    closer: WebMap | None


def marks(view: WebMap, clusters: Iterable[LandmarkCluster]) -> tuple[list[Pin], list[Circle]]:
    """What a map shows of clusters; larger circles first, so that smaller ones are seen.

    Args:
        view: The map.
        clusters: As the server tells them.
    """
    heaps: list[_Heap] = []
    # The server counts by cells, and what lies at the edges of two of them overlaps: that is one circle.
    for cluster in sorted(clusters, key=lambda each: -each.landmark_count):
        x, y = view.pixel(cluster.center)
        count = cluster.landmark_count
        near = next((heap for heap in heaps if heap.covers(x, y, count)), None)
        if near is None:
            heaps.append(_Heap(x, y, count, cluster))
        else:
            near.take(x, y, count)
    circles = [_circle(view, heap) for heap in heaps if heap.count > 1]
    return _pins(view, [heap.first for heap in heaps if heap.count == 1], circles), circles


class _Heap:
    """Clusters that are shown as one: where their middle is, how many landmarks they are, and the largest of them."""

    def __init__(self, x: float, y: float, count: int, first: LandmarkCluster) -> None:
        self.x, self.y, self.count, self.first = x, y, count, first

    def covers(self, x: float, y: float, count: int) -> bool:
        apart = math.hypot(x - self.x, y - self.y)
        if self.count == 1:  # pins, whose names may be left out
            return apart < _PINS_APART
        return apart < _radius(self.count) + (_radius(count) if count > 1 else 0.0)

    def take(self, x: float, y: float, count: int) -> None:
        total = self.count + count
        self.x += (x - self.x) * count / total
        self.y += (y - self.y) * count / total
        self.count = total


def _circle(view: WebMap, heap: _Heap) -> Circle:
    closer = None
    if view.zoom < MOST_ZOOM:
        middle = view.place(heap.x, heap.y)
        zoom = view.zoom + _CLOSER
        closer = WebMap.at(middle.latitude, middle.longitude, zoom, width=view.width, height=view.height)
    return Circle(
        heap.x,
        heap.y,
        _radius(heap.count),
        heap.count,
        short(heap.count),
        heap.first.display_name,
        heap.first.landmark.rpartition("/")[2],
        closer,
    )


def places_of(clusters: Iterable[LandmarkCluster]) -> list[LatLng]:
    """What a map that is to show all of them has to show."""
    found: list[LatLng] = []
    for cluster in clusters:
        corners = () if cluster.landmark_count == 1 else (cluster.southwest, cluster.northeast)
        found += corners or (cluster.center,)
    return found


def short(count: int) -> str:
    """In at most four letters: 987, 1.2k, 12k, 1.2M."""
    for limit, unit in ((1_000_000, "M"), (1000, "k")):
        if count >= limit:
            shown = count / limit
            return f"{shown:.1f}{unit}" if shown < 10 else f"{shown:.0f}{unit}"
    return str(count)


def _radius(count: int) -> float:
    return min(15.0 + 4.5 * math.log10(count), 34.0)


def _pins(view: WebMap, alone: Sequence[LandmarkCluster], circles: Sequence[Circle]) -> list[Pin]:
    taken = [
        (each.x - each.radius, each.y - each.radius, each.x + each.radius, each.y + each.radius) for each in circles
    ]
    placed = [(*view.pixel(cluster.center), cluster) for cluster in alone]
    taken += [(x - 9, y - 24, x + 9, y) for x, y, _ in placed]
    pins: list[Pin] = []
    for x, y, cluster in placed:
        name = cluster.display_name
        label = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        box = (x + 12, y - 22, x + 14 + _width(label), y - 22 + _LINE)
        if box[2] > view.width or any(_meet(box, other) for other in taken):
            label = ""
        else:
            taken.append(box)
        pins.append(Pin(x, y, cluster.landmark.rpartition("/")[2], name, label, words(cluster.center)))
    return pins


def _width(text: str) -> float:
    return sum(_WIDE_LETTER if ord(letter) > 0x1100 else _LETTER for letter in text)


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
