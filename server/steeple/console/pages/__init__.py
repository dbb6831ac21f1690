"""The console's pages, by what they are about."""

from __future__ import annotations

from typing import Final

from steeple.console.pages import audit, catalogue, health, home, keys, me, operations, people, sign_in
from steeple.console.routing import Pages

PARTS: Final[tuple[Pages, ...]] = (
    audit.PAGES,
    catalogue.PAGES,
    health.PAGES,
    home.PAGES,
    keys.PAGES,
    me.PAGES,
    operations.PAGES,
    people.PAGES,
    sign_in.PAGES,
)
"""All of them."""
