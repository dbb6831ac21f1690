"""Pages: their sizes, and tokens that say where the next one starts.

A token holds where the last item of the page before stands in the order (keyset pagination), so a list visits every
item that is there and stays in its place all the while exactly once, whatever else comes and goes between two pages.
It belongs to the list that gave it out: to its collection, filter, order and whether deleted items are shown.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, select, true

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue.filters import FilterField, condition
from steeple.server.catalogue.ordering import Order, OrderField, read_number, read_order, read_text
from steeple.server.catalogue.records import Page


class _Item(Protocol):
    @property
    def id(self) -> str: ...


_ItemT = TypeVar("_ItemT", bound=_Item)
_T = TypeVar("_T")

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000
MAX_PAGE_BYTES: Final = 3_500_000
"""Of the texts of a page's items, unless it has only one: gRPC's clients take messages of 4 MiB if they are not told
otherwise, and a landmark's texts may have 2 MB."""

_VERSION: Final = 2
_LONGEST_TOKEN: Final = 16_384


@dataclass(frozen=True)
class ListRequest:
    """What a list is asked for.

    Attributes:
        page_size: 0 stands for 50, more than 1000 for 1000.
        page_token: Of the page before; empty for the first.
        filter: A subset of AIP-160; empty: all.
        order_by: Fields, each with or without ``" desc"``; empty: by id.
        show_deleted: Whether deleted items are there too.
    """

    page_size: int = DEFAULT_PAGE_SIZE
    page_token: str = ""
    filter: str = ""
    order_by: str = ""
    show_deleted: bool = False


class Listing:
    """A :class:`ListRequest` that has been read.

    Args:
        collection: Such as ``landmarks/big-ben/images``.
        request: What is asked for.
        filters: Fields to filter by.
        orders: Fields to sort by.
        counting: Fields to filter by where items are counted; None: as ``filters``.

    Raises:
        InvalidArgumentError: If size, token, filter or order are not valid; its metadata ``field`` says which.
    """

    def __init__(
        self,
        collection: str,
        request: ListRequest,
        filters: Mapping[str, FilterField],
        orders: Mapping[str, OrderField],
        counting: Mapping[str, FilterField] | None = None,
    ) -> None:
        self.size = check_page_size(request.page_size)
        self.show_deleted = request.show_deleted
        self.where = condition(request.filter, filters)
        self.counting = self.where if counting is None else condition(request.filter, counting)
        self.order: Order = read_order(request.order_by, orders)
        self._collection = collection
        asked = json.dumps([collection, request.filter, request.order_by, request.show_deleted])
        self._list = hashlib.sha256(asked.encode("ascii")).hexdigest()[:16]
        self.after = self._after(request.page_token)
        self._first = not request.page_token

    def keys(self, connection: Connection, key: ColumnElement[int], where: ColumnElement[bool]) -> list[int]:
        """Keys of the rows of the page, in order, and of one more if there is one.

        Keys alone: what a database has to sort is then small, and an index may have all of it.

        Args:
            connection: Of the catalogue.
            key: The column of them.
            where: What is true of all rows of the list.
        """
        query = select(key).where(where, self.after).order_by(*self.order.clauses()).limit(self.size + 1)
        return list(connection.execute(query).scalars())

    def taken(self, found: Iterable[_ItemT]) -> tuple[tuple[_ItemT, ...], bool]:
        """At most ``size`` items, and no more than a message that every client takes; and whether there are others."""
        return taken(found, self.size, _bytes_of)

    def page(self, items: tuple[_ItemT, ...], count: Callable[[], int], *, more: bool) -> Page[_ItemT]:
        """The page of these items, with a token for the next one if there are ``more``.

        Args:
            items: Of the page.
            count: Counts the items of all pages; not asked where this one has all of them.
            more: Whether items follow.
        """
        token = encode_page_token(self._list, self.order.place(items[-1])) if more else ""
        return Page(items, token, len(items) if self._first and not more else count())

    def _after(self, token: str) -> ColumnElement[bool]:
        if not token:
            return true()
        try:
            return self.order.after(decode_page_token(self._list, token))
        except ValueError:
            raise InvalidArgumentError(
                f"page_token is not one that a list of {self._collection} with this filter, order_by and show_deleted "
                "has returned; start again without one",
                field="page_token",
            ) from None


def taken(found: Iterable[_T], size: int, bytes_of: Callable[[_T], int]) -> tuple[tuple[_T, ...], bool]:
    """At most ``size`` items, and no more than a message that every client takes; and whether there are others."""
    items: list[_T] = []
    total = 0
    for item in found:
        total += bytes_of(item)
        if len(items) == size or (items and total > MAX_PAGE_BYTES):
            return tuple(items), True
        items.append(item)
    return tuple(items), False


def last_id(collection: str, token: str) -> str:
    """Of a list by id that knows no filter: the id after which the page starts; empty for the empty token.

    Raises:
        InvalidArgumentError: If the token was not given out for ``collection``.
    """
    return _last(collection, token, read_text) if token else ""


def last_number(collection: str, token: str) -> int | None:
    """The same of a list whose ids are numbers; None for the empty token.

    Raises:
        InvalidArgumentError: If the token was not given out for ``collection``.
    """
    return _last(collection, token, lambda found: read_number(int(read_text(found)))) if token else None


def _last(collection: str, token: str, read: Callable[[object], _T]) -> _T:
    try:
        match decode_page_token(collection, token):
            case [found]:
                return read(found)
    except ValueError:
        pass
    raise InvalidArgumentError(
        f"page_token is not one that a list of {collection} has returned; start again without one", field="page_token"
    )


def page_by_id(found: Sequence[_ItemT], size: int, collection: str, total_size: int) -> Page[_ItemT]:
    """A page of such a list, at most ``size`` items from ``size + 1`` if there are that many."""
    items = tuple(found[:size])
    token = encode_page_token(collection, [items[-1].id]) if len(found) > size else ""
    return Page(items, token, total_size)


def _bytes_of(item: object) -> int:
    """Of the texts that an application gave an item; the rest is short."""
    metadata: Mapping[str, str] = getattr(item, "metadata", {})
    aliases: Mapping[str, Sequence[str]] = getattr(item, "aliases", {})
    feedback = getattr(item, "feedback", None)
    said = [] if feedback is None else [feedback.suggested_name, feedback.note]
    texts = [
        getattr(item, "description", ""),
        *metadata,
        *metadata.values(),
        *itertools.chain(*aliases.values()),
        *said,
    ]
    return 500 + sum(len(text.encode()) + 8 for text in texts)


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


def encode_page_token(of: str, place: Sequence[object]) -> str:
    """The token of the page that follows ``place`` in the list ``of``."""
    text = json.dumps([_VERSION, of, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")


def decode_page_token(of: str, token: str) -> list[object]:
    """The place after which the page starts.

    Raises:
        ValueError: If the token was not given out for the list ``of``.
    """
    if len(token) > _LONGEST_TOKEN:
        raise ValueError("too long")
    try:
        decoded = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        content = json.loads(decoded.decode("ascii"))
    except (binascii.Error, RecursionError) as error:
        raise ValueError("not a token") from error
    match content:
        case [version, list_id, *place] if version == _VERSION and list_id == of and place:
            return place
    raise ValueError("of another list")
