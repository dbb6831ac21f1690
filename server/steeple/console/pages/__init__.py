"""The console's pages, by what they are about."""

from __future__ import annotations

from typing import Final

from steeple.console.pages import (
    add,
    audit,
    bulk,
    catalogue,
    discover,
    events,
    health,
    history,
    home,
    keys,
    landmarks,
    maps,
    me,
    operations,
    people,
    photos,
    provider,
    reviewing,
    sign_in,
    trying,
    uploads,
)
from steeple.console.routing import Pages

PARTS: Final[tuple[Pages, ...]] = (
    add.PAGES,
    audit.PAGES,
    bulk.PAGES,
    catalogue.PAGES,
    discover.PAGES,
    events.PAGES,
    health.PAGES,
    history.PAGES,
    home.PAGES,
    keys.PAGES,
    landmarks.PAGES,
    maps.PAGES,
    me.PAGES,
    operations.PAGES,
    people.PAGES,
    photos.PAGES,
    provider.PAGES,
    reviewing.PAGES,
    sign_in.PAGES,
    trying.PAGES,
    uploads.PAGES,
)
"""All of them."""
