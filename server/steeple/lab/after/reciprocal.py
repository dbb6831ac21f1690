"""Re-ranking by k-reciprocal neighbours: photos are alike whose neighbours are the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from steeple.lab.after.galleries import nearest, require, similarities, unprepared, vector_of, vectors_of
from steeple.lab.after.spatial import as_scores
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking

_STAGE: Final = "k-reciprocal re-ranking"
_SHARED: Final = 2 / 3  # of a candidate's own neighbours, for it to bring them along
_ROUNDING: Final = 1e-6  # of similarities: a photo that is asked for again has the neighbours that it has


class ReciprocalEncoding:
    """Re-ranks the whole gallery by the overlap of k-reciprocal neighbours.

    A photo is encoded by its k-reciprocal neighbours (it is among their nearest, and they among its), extended by the
    ``neighbours / 2``-reciprocal ones of each that shares two thirds of its own with them; a neighbour at distance
    d = 1 - s has the weight exp(-d), and all together weigh 1. The encoding is then averaged with those of the nearest
    ``expansion - 1`` photos. The score is (1 - similarity_share) J + similarity_share s, where J is the Jaccard
    similarity of two encodings, the sum of minima over that of maxima.

    The gallery is encoded once, without queries, and the query takes part in no encoding but its own: one query never
    sees another, as in a search engine.

    Args:
        neighbours: k1 of the paper.
        expansion: k2 of the paper.
        similarity_share: lambda of the paper, 0 to 1.
    """

    def __init__(self, neighbours: int = 20, expansion: int = 6, similarity_share: float = 0.3) -> None:
        require(neighbours > 1, _STAGE, "neighbours must be above 1")
        require(expansion > 0, _STAGE, "expansion must be above 0")
        require(0 <= similarity_share <= 1, _STAGE, "similarity_share must be 0 to 1")
        self._neighbours, self._expansion, self._share = neighbours, expansion, similarity_share
        self._half = round(neighbours / 2)
        self._vectors: NDArray[np.float32] | None = None
        self._least = np.empty(0)
        self._halves: list[NDArray[np.int64]] = []
        self._raw, self._encoded = csr_array((0, 0)), csc_array((0, 0))

    def prepare(self, gallery: Sequence[Evidence], landmarks: Sequence[str]) -> None:
        """Encodes the gallery."""
        self._vectors = vectors = vectors_of(gallery, _STAGE)
        keys, products = nearest(vectors, max(self._neighbours, self._expansion))
        near = keys[:, : self._neighbours]
        self._least = products[:, : self._neighbours].min(axis=1, initial=1.0)
        self._halves = [_reciprocal(row, near[:, : self._half]) for row in range(len(near))]
        total = len(vectors)
        parts = [self._encoding(_reciprocal(row, near), vectors, vectors[row]) for row in range(total)]
        self._raw = _sparse(parts, total)
        averages = [self._averaged(row, keys[row]) for row in range(total)]
        self._encoded = csc_array(_sparse(averages, total))

    def rerank(self, query: Evidence, ranking: Ranking) -> Ranking:
        """All of the gallery."""
        if self._vectors is None:
            raise unprepared(_STAGE)
        asked = vector_of(query, _STAGE)
        found = similarities(self._vectors, asked)
        order = np.argsort(-found, kind="stable")
        near = order[: self._neighbours]
        own = self._encoding(np.sort(near[found[near] >= self._least[near] - _ROUNDING]), self._vectors, asked)
        members, weights = self._mean([own, *(self._row(key) for key in order[: self._expansion - 1].tolist())])
        shared = np.minimum(self._encoded[:, members].toarray(), weights).sum(axis=1)
        # Encodings weigh 1 each, but for a query that has no reciprocal neighbour.
        union = np.asarray(self._encoded.sum(axis=1)) + weights.sum() - shared
        scores = (1.0 - self._share) * shared / np.maximum(union, 1e-12) + self._share * found
        order = np.argsort(-scores, kind="stable")
        return Ranking(order.astype(np.int64), as_scores(scores[order]))

    def _encoding(
        self, reciprocal: NDArray[np.int64], vectors: NDArray[np.float32], vector: NDArray[np.float32]
    ) -> _Sparse:
        """Of a photo with these k-reciprocal neighbours, ascending, and this vector, float32[D]."""
        members = set(reciprocal.tolist())
        extended = set(members)
        for key in reciprocal.tolist():
            own = self._halves[key]
            if len(members.intersection(own.tolist())) >= _SHARED * len(own):
                extended.update(own.tolist())
        keys = np.array(sorted(extended), np.int64)
        weights = np.exp(similarities(vectors[keys], vector) - 1.0)
        return keys, weights / max(float(weights.sum()), 1e-12)

    def _averaged(self, row: int, near: NDArray[np.int64]) -> _Sparse:
        """The encoding of a photo of the gallery and those of its nearest."""
        return self._mean([self._row(key) for key in [row, *near[: self._expansion - 1].tolist()]])

    def _row(self, key: int) -> _Sparse:
        start, end = self._raw.indptr[key : key + 2]
        return self._raw.indices[start:end].astype(np.int64), self._raw.data[start:end]

    def _mean(self, encodings: Sequence[_Sparse]) -> _Sparse:
        keys, places = np.unique(np.concatenate([each for each, _ in encodings]), return_inverse=True)
        weights = np.bincount(places, np.concatenate([each for _, each in encodings]), len(keys))
        return keys, weights / len(encodings)


_Sparse: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float64]]
"""An encoding: positions in the gallery, ascending, and their weights."""


def _reciprocal(row: int, near: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[N], ascending: the k-reciprocal neighbours of a photo, itself included.

    Args:
        row: The photo.
        near: int64[G, k]; the nearest of all.
    """
    own = near[row]
    return np.sort(np.append(own[(near[own] == row).any(axis=1)], row))


def _sparse(rows: Sequence[_Sparse], columns: int) -> csr_array:
    starts = np.concatenate([[0], np.cumsum([len(keys) for keys, _ in rows], dtype=np.int64)])
    if not rows:
        return csr_array((0, columns))
    keys, weights = (np.concatenate([each[part] for each in rows]) for part in (0, 1))
    return csr_array((weights, keys, starts), shape=(len(rows), columns))
