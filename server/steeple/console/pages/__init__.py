"""The console's pages, by what they are about."""

from __future__ import annotations

from typing import Final

from steeple.console.pages import catalogue, home, reviewing, trying
from steeple.console.routing import Pages

PARTS: Final[tuple[Pages, ...]] = (
    home.PAGES,
    catalogue.PAGES,
    reviewing.PAGES,
    trying.PAGES,
)
"""All of them."""
