"""The console's pages, by what they are about."""

from __future__ import annotations

from typing import Final

from steeple.console.pages import catalogue, home, keys, me, people, sign_in
from steeple.console.routing import Pages

PARTS: Final[tuple[Pages, ...]] = (
    catalogue.PAGES,
    home.PAGES,
    keys.PAGES,
    me.PAGES,
    people.PAGES,
    sign_in.PAGES,
)
"""All of them."""
