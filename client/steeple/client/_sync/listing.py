# Made from _async/listing.py by tools/generate_sync_client.py; do not edit.
"""A list that the server tells page by page."""

from __future__ import annotations

from collections import deque
from typing import Generic, Protocol, Self, TypeVar

from steeple.client.listing import ListPage

_Item = TypeVar("_Item")
_Listed = TypeVar("_Listed")


class _Fetch(Protocol[_Listed]):
    """Fetches the page of a token; the first, if that is empty."""

    def __call__(self, token: str, /) -> ListPage[_Listed]:
        """The page."""


class Listing(Generic[_Item]):
    """A list that the server tells page by page.

    An iterator over all that is in it, which fetches pages as it needs them. Or fetch one page at a time, to show it.

    Args:
        fetch: Fetches the page of a token.
    """

    def __init__(self, fetch: _Fetch[_Item]) -> None:
        self._fetch = fetch
        self._coming: deque[_Item] = deque()
        self._token: str | None = ""  # of the page after these; None after the last

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _Item:
        while not self._coming:
            if self._token is None:
                raise StopIteration
            page = self._fetch(self._token)
            self._coming.extend(page.items)
            self._token = page.next_page_token or None
        return self._coming.popleft()

    def page(self, token: str = "") -> ListPage[_Item]:
        """One page. The iteration goes on where it was.

        Args:
            token: Of an earlier page of the same list, its ``next_page_token``; empty: the first.

        Raises:
            InvalidArgumentError: If the token is none, or of another list.
        """
        return self._fetch(token)
