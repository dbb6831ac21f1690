"""Query expansion: the query asks again, together with what it has found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.lab.after.galleries import require, similarities, unprepared, vector_of, vectors_of
from steeple.lab.after.spatial import as_scores
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking

_STAGE: Final = "query expansion"
SCORES: Final = ("expanded", "asked")
"""What the scores of an expanded query are: its own similarities, or these moved to where the query's were."""


class QueryExpansion:
    """Searches the whole gallery with a weighted mean of the query's vector and those of the first candidates.

    The weight of a candidate is its similarity to the query, not below 0, to the power of ``alpha``; that of the query
    is 1. With ``alpha`` 0 this is the average query expansion, otherwise alpha query expansion.

    A query without a right photo is expanded with wrong ones, to which it comes nearer: its scores rise, and measures
    that compare scores between queries suffer. There are two remedies: ``least_score``, and ``scores = "asked"``.

    Args:
        neighbours: How many candidates take part, at most.
        alpha: 0 or more.
        least_score: Candidates take part whose score in the ranking is at least this. After spatial verification the
            whole part of a score is the number of inliers, so that 20 lets in what at least 20 inliers confirm; right
            after a search it is a similarity. None: all.
        scores: ``expanded``: similarities of the expanded query, as published. ``asked``: the same less a constant, so
            that the first photo has the similarity that the query itself has to it.
    """

    def __init__(
        self, neighbours: int = 10, alpha: float = 0.0, least_score: float | None = None, scores: str = "expanded"
    ) -> None:
        require(neighbours > 0, _STAGE, "neighbours must be above 0")
        require(alpha >= 0, _STAGE, "alpha must be 0 or more")
        require(scores in SCORES, _STAGE, f"scores must be one of {', '.join(SCORES)}")
        self._neighbours, self._alpha, self._least, self._scores = neighbours, alpha, least_score, scores
        self._vectors: NDArray[np.float32] | None = None

    def prepare(self, gallery: Sequence[Evidence], landmarks: Sequence[str]) -> None:
        """Keeps the vectors of the gallery."""
        self._vectors = vectors_of(gallery, _STAGE)

    def rerank(self, query: Evidence, ranking: Ranking) -> Ranking:
        """All of the gallery, by similarity to the expanded query; that is the query if no candidate takes part."""
        if self._vectors is None:
            raise unprepared(_STAGE)
        asked = vector_of(query, _STAGE).astype(np.float64)
        first = ranking.keys[: self._neighbours]
        if self._least is not None:
            first = first[ranking.scores[: self._neighbours] >= self._least]
        found = similarities(self._vectors, self._expanded(asked, self._vectors[first]))
        order = np.argsort(-found, kind="stable")
        scores = found[order]
        if self._scores == "asked" and len(order):
            scores += self._vectors[order[0]].astype(np.float64) @ asked - scores[0]
        return Ranking(order.astype(np.int64), as_scores(scores))

    def _expanded(self, asked: NDArray[np.float64], neighbours: NDArray[np.float32]) -> NDArray[np.float64]:
        """float64[D], L2-normalised."""
        if not len(neighbours):
            return asked
        wide = neighbours.astype(np.float64)
        weights = np.maximum(wide @ asked, 0.0) ** self._alpha
        total = asked + weights @ wide
        length = float(np.linalg.norm(total))
        return total / length if length > 0 else asked
