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
    alone: list[LandmarkCluster] = []
    circles: list[Circle] = []
    for cluster in clusters:
        if cluster.landmark_count == 1:
            alone.append(cluster)
            continue
        x, y = view.pixel(cluster.center)
        circles.append(
            Circle(
                x,
                y,
                _radius(cluster.landmark_count),
                cluster.landmark_count,
                short(cluster.landmark_count),
                cluster.display_name,
                cluster.landmark.rpartition("/")[2],
                _closer(view, cluster),
            )
        )
    circles.sort(key=lambda circle: -circle.count)
    return _pins(view, alone, circles), circles


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


def _closer(view: WebMap, cluster: LandmarkCluster) -> WebMap | None:
    if view.zoom >= MOST_ZOOM:
        return None
    middle = cluster.center
    return WebMap.at(middle.latitude, middle.longitude, view.zoom + _CLOSER, width=view.width, height=view.height)


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
