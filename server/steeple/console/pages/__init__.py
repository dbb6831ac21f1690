"""The console's pages, by what they are about."""

from __future__ import annotations

from typing import Final

from steeple.console.pages import add, catalogue, discover, events, home, uploads
from steeple.console.routing import Pages

PARTS: Final[tuple[Pages, ...]] = (
    add.PAGES,
    catalogue.PAGES,
    discover.PAGES,
    events.PAGES,
    home.PAGES,
    uploads.PAGES,
)
"""All of them."""
