"""What is the same for all searches by local features: which calls may follow which, with what."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steeple.lab.features import LocalFeatures
from steeple.lab.indexes.arguments import whole
from steeple.lab.indexes.nearest import check_addition, check_search
from steeple.lab.indexes.vectors import Form, Vectors
from steeple.lab.rankings import Ranking


class LocalIndex(ABC):
    """A :class:`~steeple.lab.protocols.LocalSearch` that checks what it is given.

    Attributes:
        title: What errors call it.
        fitted: Whether it has to be fitted before photos are added.
    """

    title: str
    fitted: bool = True

    def __init__(self) -> None:
        self._form = Form(self.accept)  # of descriptors
        self._is_fitted = False
        self._images: int | None = None

    def fit(self, training: Sequence[LocalFeatures]) -> None:
        """See :meth:`LocalSearch.fit`.

        Raises:
            InvalidArgumentError: If the descriptors are of a kind it cannot search, or too few.
        """
        if self.fitted:
            self._train([self._form.checked(features.descriptors) for features in training if len(features)])
            self._is_fitted = True

    def add(self, gallery: Sequence[LocalFeatures]) -> None:
        """See :meth:`LocalSearch.add`.

        Raises:
            InvalidArgumentError: If the descriptors are of a kind it cannot search, or differ from the training's.
            FailedPreconditionError: If it is not fitted and must be, or has a gallery already.
        """
        check_addition(self.title, missing=self.fitted and not self._is_fitted, filled=self._images is not None)
        descriptors = [self._form.checked(features.descriptors) if len(features) else None for features in gallery]
        self._build(descriptors)
        self._images = len(gallery)

    def search(self, query: LocalFeatures, limit: int) -> Ranking:
        """See :meth:`LocalSearch.search`.

        Raises:
            InvalidArgumentError: If the descriptors are of another kind or other dimensions than the gallery's, or the
                limit is less than 1.
            FailedPreconditionError: If no gallery was added.
        """
        whole("limit", limit, 1)
        check_search(filled=self._images is not None)
        if not len(query) or not self._form.known:
            return Ranking(np.empty(0, np.int64), np.empty(0, np.float32))
        self._form.checked(query.descriptors)
        return self._search(query, limit)

    @property
    def bytes_an_image(self) -> float:
        """See :meth:`LocalSearch.bytes_an_image`; 0 if the gallery is empty."""
        return self._bytes() / self._images if self._images else 0.0

    @abstractmethod
    def accept(self, rows: Vectors) -> None:
        """Raises InvalidArgumentError for descriptors of a kind that it cannot search."""

    @abstractmethod
    def _train(self, photos: Sequence[Vectors]) -> None:
        """Fits to the descriptors of photos; those that have none are left out."""

    @abstractmethod
    def _build(self, photos: Sequence[Vectors | None]) -> None:
        """Indexes the descriptors of photos; None: it has none."""

    @abstractmethod
    def _search(self, query: LocalFeatures, limit: int) -> Ranking:
        """Searches for a query of one feature or more, whose descriptors were checked."""

    @abstractmethod
    def _bytes(self) -> int:
        """What is kept of all photos."""


def ranked(keys: NDArray[np.int64], scores: NDArray[np.float32], limit: int) -> Ranking:
    """Photos by score; those of equal score by key."""
    order = np.lexsort((keys, -scores))[:limit]
    return Ranking(keys[order], scores[order])
