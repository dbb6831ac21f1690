"""Which failures of an item are none of its own."""

from __future__ import annotations

from typing import Final

from steeple.errors import SteepleError

_NOT_OF_AN_ITEM: Final = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "DATA_LOSS", "INTERNAL", "CANCELLED"})


def ends_operation(error: SteepleError) -> bool:
    """Whether a failure is not about the item that was being worked on, so that going on would fail with every item.

    That is so where the disk is full or a database gone, what the server keeps is damaged, it has a defect, or the
    operation was told to end. All else is a problem of the item: what it says is wrong, is taken, or does not exist.
    So is a failed precondition: a landmark that is deleted fails its own photos alone.
    """
    return error.status in _NOT_OF_AN_ITEM
