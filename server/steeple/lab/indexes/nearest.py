"""Nearest neighbours among vectors: what searches of local features and of whole photos share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steeple.errors import FailedPreconditionError
from steeple.lab.indexes.sharing import shared
from steeple.lab.indexes.vectors import Form, Vectors


@dataclass(frozen=True, eq=False)
class Nearest:
    """What was found near Q vectors, K each, nearest first.

    Attributes:
        positions: int64[Q, K]; among those that were added, -1 where fewer than K were found.
        distances: float32[Q, K]; not negative, infinite where nothing was found.
    """

    positions: NDArray[np.int64]
    distances: NDArray[np.float32]


class NearestSearch(ABC):
    """Vectors, searchable by nearest neighbour, exactly or nearly.

    It checks what it is given; how vectors are searched is for those that derive from it.

    Attributes:
        title: What errors call it.
        fitted: Whether it has to be fitted before vectors are added.
    """

    title: str
    fitted: bool = True

    def __init__(self) -> None:
        self._form = Form(self.accept)
        self._is_fitted = False
        self._added: int | None = None

    def fit(self, training: Vectors) -> None:
        """Fits codebooks and the like.

        Raises:
            InvalidArgumentError: If vectors are of a kind it cannot search, or too few.
        """
        if self.fitted:
            self._train(self._form.checked(training))
            self._is_fitted = True

    def add(self, vectors: Vectors) -> None:
        """Adds all that is searched. Once.

        Raises:
            InvalidArgumentError: If vectors are of a kind it cannot search, or unlike the training's.
            FailedPreconditionError: If it is not fitted and must be, or has vectors already.
        """
        check_addition(self.title, missing=self.fitted and not self._is_fitted, filled=self._added is not None)
        rows = self._form.checked(vectors)
        if len(rows):
            self._build(rows)
        self._added = len(rows)

    def nearest(self, queries: Vectors, count: int) -> Nearest:
        """The nearest of each query, at most so many.

        Raises:
            InvalidArgumentError: If queries are unlike what is searched.
            FailedPreconditionError: If nothing was added.
        """
        check_search(filled=self._added is not None)
        rows = self._form.checked(queries)
        kept = min(count, self._added or 0)
        if not len(rows) or not kept:
            return Nearest(np.empty((len(rows), 0), np.int64), np.empty((len(rows), 0), np.float32))
        with shared(float(rows.size) * (self._added or 0)):
            return self._nearest(rows, kept)

    @property
    def bytes(self) -> int:
        """What it keeps of all vectors: codes and ids, without codebooks."""
        return self._bytes() if self._added else 0

    @abstractmethod
    def similarities(self, distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """Its distances as similarities, which fall as distances rise and mean the same for every query."""

    @abstractmethod
    def accept(self, rows: Vectors) -> None:
        """Raises InvalidArgumentError for vectors of a kind that it cannot search."""

    def _train(self, rows: Vectors) -> None:
        """Fits to vectors, if it has to be fitted."""
        raise NotImplementedError

    @abstractmethod
    def _build(self, rows: Vectors) -> None:
        """Indexes vectors, one or more."""

    @abstractmethod
    def _nearest(self, rows: Vectors, count: int) -> Nearest:
        """Finds neighbours of one query or more, at most as many as there are vectors."""

    @abstractmethod
    def _bytes(self) -> int:
        """What it keeps of vectors, one or more."""


def check_addition(title: str, *, missing: bool, filled: bool) -> None:
    """A gallery is added once, after training.

    Raises:
        FailedPreconditionError: If training is missing, or there is a gallery.
    """
    if filled:
        raise FailedPreconditionError("the gallery was added already; make another search for another gallery")
    if missing:
        raise FailedPreconditionError(f"{title} has to be fitted first; name training photos")


def check_search(*, filled: bool) -> None:
    """What is searched was added.

    Raises:
        FailedPreconditionError: If it was not.
    """
    if not filled:
        raise FailedPreconditionError("there is nothing to search; add the gallery first")


def found(index: Any, rows: Vectors, count: int) -> Nearest:  # noqa: ANN401 - FAISS is untyped
    """What a FAISS index finds: by Hamming distance for bits, by squared Euclidean distance for numbers."""
    distances, positions = index.search(rows, count)
    return nearest_of(positions, distances)


def nearest_of(positions: NDArray[np.int64], distances: NDArray[Any]) -> Nearest:
    """Positions and distances as FAISS gives them."""
    none = positions < 0
    # Rounding can leave less than nothing.
    nearness = np.where(none, np.inf, np.maximum(distances, 0)).astype(np.float32)
    return Nearest(np.where(none, -1, positions).astype(np.int64), nearness)


def cosines(distances: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosines of unit vectors, from their squared Euclidean distances."""
    return (1.0 - 0.5 * distances).astype(np.float32)
