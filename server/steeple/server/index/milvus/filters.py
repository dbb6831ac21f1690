"""Searches that are limited to some images, by expressions or by leaving out what was found of others."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.recognition.neighbours import Neighbours
from steeple.server.catalogue.selection import ImageSelection
from steeple.server.index.milvus import schema, searching

# Milvus reads an expression token by token: 5,000 keys take it as long as a search without, 50,000 ten times as long.
_FEW: Final = 5_000  # keys: they go into the expression
_MANY: Final = 20_000  # of an expression, where there are more: 200 kB
_SPARE: Final = 1.5  # times as many neighbours as there should have to be
_MOST_SPARE: Final = 1_000  # neighbours: 50 times those of a release cost ten times as much

Search = Callable[[NDArray[np.float32], int, str], Neighbours]
"""Of descriptors, so many neighbours among the rows that satisfy an expression."""


def of_ids(ids: Collection[int]) -> str:
    """An expression for rows of these primary keys."""
    return f"{schema.ID} in {list(ids)}"


def search_within(
    queries: NDArray[np.float32], neighbours: int, within: Collection[int], images: Callable[[], int], search: Search
) -> Neighbours:
    """The nearest neighbours of descriptors among some images.

    The keys decide; regions, where they are known, only leave out partitions that have none of them. Few keys go into
    the expression. Of many, more neighbours are fetched than wanted, and those of other images left out; for
    descriptors that this leaves too few for, the keys go into expressions after all, some at a time.

    Args:
        queries: float32[Q, 40].
        neighbours: K.
        within: Keys of the images.
        images: How many there are in all, about.
        search: Asks Milvus.
    """
    keys = np.unique(np.fromiter(within, np.int64, len(within)))
    if not len(keys) or not len(queries):
        return searching.none(len(queries), neighbours)
    place = _of_regions(within.regions) if isinstance(within, ImageSelection) else ""
    if len(keys) <= _FEW:
        return search(queries, neighbours, _both(place, _of_keys(keys)))
    share = len(keys) / max(images(), len(keys))
    fetched = math.ceil(_SPARE * neighbours / share)
    if fetched > _MOST_SPARE:
        return _in_parts(queries, neighbours, keys, place, search)
    found = search(queries, fetched, place)
    kept = _of_images(found, keys, neighbours)
    # Where Milvus had no more to give, there are no more.
    short = np.flatnonzero((kept.image_keys[:, -1] < 0) & (found.image_keys[:, -1] >= 0))
    if len(short):
        more = _in_parts(queries[short], neighbours, keys, place, search)
        kept.image_keys[short] = more.image_keys
        kept.feature_numbers[short] = more.feature_numbers
        kept.distances[short] = more.distances
    return kept


def _in_parts(
    queries: NDArray[np.float32], neighbours: int, keys: NDArray[np.int64], place: str, search: Search
) -> Neighbours:
    parts = [
        search(queries, neighbours, _both(place, _of_keys(keys[start : start + _MANY])))
        for start in range(0, len(keys), _MANY)
    ]
    return searching.nearest(parts, neighbours)


def _of_images(found: Neighbours, keys: NDArray[np.int64], neighbours: int) -> Neighbours:
    """The first ``neighbours`` of those found that are of images of ``keys``, which rise."""
    places = np.minimum(np.searchsorted(keys, found.image_keys), len(keys) - 1)
    wanted = keys[places] == found.image_keys
    order = np.argsort(~wanted, axis=1, kind="stable")[:, :neighbours]
    there = np.take_along_axis(wanted, order, axis=1)
    return Neighbours(
        np.where(there, np.take_along_axis(found.image_keys, order, axis=1), -1),
        np.where(there, np.take_along_axis(found.feature_numbers, order, axis=1), np.int32(-1)),
        np.where(there, np.take_along_axis(found.distances, order, axis=1), np.float32(np.inf)),
    )


def _of_keys(keys: NDArray[np.int64]) -> str:
    return f"{schema.IMAGE_KEY} in {keys.tolist()}"


def _of_regions(regions: Iterable[int] | None) -> str:
    return "" if regions is None else f"{schema.REGION} in {sorted(regions)}"


def _both(one: str, other: str) -> str:
    return f"{one} and {other}" if one else other
