"""The console's pages, by what they are about."""

from __future__ import annotations

from typing import Final

from steeple.console.pages import bulk, catalogue, history, home, landmarks, maps, photos
from steeple.console.routing import Pages

PARTS: Final[tuple[Pages, ...]] = (
    home.PAGES,
    bulk.PAGES,
    catalogue.PAGES,
    history.PAGES,
    landmarks.PAGES,
    maps.PAGES,
    photos.PAGES,
)
"""All of them."""
