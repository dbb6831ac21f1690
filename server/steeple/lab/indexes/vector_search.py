"""Photos by one vector each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.indexes.arguments import whole
from steeple.lab.indexes.local_index import ranked
from steeple.lab.indexes.nearest import NearestSearch
from steeple.lab.indexes.vectors import numbers
from steeple.lab.rankings import Ranking


class VectorSearch:
    """A :class:`~steeple.lab.protocols.GlobalSearch`: the photos whose vectors are nearest.

    Args:
        search: For the vectors; not fitted, and empty.
    """

    def __init__(self, search: NearestSearch) -> None:
        self._search = search
        self._images = 0

    def fit(self, training: NDArray[np.float32]) -> None:
        """See :meth:`GlobalSearch.fit`.

        Raises:
            InvalidArgumentError: If they are not float32[T, D], not finite, or too few.
        """
        self._search.fit(numbers(training, self._search.title))

    def add(self, gallery: NDArray[np.float32]) -> None:
        """See :meth:`GlobalSearch.add`.

        Raises:
            InvalidArgumentError: If they are not float32[G, D], not finite, or unlike the training's.
            FailedPreconditionError: If it is not fitted and must be, or has a gallery already.
        """
        self._search.add(numbers(gallery, self._search.title))
        self._images = len(gallery)

    def search(self, query: NDArray[np.float32], limit: int) -> Ranking:
        """See :meth:`GlobalSearch.search`.

        Raises:
            InvalidArgumentError: If the query is not float32[D], not finite or unlike the gallery, or the limit is not
                positive.
            FailedPreconditionError: If no gallery was added.
        """
        whole("limit", limit, 1)
        if query.ndim != 1:
            raise InvalidArgumentError(f"a query is {query.dtype}{list(query.shape)}; one vector float32[D] is needed")
        near = self._search.nearest(numbers(query[None], self._search.title), limit)
        there = near.positions >= 0
        return ranked(near.positions[there], self._search.similarities(near.distances[there]), limit)

    @property
    def bytes_an_image(self) -> float:
        """See :meth:`GlobalSearch.bytes_an_image`; 0 if the gallery is empty."""
        return self._search.bytes / self._images if self._images else 0.0
