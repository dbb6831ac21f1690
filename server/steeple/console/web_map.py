"""A map of the web: what part of the earth a picture of it shows, and where in it things are (spherical Mercator)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from steeple.client import LatLng

LEAST_ZOOM: Final = 2
"""Of which the whole earth is wider than any picture."""

MOST_ZOOM: Final = 20
TILE: Final = 256  # pixels a side
NORTHMOST: Final = 85.0511287798066  # degrees: of the square that Mercator's map of the earth is

_ALONE_ZOOM: Final = 6  # of which there is land to be seen
_LAND_SIDE: Final = 10_000  # of the drawing of land, static/land.svg: the earth from one edge to the other
_MOST_LAND_ZOOM: Final = 9  # above, coasts that are drawn for the whole earth are far from where they are

_EQUATOR_METERS: Final = 2 * math.pi * 6_378_137.0
_APART: Final = 130  # pixels between meridians, at least
_STEPS: Final = (30.0, 15.0, 10.0, 5.0, 2.0, 1.0)


@dataclass(frozen=True)
class WebMap:
    """A picture of a part of the earth.

    Attributes:
        latitude: Of its middle, degrees.
        longitude: Of its middle, degrees.
        zoom: :data:`LEAST_ZOOM` to :data:`MOST_ZOOM`: the earth is 256 * 2^zoom pixels wide.
        width: Pixels.
        height: Pixels.
    """

    latitude: float
    longitude: float
    zoom: int
    width: int = 960
    height: int = 560

    @classmethod
    def read(cls, given: Mapping[str, str], *, width: int = 960, height: int = 560) -> Self | None:
        """Of a page's address: ``lat``, ``lon`` and ``zoom``; None if it does not say, or what makes no sense."""
        try:
            latitude, longitude, zoom = float(given["lat"]), float(given["lon"]), int(given["zoom"])
        except (KeyError, ValueError):
            return None
        if not (math.isfinite(latitude) and math.isfinite(longitude)):
            return None
        return cls.at(latitude, longitude, zoom, width=width, height=height)

    @classmethod
    def at(cls, latitude: float, longitude: float, zoom: int, *, width: int = 960, height: int = 560) -> Self:
        """The picture around a place, as near to it as the map goes."""
        zoom = min(max(zoom, LEAST_ZOOM), MOST_ZOOM)
        world = TILE * 2.0**zoom
        half = height / 2
        y = min(max(_mercator(latitude) * world, half), world - half)
        return cls(_latitude(y / world), _around(longitude), zoom, width, height)

    @classmethod
    def around(cls, places: list[LatLng], *, width: int = 960, height: int = 560) -> Self:
        """The closest picture of all these places, with some room around them; of the whole earth if there are none."""
        if not places:
            return cls.at(25.0, 10.0, LEAST_ZOOM, width=width, height=height)
        west, east = _shortest_arc([place.longitude for place in places])
        tops = [_mercator(place.latitude) for place in places]
        middle = _latitude((min(tops) + max(tops)) / 2)
        room = 0.8
        zoom = 15 if len(places) > 1 else _ALONE_ZOOM
        while zoom > LEAST_ZOOM:
            world = TILE * 2.0**zoom
            if (east - west) / 360 * world <= room * width and (max(tops) - min(tops)) * world <= room * height:
                break
            zoom -= 1
        return cls.at(middle, (west + east) / 2, zoom, width=width, height=height)

    @property
    def world(self) -> float:
        """Width, and height, of the earth in pixels."""
        return TILE * 2.0**self.zoom

    @property
    def top(self) -> float:
        """Pixels from the earth's northern edge to the picture's."""
        return _mercator(self.latitude) * self.world - self.height / 2

    @property
    def left(self) -> float:
        """Pixels from the 180th meridian to the picture's western edge."""
        return (self.longitude + 180) / 360 * self.world - self.width / 2

    def pixel(self, place: LatLng) -> tuple[float, float]:
        """Where in the picture a place is: x and y, of the copy of the earth that is nearest to its middle."""
        across = _around(place.longitude - self.longitude) / 360 * self.world
        return self.width / 2 + across, _mercator(place.latitude) * self.world - self.top

    def place(self, x: float, y: float) -> LatLng:
        """What is at a pixel."""
        return LatLng(
            _latitude(min(max((self.top + y) / self.world, 0.0), 1.0)),
            _around(self.longitude + (x - self.width / 2) / self.world * 360),
        )

    @property
    def southwest(self) -> LatLng:
        """Corner of what it shows."""
        return self.place(0, self.height)

    @property
    def northeast(self) -> LatLng:
        """Corner of what it shows; to the west of the other one, if the 180th meridian is between them."""
        return self.place(self.width, 0)

    def zoomed(self, steps: int) -> Self:
        """The same place from nearer, or from farther away."""
        return self.at(self.latitude, self.longitude, self.zoom + steps, width=self.width, height=self.height)

    def moved(self, right: float, down: float) -> Self:
        """What is beside it, in widths and heights."""
        goal = self.place(self.width * (0.5 + right), self.height * (0.5 + down))
        return self.at(goal.latitude, goal.longitude, self.zoom, width=self.width, height=self.height)

    def resized(self, width: int, height: int) -> Self:
        """The same place in another frame."""
        return self.at(self.latitude, self.longitude, self.zoom, width=width, height=height)

    def params(self) -> dict[str, str]:
        """For an address."""
        digits = 2 + self.zoom // 3  # a hundredth of a pixel or so
        return {
            "lat": f"{self.latitude:.{digits}f}",
            "lon": f"{self.longitude:.{digits}f}",
            "zoom": str(self.zoom),
        }

    @property
    def meters_per_pixel(self) -> float:
        """In its middle."""
        return _EQUATOR_METERS / self.world * math.cos(math.radians(self.latitude))

    def scale(self, longest: int = 140) -> tuple[float, str]:
        """A round length that is at most so many pixels: its pixels, and the length in words."""
        most = self.meters_per_pixel * longest
        power = 10.0 ** math.floor(math.log10(most))
        meters = max(power * step for step in (1, 2, 5) if power * step <= most)
        words = f"{meters / 1000:,.0f} km" if meters >= 1000 else f"{meters:g} m"
        return meters / self.meters_per_pixel, words

    def meridians(self) -> Iterator[tuple[float, str]]:
        """Round longitudes that are in it: x, and the longitude in words."""
        step = self._step()
        first = math.ceil((self.longitude - self.width / 2 / self.world * 360) / step)
        last = math.floor((self.longitude + self.width / 2 / self.world * 360) / step)
        for number in range(first, last + 1):
            x = self.width / 2 + (number * step - self.longitude) / 360 * self.world
            yield x, degrees(_around(number * step), "E", "W", step)

    def parallels(self) -> Iterator[tuple[float, str]]:
        """Round latitudes that are in it: y, and the latitude in words."""
        step = self._step()
        low, high = self.southwest.latitude, self.northeast.latitude
        for number in range(math.ceil(low / step), math.floor(high / step) + 1):
            if abs(number * step) <= NORTHMOST:
                yield _mercator(number * step) * self.world - self.top, degrees(number * step, "N", "S", step)

    def tiles(self, url: str) -> Iterator[tuple[str, float, float]]:
        """Tiles that make it: the address of each, and where its upper left corner is.

        Args:
            url: With ``{z}``, ``{x}`` and ``{y}``.
        """
        zoom = min(self.zoom, 19)  # few servers have more
        side = TILE * 2.0 ** (self.zoom - zoom)
        count = 2**zoom
        for row in range(max(0, math.floor(self.top / side)), min(count, math.ceil((self.top + self.height) / side))):
            for column in range(math.floor(self.left / side), math.ceil((self.left + self.width) / side)):
                address = url.replace("{z}", str(zoom)).replace("{y}", str(row))
                yield (
                    address.replace("{x}", str(column % count)),
                    column * side - self.left,
                    row * side - self.top,
                )

    def lands(self) -> Iterator[tuple[float, float, float]]:
        """Where the drawing of land goes, ``static/land.svg``: x and y of its corner, and how much larger it is.

        More than one, if the picture has the earth's edge in it; none, if it is too near for that drawing.
        """
        if self.zoom > _MOST_LAND_ZOOM:
            return
        for copy in range(math.floor(self.left / self.world), math.ceil((self.left + self.width) / self.world)):
            yield copy * self.world - self.left, -self.top, self.world / _LAND_SIDE

    @property
    def tile_side(self) -> float:
        """Pixels of a side of :meth:`tiles`."""
        return TILE * 2.0 ** (self.zoom - min(self.zoom, 19))

    def _step(self) -> float:
        wanted = _APART / self.world * 360
        step = _STEPS[0]
        for scale in range(6):
            for each in _STEPS if scale == 0 else (5.0, 2.0, 1.0):
                if each / 10**scale < wanted:
                    return step
                step = each / 10**scale
        return step


