"""Diffusion: similarity flows from the query along the manifold of the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, eye_array
from scipy.sparse.linalg import cg

from steeple.lab.after.galleries import nearest, require, similarities, unprepared, vector_of, vectors_of
from steeple.lab.after.spatial import as_fraction, as_scores
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking

_STAGE: Final = "diffusion"
_TOLERANCE: Final = 1e-8  # of the residual, relative
_ITERATIONS: Final = 1000  # converges within some hundred at alpha 0.99


class Diffusion:
    """Ranks by a random walk with restart from the query's neighbours.

    The graph has an edge between photos that are among each other's ``neighbours`` nearest, of weight w = s^gamma, s
    being their similarity, not below 0. For each query the graph is cut down to the ``truncation`` photos nearest to
    it; W are its weights, D the diagonal of their sums, S = D^-1/2 W D^-1/2. The start y has s(q, i)^gamma at the
    ``query_neighbours`` nearest photos. The scores f solve (I - alpha S) f = (1 - alpha) y, by conjugate gradients.

    Args:
        neighbours: Of a photo of the gallery.
        query_neighbours: Of a query.
        gamma: Power of similarities.
        alpha: How far similarity flows, 0 to less than 1.
        truncation: Photos in the graph of a query, at most.
    """

    def __init__(
        self,
        neighbours: int = 50,
        query_neighbours: int = 10,
        gamma: float = 3.0,
        alpha: float = 0.99,
        truncation: int = 1000,
    ) -> None:
        require(neighbours > 0, _STAGE, "neighbours must be above 0")
        require(query_neighbours > 0, _STAGE, "query_neighbours must be above 0")
        require(gamma > 0, _STAGE, "gamma must be above 0")
        require(0 <= alpha < 1, _STAGE, "alpha must be 0 or more, and below 1")
        require(truncation > 0, _STAGE, "truncation must be above 0")
        self._neighbours, self._query_neighbours = neighbours, query_neighbours
        self._gamma, self._alpha, self._truncation = gamma, alpha, truncation
        self._vectors: NDArray[np.float32] | None = None
        self._weights = csr_array((0, 0))

    def prepare(self, gallery: Sequence[Evidence], landmarks: Sequence[str]) -> None:
        """Makes the graph of the gallery."""
        self._vectors = vectors_of(gallery, _STAGE)
        keys, products = nearest(self._vectors, self._neighbours)
        total = len(keys)
        rows = np.repeat(np.arange(total), keys.shape[1])
        weights = np.maximum(products, 0.0).ravel() ** self._gamma
        one_way = csr_array((weights, (rows, keys.ravel())), shape=(total, total))
        self._weights = csr_array(one_way.minimum(one_way.T))  # an edge that one end lacks is 0 there

    def rerank(self, query: Evidence, ranking: Ranking) -> Ranking:
        """The photos that the diffusion reaches; behind them, with scores below 0, the rest of the ranking."""
        if self._vectors is None:
            raise unprepared(_STAGE)
        found = similarities(self._vectors, vector_of(query, _STAGE))
        graph = np.argsort(-found, kind="stable")[: self._truncation]
        flow = self._flow(graph, np.maximum(found[graph], 0.0))
        # Photos that nothing reaches have no order of their own here.
        reached = flow > 0
        keys, flow = graph[reached], flow[reached]
        order = np.argsort(-flow, kind="stable")
        left = ~np.isin(ranking.keys, keys)
        scores = np.concatenate([flow[order], as_fraction(ranking.scores[left]) - 1.0])
        return Ranking(np.concatenate([keys[order], ranking.keys[left]]).astype(np.int64), as_scores(scores))

    def _flow(self, graph: NDArray[np.intp], found: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64[R]: the solution for a part of the gallery, intp[R], nearest to the query first."""
        start = np.zeros(len(graph))
        start[: self._query_neighbours] = found[: self._query_neighbours] ** self._gamma
        if not start.any():
            return start
        weights = self._weights[graph][:, graph]
        degrees = np.asarray(weights.sum(axis=1), np.float64)
        roots = np.divide(1.0, np.sqrt(degrees), out=np.zeros_like(degrees), where=degrees > 0)
        system = eye_array(len(graph)) - self._alpha * (diags_array(roots) @ weights @ diags_array(roots))
        flow, _ = cg(system, (1.0 - self._alpha) * start, rtol=_TOLERANCE, maxiter=_ITERATIONS)
        # The exact solution is a sum of products that are not negative: what is tiny is what the solver left.
        least = _TOLERANCE * float(np.abs(flow).max())
        return np.where(flow > least, flow, 0.0)
