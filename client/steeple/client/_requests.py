"""What requests of the SDK have in common."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from enum import Enum
from typing import Protocol, Self, TypeVar

from steeple.errors import InvalidArgumentError

_Choice = TypeVar("_Choice", bound=Enum | str)
_Number = TypeVar("_Number")


class PagedRequest(Protocol):
    """A request for a page of a list."""

    page_size: int
    page_token: str

    def CopyFrom(self, other: Self, /) -> None:  # noqa: N802 - as protobuf spells it
        """Becomes the same as another."""


class Page(Protocol):
    """A response with a page of a list; ``next_page_token`` is empty for the last."""

    next_page_token: str


def request_id_or_new(given: str) -> str:
    """The UUID of a request: the one that was given, or a new one."""
    return given or str(uuid.uuid4())


def prefixed(prefix: str, name: str) -> str:
    """A resource name, of itself or of the id that the prefix lacks."""
    return name if name.startswith(prefix) else prefix + name


def number_of(choice: Enum | str, numbers: Mapping[_Choice, _Number], *, says: str, field: str) -> _Number:
    """The number that the protocol has for a choice, or for its name.

    Args:
        choice: What was asked for.
        numbers: Of all choices.
        says: Begins the message of the error, such as ``"a state is one of"``.
        field: Of the request, for the error.

    Raises:
        InvalidArgumentError: If it is none of these.
    """
    by_name = {_name(known): number for known, number in numbers.items()}
    if (name := _name(choice)) not in by_name:
        raise InvalidArgumentError(f"{says} {', '.join(by_name)}, not {choice!r}", field=field)
    return by_name[name]


def checked_page_size(size: int) -> int:
    """``size``.

    Raises:
        InvalidArgumentError: If it is not positive.
    """
    if size < 1:
        raise InvalidArgumentError(f"page_size must be at least 1, not {size}")
    return size


def _name(choice: Enum | str) -> str:
    return str(choice.value) if isinstance(choice, Enum) else choice
