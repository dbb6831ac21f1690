"""Pages: their sizes, and tokens that say where the next one starts.

A token holds the last id of the page before (keyset pagination), so a list visits every item that is there all the
while exactly once, whatever else comes and goes between two pages.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue.records import Page


class _Item(Protocol):
    @property
    def id(self) -> str: ...


_ItemT = TypeVar("_ItemT", bound=_Item)

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000

_VERSION: Final = "1"


def check_page_size(page_size: int) -> int:
    """The number of items to return for a requested ``page_size``.

    Raises:
        InvalidArgumentError: If it is negative.
    """
    if page_size < 0:
        raise InvalidArgumentError(
            f"page_size must be 0 (for {DEFAULT_PAGE_SIZE}) to {MAX_PAGE_SIZE}, not {page_size}", field="page_size"
        )
    return min(page_size, MAX_PAGE_SIZE) or DEFAULT_PAGE_SIZE


def encode_page_token(collection: str, last_id: str) -> str:
    """The token of the page that follows ``last_id`` in ``collection`` (such as ``landmarks/big-ben/images``)."""
    text = f"{_VERSION} {collection} {last_id}"
    return base64.urlsafe_b64encode(text.encode("utf-8")).decode("ascii").rstrip("=")


def decode_page_token(collection: str, token: str) -> str:
    """The id after which the page starts; empty for the empty token.

    Raises:
        InvalidArgumentError: If the token was not given out for ``collection``.
    """
    if not token:
        return ""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except (ValueError, binascii.Error):
        text = ""
    version, _, rest = text.partition(" ")
    of, _, last_id = rest.partition(" ")
    if version != _VERSION or of != collection or not last_id or encode_page_token(collection, last_id) != token:
        raise InvalidArgumentError(
            f"page_token is not one that a list of {collection} has returned; start again without one",
            field="page_token",
        )
    return last_id


def make_page(found: Sequence[_ItemT], size: int, collection: str, total_size: int) -> Page[_ItemT]:
    """A page of at most ``size`` items, from ``size + 1`` if there are that many: the last tells of the next page."""
    items = tuple(found[:size])
    token = encode_page_token(collection, items[-1].id) if len(found) > size else ""
    return Page(items, token, total_size)
