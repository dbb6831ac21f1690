"""VLAD: residuals to visual words, summed up to one vector a photo (Jégou et al., CVPR 2010)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from steeple.lab.features import LocalFeatures
from steeple.lab.indexes.arguments import enough, whole
from steeple.lab.indexes.local_index import LocalIndex
from steeple.lab.indexes.vectors import Vectors, numbers
from steeple.lab.indexes.visual_words import VisualWords
from steeple.lab.protocols import GlobalSearch
from steeple.lab.rankings import Ranking


def vlad(rows: NDArray[np.float32], words: VisualWords) -> NDArray[np.float32]:
    """The vector of one photo, float32[W * D], L2-normalised.

    Residuals are summed up for each word, and each sum is L2-normalised by itself (intra-normalisation; Arandjelović
    and Zisserman, CVPR 2013) after the signed square root of its components (power law; Jégou et al., TPAMI 2012).

    Args:
        rows: float32[N, D]; N is 1 or more.
        words: Of the vocabulary.
    """
    nearest = words.nearest(rows)[0][:, 0]
    sums = np.zeros(words.centroids.shape, np.float64)
    np.add.at(sums, nearest, (rows - words.centroids[nearest]).astype(np.float64))
    powers = np.sign(sums) * np.sqrt(np.abs(sums))
    return _unit(_unit(powers).reshape(-1)).astype(np.float32)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))


class Vlad(LocalIndex):
    """One vector a photo, whitened by PCA, and searched like any other. The score is that search's.

    Args:
        words: Of the vocabulary.
        dimensions: After whitening.
        search: For the vectors; not fitted, and empty.
        seed: Of the choice of training descriptors.

    Raises:
        InvalidArgumentError: If a number is out of range.
    """

    title = "VLAD"

    def __init__(self, words: int, dimensions: int, search: GlobalSearch, seed: int) -> None:
        super().__init__()
        self._count = whole("words", words, 1, 1 << 12)
        self._dimensions = whole("dimensions", dimensions, 1, 1 << 16)
        self._seed = whole("seed", seed, 0)
        self._inside = search
        self._words: VisualWords
        self._whitening = PCA(self._dimensions, whiten=True, svd_solver="full")
        self._keys = np.empty(0, np.int64)  # of the photos that have features

    def accept(self, rows: Vectors) -> None:
        """See :meth:`LocalIndex.accept`: numbers."""
        numbers(rows, self.title)

    def _train(self, photos: Sequence[Vectors]) -> None:
        # The mean takes one away.
        enough(len(photos), self._dimensions + 1, f"VLAD of {self._dimensions} dimensions", "photos with features")
        self._words = VisualWords.learned(photos, self._count, self.title, self._seed)
        enough(
            self._words.centroids.size,
            self._dimensions,
            f"VLAD of {self._dimensions} dimensions",
            "numbers before whitening (words times the descriptor's)",
        )
        raw = np.stack([vlad(numbers(rows, self.title), self._words) for rows in photos])
        self._whitening.fit(raw.astype(np.float64))
        self._inside.fit(self._whitened(raw))

    def _whitened(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        return _unit(self._whitening.transform(raw.astype(np.float64))).astype(np.float32)

    def vector(self, rows: Vectors) -> NDArray[np.float32]:
        """The vector of one photo, float32[dimensions], L2-normalised."""
        whitened = self._whitened(vlad(numbers(rows, self.title), self._words)[None])
        return np.asarray(whitened[0], np.float32)

    def _build(self, photos: Sequence[Vectors | None]) -> None:
        vectors = [self.vector(rows) for rows in photos if rows is not None]
        self._keys = np.array([key for key, rows in enumerate(photos) if rows is not None], np.int64)
        self._inside.add(np.array(vectors, np.float32).reshape(-1, self._dimensions))

    def _search(self, query: LocalFeatures, limit: int) -> Ranking:
        ranking = self._inside.search(self.vector(query.descriptors), limit)
        return Ranking(self._keys[ranking.keys], ranking.scores)

    def _bytes(self) -> int:
        return round(self._inside.bytes_an_image * len(self._keys))
