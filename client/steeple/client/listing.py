"""One page of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class ListPage(Generic[_Item]):
    """A page of a list.

    Attributes:
        items: In the list's order.
        next_page_token: Asks for the page after it; empty for the last.
        total_size: Items of all pages together, where the server counts them; else None.
    """

    items: tuple[_Item, ...]
    next_page_token: str
    total_size: int | None
