"""ASMK*: aggregated selective match kernel on bits (Tolias, Avrithis and Jégou, IJCV 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.lab.features import LocalFeatures
from steeple.lab.indexes.arguments import real, whole
from steeple.lab.indexes.local_index import LocalIndex, ranked
from steeple.lab.indexes.vectors import Vectors, numbers
from steeple.lab.indexes.visual_words import VisualWords
from steeple.lab.rankings import Ranking

_LANES: Final = 64  # bits compared at a time


@dataclass(frozen=True, eq=False)
class _Aggregated:
    """A photo.

    Attributes:
        words: int64[A]; rising.
        codes: uint64[A, L]; of each word the signs of its residual.
    """

    words: NDArray[np.int64]
    codes: NDArray[np.uint64]


class Asmk(LocalIndex):
    """Residuals are summed up for each word of a photo, of which only the signs are kept.

    Photos are compared word by word: of the similarity ``u`` of two words' bits, from -1 to 1, counts ``u ** alpha`` if
    it is above ``tau``, else nothing. Sums are normalised so that a photo is similar to itself by 1. That is the score.
    Photos that share no word that counts are not found.

    Args:
        words: Of the vocabulary.
        alpha: How selective.
        tau: What is not above it counts nothing; 0 or more.
        assignments: Words of each descriptor of a query; those of the gallery have one.
        seed: Of the choice of training descriptors.

    Raises:
        InvalidArgumentError: If a number is out of range.
    """

    title = "ASMK*"

    def __init__(self, words: int, alpha: float, tau: float, assignments: int, seed: int) -> None:
        super().__init__()
        self._count = whole("words", words, 1, 1 << 20)
        self._alpha, self._tau = real("alpha", alpha, 0.0, 100.0), real("tau", tau, 0.0, 1.0)
        self._assignments = whole("assignments", assignments, 1, 64)
        self._seed = whole("seed", seed, 0)
        self._words: VisualWords
        self._bits = 0
        self._starts = np.zeros(self._count + 1, np.int64)  # of each word's list, and the end
        self._owners = np.empty(0, np.int32)  # photos in lists, one after the other
        self._codes = np.empty((0, 0), np.uint64)
        self._norms = np.empty(0, np.float32)  # of each photo

    def accept(self, rows: Vectors) -> None:
        """See :meth:`LocalIndex.accept`: numbers."""
        self._bits = numbers(rows, self.title).shape[1]

    def _train(self, photos: Sequence[Vectors]) -> None:
        self._words = VisualWords.learned(photos, self._count, self.title, self._seed)

    def _aggregated(self, rows: Vectors | None, assignments: int) -> _Aggregated:
        if rows is None:
            return _Aggregated(np.empty(0, np.int64), np.empty((0, -(-self._bits // _LANES)), np.uint64))
        descriptors = numbers(rows, self.title)
        nearest = self._words.nearest(descriptors, assignments)[0]
        words, number = np.unique(nearest, return_inverse=True)
        sums = np.zeros((len(words), self._bits), np.float64)
        residuals = descriptors[:, None].astype(np.float64) - self._words.centroids[nearest]
        np.add.at(sums, number.reshape(-1), residuals.reshape(-1, self._bits))
        return _Aggregated(words.astype(np.int64), _packed(sums > 0))

    def _build(self, photos: Sequence[Vectors | None]) -> None:
        aggregated = [self._aggregated(rows, 1) for rows in photos]
        if not aggregated:
            return
        words = np.concatenate([photo.words for photo in aggregated])
        owners = np.repeat(np.arange(len(photos), dtype=np.int32), [len(photo.words) for photo in aggregated])
        order = np.argsort(words, kind="stable")  # by word, then by photo
        self._owners = owners[order]
        self._codes = np.concatenate([photo.codes for photo in aggregated])[order]
        self._starts = np.searchsorted(words[order], np.arange(self._count + 1)).astype(np.int64)
        # A word is similar to itself by 1, whatever alpha is.
        self._norms = np.sqrt(np.array([max(len(photo.words), 1) for photo in aggregated], np.float32))

    def _search(self, query: LocalFeatures, limit: int) -> Ranking:
        asked = self._aggregated(query.descriptors, self._assignments)
        if not len(self._owners):
            return Ranking(np.empty(0, np.int64), np.empty(0, np.float32))
        starts = self._starts[asked.words]
        lengths = self._starts[asked.words + 1] - starts
        # The lists of all the query's words, one after the other: which word each entry is of, and where it is.
        word = np.repeat(np.arange(len(lengths)), lengths)
        entry = np.arange(len(word)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + starts[word]
        differ = np.bitwise_count(asked.codes[word] ^ self._codes[entry]).sum(axis=1, dtype=np.int64)
        similarity = 1.0 - 2.0 * differ / self._bits
        counts = similarity > self._tau
        owners = self._owners[entry[counts]]
        sums = np.bincount(owners, weights=similarity[counts] ** self._alpha, minlength=len(self._norms))
        scores = sums / (self._norms * np.sqrt(len(asked.words)))
        keys = np.flatnonzero(scores).astype(np.int64)
        return ranked(keys, scores[keys].astype(np.float32), limit)

    def _bytes(self) -> int:
        return int(self._codes.nbytes + self._owners.nbytes + self._norms.nbytes)


def _packed(signs: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """uint64[N, L]: bool[N, D], filled up with zeros."""
    lanes = -(-signs.shape[1] // _LANES)
    padded = np.zeros((len(signs), lanes * _LANES), np.bool_)
    padded[:, : signs.shape[1]] = signs
    return np.packbits(padded, axis=1).view(np.uint64)
