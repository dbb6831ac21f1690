"""Single things that were kept and are damaged, in a database that is whole: SQLite does not look into its values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from steeple.errors import DataLossError


def readable(text: bytes) -> str:
    """Text of a database; a letter that is damaged must not hide the row, nor those after it."""
    return text.decode("utf-8", "replace")


@contextmanager
def damage_told(what: str) -> Iterator[None]:
    """A block that makes something of what was kept.

    Raises:
        DataLossError: If that cannot be done.
    """
    try:
        yield
    except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError) as error:
        raise DataLossError(f"what was kept of {what} is damaged: {error!r}") from error
