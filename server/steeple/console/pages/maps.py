"""Landmarks on a map, and small maps of single places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from steeple.client import LandmarkMap, LatLng
from steeple.console.catalogue_query import GRADES, PHOTOS, STATES, CatalogueQuery
from steeple.console.map_marks import marks, places_of
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.console.web_map import LEAST_ZOOM, WebMap, words
from steeple.errors import InvalidArgumentError

PAGES: Final = Pages()

_MOST_LISTED: Final = 60
_COARSE_ZOOM: Final = 4  # of the smallest cells that all of the earth is told by
_MOST_LOOKS: Final = 3
_SMALL_ZOOM: Final = 14
_PLAIN_ZOOM: Final = 5  # of small maps without tiles: nearer ones show nothing but the place


@dataclass(frozen=True)
class SmallMap:
    """A map of one place.

    Attributes:
        view: What it shows.
        x: Of the place, pixels; None: there is none.
        y: Of the place.
        told: The place in words.
        tiles: Under it: address, x and y of each.
    """

    view: WebMap
    x: float | None
    y: float | None
    told: str
    tiles: Sequence[tuple[str, float, float]]


@PAGES.get("/map")
async def landmarks_on_map(visit: Visit) -> Response:
    """Where landmarks stand."""
    query = CatalogueQuery.read(visit.query)
    view = WebMap.read(visit.query)
    chosen, problem, found = view is not None, "", LandmarkMap((), 0, 0)
    try:
        view, found = await _around(visit, query) if view is None else (view, await _clusters(visit, query, view))
    except InvalidArgumentError as error:
        problem, view = error.message, view or WebMap.around([])
    pins, circles = marks(view, found.clusters)
    return visit.show(
        "map.html",
        400 if problem else 200,
        query=query,
        view=view,
        pins=pins,
        circles=circles,
        found=found,
        nothing=not (chosen or found.landmark_count or query.narrowed or problem),
        problem=problem,
        listed=sorted(pins, key=lambda pin: pin.name.casefold())[:_MOST_LISTED],
        tiles=tiles_of(visit, view),
        choices={"states": [each for each in STATES if each[0] != "deleted"], "photos": PHOTOS, "grades": GRADES},
    )


@PAGES.get("/map/place")
async def place(visit: Visit) -> Response:
    """A map to choose a place on; only forms with a script ask for it."""
    view = WebMap.read(visit.query, width=480, height=300) or WebMap.around([], width=480, height=300)
    at = WebMap.read({"lat": visit.query.get("at_lat", ""), "lon": visit.query.get("at_lon", ""), "zoom": "4"})
    marked = None if at is None else LatLng(at.latitude, at.longitude)
    return visit.show("place.html", small=_small(visit, view, marked))


async def _around(visit: Visit, query: CatalogueQuery) -> tuple[WebMap, LandmarkMap]:
    """The closest map of all landmarks; cells tell the better where they are, the smaller they are."""
    found = await visit.client.list_landmark_clusters(zoom=_COARSE_ZOOM, filter=query.map_filter)
    view = WebMap.around(places_of(found.clusters))
    if view.zoom <= LEAST_ZOOM + 1:  # nearly all of the earth, which is not worth another look
        return view, found
    for _ in range(_MOST_LOOKS):
        found = await _clusters(visit, query, view)
        closer = WebMap.around(places_of(found.clusters))
        if closer.zoom <= view.zoom:
            return view, found
        view = closer
    return view, await _clusters(visit, query, view)


async def _clusters(visit: Visit, query: CatalogueQuery, view: WebMap) -> LandmarkMap:
    return await visit.client.list_landmark_clusters(
        zoom=view.zoom, filter=query.map_filter, southwest=view.southwest, northeast=view.northeast
    )


def small_map(visit: Visit, at: LatLng | None, *, width: int = 480, height: int = 300) -> SmallMap:
    """A map around a place; of the whole earth without one."""
    if at is None:
        return _small(visit, WebMap.around([], width=width, height=height), None)
    zoom = _SMALL_ZOOM if visit.config.tiles_url else _PLAIN_ZOOM
    return _small(visit, WebMap.at(at.latitude, at.longitude, zoom, width=width, height=height), at)


def tiles_of(visit: Visit, view: WebMap) -> list[tuple[str, float, float]]:
    """Tiles under a map, where the console has some."""
    return list(view.tiles(visit.config.tiles_url)) if visit.config.tiles_url else []


def _small(visit: Visit, view: WebMap, at: LatLng | None) -> SmallMap:
    tiles = tiles_of(visit, view)
    if at is None:
        return SmallMap(view, None, None, "no place yet", tiles)
    x, y = view.pixel(at)
    return SmallMap(view, x, y, words(at), tiles)
