"""Which pages there are, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from steeple.console.sessions import Me


@dataclass(frozen=True)
class Entry:
    """A page of the menu.

    Attributes:
        path: Of the page.
        title: In the menu.
        icon: Name of its symbol in ``icons.svg``.
        scope: Whom it is for.
    """

    path: str
    title: str
    icon: str
    scope: str


@dataclass(frozen=True)
class Item:
    """An entry as one page shows it.

    Attributes:
        entry: The entry.
        current: Whether the page is it, or below it.
    """

    entry: Entry
    current: bool


MENU: Final = (
    Entry("/landmarks", "Catalogue", "catalogue", "reader"),
    Entry("/map", "Map", "map", "reader"),
    Entry("/add", "Add imagery", "add", "editor"),
    Entry("/discover", "Discover", "discover", "reader"),
    Entry("/try", "Try it", "try", "reader"),
    Entry("/review", "Review", "review", "editor"),
    Entry("/health", "Health", "health", "reader"),
    Entry("/operations", "Operations", "operations", "reader"),
    Entry("/keys", "Keys", "keys", "admin"),
    Entry("/people", "People", "people", "admin"),
    Entry("/audit", "Audit log", "audit", "admin"),
)
"""In the order of the menu."""


def items_for(me: Me, path: str) -> list[Item]:
    """The menu of whoever is signed in, on the page at ``path``."""
    return [
        Item(entry, path == entry.path or path.startswith(f"{entry.path}/")) for entry in MENU if me.may(entry.scope)
    ]
