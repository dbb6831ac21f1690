"""Photos by the votes of their descriptors' nearest neighbours (DELF, section 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from steeple.lab.features import LocalFeatures
from steeple.lab.indexes.arguments import enough, whole
from steeple.lab.indexes.local_index import LocalIndex
from steeple.lab.indexes.nearest import NearestSearch, check_search
from steeple.lab.indexes.sampling import sampled
from steeple.lab.indexes.vectors import Vectors
from steeple.lab.protocols import LocalSearch
from steeple.lab.rankings import Ranking
from steeple.recognition.neighbours import Neighbours
from steeple.recognition.votes import counted

_PHOTO_BYTES: Final = 8  # of each photo: where its descriptors begin


class VotingSearch(LocalSearch, Protocol):
    """A search of photos that knows which features made them found."""

    def neighbours(self, query: LocalFeatures) -> Neighbours:
        """The neighbours of a query's descriptors in the gallery; image keys are positions there.

        Those of the query that was searched last are kept: to ask for them after the search costs nothing.
        """
        ...


class Voting(LocalIndex):
    """A :class:`VotingSearch`: each descriptor of a query votes once for each photo among its nearest neighbours.

    The score is the number of votes, and a part below one that orders equal numbers: the nearer, the more.

    Args:
        search: For the neighbours; not fitted, and empty.
        neighbours: K, of each descriptor.

    Raises:
        InvalidArgumentError: If there is less than one neighbour.
    """

    def __init__(self, search: NearestSearch, neighbours: int) -> None:
        super().__init__()
        self._search_nearest = search
        self._count = whole("neighbours", neighbours, 1, 1 << 12)
        self.title, self.fitted = search.title, search.fitted
        self._starts = np.zeros(1, np.int64)  # of each photo's descriptors, and the end
        self._last: tuple[LocalFeatures, Neighbours] | None = None

    def neighbours(self, query: LocalFeatures) -> Neighbours:
        """See :meth:`VotingSearch.neighbours`.

        Raises:
            InvalidArgumentError: If descriptors are unlike the gallery's.
            FailedPreconditionError: If no gallery was added.
        """
        check_search(filled=self._images is not None)
        if self._last is None or self._last[0] is not query:
            self._last = (query, self._found(query))
        return self._last[1]

    def _found(self, query: LocalFeatures) -> Neighbours:
        if not len(query) or not self._starts[-1]:
            empty = np.empty((len(query), 0), np.int64)
            return Neighbours(empty, empty.astype(np.int32), empty.astype(np.float32))
        near = self._search_nearest.nearest(query.descriptors, self._count)
        none = near.positions < 0
        # The photo of a position is the last one that begins at or before it; those without descriptors come earlier.
        keys = np.searchsorted(self._starts, near.positions, side="right") - 1
        numbers = near.positions - self._starts[np.maximum(keys, 0)]
        return Neighbours(
            np.where(none, -1, keys).astype(np.int64), np.where(none, -1, numbers).astype(np.int32), near.distances
        )

    def accept(self, rows: Vectors) -> None:
        """See :meth:`LocalIndex.accept`."""
        self._search_nearest.accept(rows)

    def _train(self, photos: Sequence[Vectors]) -> None:
        enough(len(photos), 1, self.title, "photo with features")
        self._search_nearest.fit(sampled(photos))

    def _build(self, photos: Sequence[Vectors | None]) -> None:
        sizes = [0 if rows is None else len(rows) for rows in photos]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
        if any(sizes):
            self._search_nearest.add(np.concatenate([rows for rows in photos if rows is not None]))

    def _search(self, query: LocalFeatures, limit: int) -> Ranking:
        near = self.neighbours(query)
        if not near.image_keys.shape[1]:
            return Ranking(np.empty(0, np.int64), np.empty(0, np.float32))
        votes = counted(near)
        scores = votes.counts + 0.5 / (1.0 + votes.distances)
        return Ranking(votes.image_keys[:limit], scores[:limit].astype(np.float32))

    def _bytes(self) -> int:
        return self._search_nearest.bytes + _PHOTO_BYTES * (len(self._starts) - 1)