def degrees(value: float, positive: str, negative: str, step: float = 0.0001) -> str:
    """48.85° N."""
    digits = max(0, min(5, math.ceil(-math.log10(step) - 1e-9)))
    shown = f"{abs(value):.{digits}f}°"
    return shown if not value else f"{shown} {positive if value > 0 else negative}"


def words(place: LatLng) -> str:
    """A place as people read it: 48.8583° N, 2.2945° E."""
    return f"{degrees(place.latitude, 'N', 'S', 1e-5)}, {degrees(place.longitude, 'E', 'W', 1e-5)}"


def _mercator(latitude: float) -> float:
    """0 at the northern edge of the map to 1 at the southern."""
    bounded = min(max(latitude, -NORTHMOST), NORTHMOST)
    return 0.5 - math.asinh(math.tan(math.radians(bounded))) / (2 * math.pi)


def _latitude(mercator: float) -> float:
    return math.degrees(math.atan(math.sinh((0.5 - mercator) * 2 * math.pi)))


def _around(longitude: float) -> float:
    """The same meridian, from -180 to 180."""
    return longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180


def _shortest_arc(longitudes: list[float]) -> tuple[float, float]:
    """West and east of the shortest arc that has all of them; the east may be above 180."""
    ordered = sorted(longitudes)
    gaps = [(after - before, after) for before, after in pairwise(ordered)]
    gaps.append((ordered[0] + 360 - ordered[-1], ordered[0]))
    widest, west = max(gaps)
    return west, west + 360 - widest
