"""Expressions that limit a search to some images."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from steeple.server.index.milvus import schema

MOST_KEYS: Final = 5000
"""Image keys of an expression, at most: 50 kB of it."""


def of_keys(keys: Sequence[int]) -> Iterator[str]:
    """Expressions that together stand for rows of these images."""
    for start in range(0, len(keys), MOST_KEYS):
        yield f"{schema.IMAGE_KEY} in {list(keys[start : start + MOST_KEYS])}"


def of_ids(ids: Collection[int]) -> str:
    """An expression for rows of these primary keys."""
    return f"{schema.ID} in {list(ids)}"
