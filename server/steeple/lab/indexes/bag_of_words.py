"""Bags of visual words (Sivic and Zisserman, ICCV 2003)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from steeple.lab.features import LocalFeatures
from steeple.lab.indexes.arguments import real, whole
from steeple.lab.indexes.local_index import LocalIndex, ranked
from steeple.lab.indexes.vectors import Vectors, numbers
from steeple.lab.indexes.visual_words import VisualWords
from steeple.lab.rankings import Ranking


class BagOfWords(LocalIndex):
    """How often each word is in a photo, over how many photos of the gallery have it (tf-idf); compared by cosine.

    The score is the cosine. Photos that share no word with the query, or only words that all photos have, are not
    found.

    Args:
        words: Of the vocabulary.
        assignments: Words of a descriptor of the query and the gallery; more than one is soft assignment (Philbin et
            al., CVPR 2008).
        sigma: Distance to a word's centroid at which its weight is down to 0.6 of one that is hit; for soft assignment.
        seed: Of the choice of training descriptors.

    Raises:
        InvalidArgumentError: If a number is out of range.
    """

    title = "a bag of visual words"

    def __init__(self, words: int, assignments: int, sigma: float, seed: int) -> None:
        super().__init__()
        self._count = whole("words", words, 1, 1 << 20)
        self._assignments = whole("assignments", assignments, 1, 64)
        self._sigma = real("sigma", sigma, 1e-3, 1e3)
        self._seed = whole("seed", seed, 0)
        self._words: VisualWords
        self._idf = np.empty(0, np.float32)
        self._lists = sparse.csc_matrix((0, 0), dtype=np.float32)

    def accept(self, rows: Vectors) -> None:
        """See :meth:`LocalIndex.accept`: numbers."""
        numbers(rows, self.title)

    def _train(self, photos: Sequence[Vectors]) -> None:
        self._words = VisualWords.learned(photos, self._count, self.title, self._seed)

    def _frequencies(self, rows: Vectors | None) -> NDArray[np.float32]:
        """float32[W]; how often each word is in a photo, over its descriptors."""
        if rows is None:
            return np.zeros(self._count, np.float32)
        words, distances = self._words.nearest(numbers(rows, self.title), self._assignments)
        # Less the least, so that a descriptor far from all words does not weigh nothing.
        weights = np.exp((distances[:, :1] - distances) / (2 * self._sigma**2))
        weights /= weights.sum(axis=1, keepdims=True) * len(rows)
        return np.bincount(words.reshape(-1), weights=weights.reshape(-1), minlength=self._count).astype(np.float32)

    def _build(self, photos: Sequence[Vectors | None]) -> None:
        frequencies = sparse.vstack(
            [sparse.csr_matrix(self._frequencies(rows)) for rows in photos]
            or [sparse.csr_matrix((0, self._count), dtype=np.float32)]
        )
        having = np.diff(frequencies.tocsc().indptr)
        # A word that no photo has is in no list either, whatever it weighs in the query's length.
        self._idf = np.log(max(len(photos), 1) / np.maximum(having, 1)).astype(np.float32)
        weighted = frequencies.multiply(self._idf).tocsr()
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        unit = sparse.diags(1.0 / np.where(lengths > 0, lengths, 1.0)) @ weighted
        self._lists = sparse.csc_matrix(unit, dtype=np.float32)
        self._lists.eliminate_zeros()

    def _search(self, query: LocalFeatures, limit: int) -> Ranking:
        weights = self._frequencies(query.descriptors) * self._idf
        length = float(np.linalg.norm(weights))
        words = np.flatnonzero(weights)
        if not len(words):
            return Ranking(np.empty(0, np.int64), np.empty(0, np.float32))
        scores = self._lists[:, words] @ (weights[words] / length)
        keys = np.flatnonzero(scores).astype(np.int64)
        return ranked(keys, np.minimum(scores[keys], 1.0).astype(np.float32), limit)  # rounding can leave more

    def _bytes(self) -> int:
        return int(self._lists.data.nbytes + self._lists.indices.nbytes)
