"""What requests of the SDK have in common."""

from __future__ import annotations

import uuid
from typing import Protocol

from steeple.errors import InvalidArgumentError


class PagedRequest(Protocol):
    """A request for a page of a list."""

    page_size: int
    page_token: str


class Page(Protocol):
    """A response with a page of a list; ``next_page_token`` is empty for the last."""

    next_page_token: str


def request_id_or_new(given: str) -> str:
    """The UUID of a request: the one that was given, or a new one."""
    return given or str(uuid.uuid4())


def checked_page_size(size: int) -> int:
    """``size``.

    Raises:
        InvalidArgumentError: If it is not positive.
    """
    if size < 1:
        raise InvalidArgumentError(f"page_size must be at least 1, not {size}")
    return size
