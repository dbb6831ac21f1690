"""A list that the server tells page by page."""

from __future__ import annotations

from collections import deque
from typing import Generic, Protocol, Self, TypeVar

from steeple.client.listing import ListPage

_Item = TypeVar("_Item")
_Listed = TypeVar("_Listed")


class _AsyncFetch(Protocol[_Listed]):
    """Fetches the page of a token; the first, if that is empty."""

    async def __call__(self, token: str, /) -> ListPage[_Listed]:
        """The page."""


class AsyncListing(Generic[_Item]):
    """A list that the server tells page by page.

    An iterator over all that is in it, which fetches pages as it needs them. Or fetch one page at a time, to show it.

    Args:
        fetch: Fetches the page of a token.
    """

    def __init__(self, fetch: _AsyncFetch[_Item]) -> None:
        self._fetch = fetch
        self._coming: deque[_Item] = deque()
        self._token: str | None = ""  # of the page after these; None after the last

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _Item:
        while not self._coming:
            if self._token is None:
                raise StopAsyncIteration
            page = await self._fetch(self._token)
            self._coming.extend(page.items)
            self._token = page.next_page_token or None
        return self._coming.popleft()

    async def page(self, token: str = "") -> ListPage[_Item]:
        """One page. The iteration goes on where it was.

        Args:
            token: Of an earlier page of the same list, its ``next_page_token``; empty: the first.

        Raises:
            InvalidArgumentError: If the token is none, or of another list.
        """
        return await self._fetch(token)
