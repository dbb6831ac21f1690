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
    problem, found, total = "", LandmarkMap((), 0, 0), None
    try:
        if view is None:
            everywhere = await visit.client.list_landmark_clusters(zoom=LEAST_ZOOM + 1, filter=query.map_filter)
            view = WebMap.around(places_of(everywhere.clusters))
            total = everywhere.landmark_count
        found = await visit.client.list_landmark_clusters(
            zoom=view.zoom, filter=query.map_filter, southwest=view.southwest, northeast=view.northeast
        )
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
        nothing=total == 0 and not query.narrowed,
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
