"""Landmarks as a grid."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from steeple.console.routing import Pages
from steeple.console.visit import Visit

PAGES: Final = Pages()


@PAGES.get("/landmarks")
async def landmarks(visit: Visit) -> Response:
    """The catalogue."""
    page = await visit.client.list_landmarks(page_size=24).page(visit.query.get("page", ""))
    return visit.show("catalogue.html", page=page)
