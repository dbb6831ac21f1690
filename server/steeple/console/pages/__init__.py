"""The console's pages, by what they are about."""

from __future__ import annotations

from typing import Final

from steeple.console.pages import (
    add,
    bulk,
    catalogue,
    discover,
    events,
    history,
    home,
    landmarks,
    maps,
    photos,
    uploads,
)
from steeple.console.routing import Pages

PARTS: Final[tuple[Pages, ...]] = (
    add.PAGES,
    bulk.PAGES,
    catalogue.PAGES,
    discover.PAGES,
    events.PAGES,
    history.PAGES,
    home.PAGES,
    landmarks.PAGES,
    maps.PAGES,
    photos.PAGES,
    uploads.PAGES,
)
"""All of them."""
