"""Several of a kind in one transaction: how many, and which of them an error is about."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from contextlib import contextmanager
from typing import Final

from steeple.errors import InvalidArgumentError, SteepleError

MAX_BATCH: Final = 100


def check_batch(items: Sized, field: str) -> None:
    """Checks that there are 1 to 100.

    Raises:
        InvalidArgumentError: If not; ``field`` names the culprit.
    """
    if not 1 <= len(items) <= MAX_BATCH:
        raise InvalidArgumentError(f"{field} must be 1 to {MAX_BATCH}, not {len(items)}", field=field)


@contextmanager
def numbered(field: str, number: int) -> Iterator[None]:
    """Errors that are raised inside say which item of a batch they are about, from 0."""
    try:
        yield
    except SteepleError as error:
        place = f"{field}[{number}]"
        metadata = dict(error.metadata)
        if isinstance(error, InvalidArgumentError):
            inner = metadata.get("field", "")
            metadata["field"] = f"{place}.{inner}" if inner else place
        raise type(error)(f"{place}: {error.message}", **metadata) from error
