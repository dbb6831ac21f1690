"""Several of a kind in one transaction: how many, and which of them an error is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from typing import Final

from steeple.errors import InvalidArgumentError, SteepleError
from steeple.server.catalogue.ids import check_id

MAX_BATCH: Final = 100
"""Of what is sent whole."""

MAX_NAMES: Final = 1000
"""Of landmarks that are named, for all of which the same is to be done."""


def check_batch(items: Sized, field: str, most: int = MAX_BATCH) -> None:
    """Checks that there is at least one, and no more than ``most``.

    Raises:
        InvalidArgumentError: If not; ``field`` names the culprit.
    """
    if not 1 <= len(items) <= most:
        raise InvalidArgumentError(f"{field} must be 1 to {most}, not {len(items)}", field=field)


def check_different_ids(ids: Sequence[str], field: str) -> None:
    """Checks that there are 1 to 1000 ids, all well-formed, none twice.

    Raises:
        InvalidArgumentError: If not; ``field`` names the culprit.
    """
    check_batch(ids, field, MAX_NAMES)
    seen: set[str] = set()
    for number, one in enumerate(ids):
        check_id(one, f"{field}[{number}]")
        if one in seen:
            raise InvalidArgumentError(
                f"{field}[{number}]: {one} is given twice; give it once", field=f"{field}[{number}]"
            )
        seen.add(one)


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
