"""Fusion: inliers of local features and the similarity of global descriptors in one score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.lab.after.galleries import require, similarities, unprepared, vector_of, vectors_of
from steeple.lab.after.spatial import Verifier, as_scores
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking

_STAGE: Final = "fusion"
SIMILARITIES: Final = ("vectors", "ranking")
"""Where the global similarity comes from."""

NORMALISATIONS: Final = ("saturating", "query")
"""How inliers and similarities become numbers from 0 to 1."""


class Fusion:
    """Orders by a weighted sum of what local and global features say.

    The score of a photo is w L + (1 - w) S. With n inliers and the similarity s, ``saturating`` has L = n / (n + half)
    and S = max(s, 0), which mean the same for every query. ``query`` divides by the largest of the query's candidates,
    L = n / max n and S = max(s, 0) / max s: the first candidate of a query without a right photo then scores about as
    high as that of any other query, so this is for measures that look at one query at a time.

    Candidates are the first of the ranking and the globally most similar ones, as many of each; the inliers of the
    others are 0.

    Args:
        candidates: How many are verified of each.
        weight: Of local features, 0 to 1.
        half: Inliers that count half.
        normalisation: ``saturating`` or ``query``.
        similarity: ``vectors``: of the query's and the photos' vectors. ``ranking``: the scores of the ranking, 0 for
            what is not in it; after query expansion these are similarities of the expanded query.
        inlier_radius: As for spatial verification, as are the following.
        reference_side: Pixels.
        iterations: Of RANSAC, at most.
        sampling: ``prosac`` or ``ransac``.
        scales: Whether matched features must be of sizes that differ as the geometry has it.
    """

    def __init__(
        self,
        candidates: int = 20,
        weight: float = 0.5,
        half: float = 20.0,
        normalisation: str = "saturating",
        similarity: str = "vectors",
        inlier_radius: float = 24.0,
        reference_side: int = 800,
        iterations: int = 1000,
        sampling: str = "prosac",
        scales: bool = True,
    ) -> None:
        require(candidates > 0, _STAGE, "candidates must be above 0")
        require(0 <= weight <= 1, _STAGE, "weight must be 0 to 1")
        require(half > 0, _STAGE, "half must be above 0")
        require(normalisation in NORMALISATIONS, _STAGE, f"normalisation must be one of {', '.join(NORMALISATIONS)}")
        require(similarity in SIMILARITIES, _STAGE, f"similarity must be one of {', '.join(SIMILARITIES)}")
        self._candidates, self._weight, self._half = candidates, weight, half
        self._normalisation, self._similarity = normalisation, similarity
        self._verifier = Verifier(inlier_radius, reference_side, iterations, sampling, scales, _STAGE)
        self._vectors: NDArray[np.float32] | None = None

    def prepare(self, gallery: Sequence[Evidence], landmarks: Sequence[str]) -> None:
        """Keeps the vectors and local features of the gallery."""
        self._vectors = vectors_of(gallery, _STAGE)
        self._verifier.prepare(gallery)

    def rerank(self, query: Evidence, ranking: Ranking) -> Ranking:
        """All of the gallery."""
        if self._vectors is None:
            raise unprepared(_STAGE)
        found = similarities(self._vectors, vector_of(query, _STAGE))
        if self._similarity == "ranking":
            found = np.zeros(len(self._vectors))
            found[ranking.keys] = ranking.scores
        similar = np.argsort(-found, kind="stable")[: self._candidates]
        candidates = np.union1d(ranking.keys[: self._candidates], similar)
        inliers = np.zeros(len(found))
        inliers[candidates] = self._verifier.inliers(query, candidates)
        scores = self._weight * self._local(inliers) + (1.0 - self._weight) * self._global(found)
        # Photos that neither knows are ordered by similarity still, also one below 0.
        order = np.lexsort((-found, -scores))
        return Ranking(order.astype(np.int64), as_scores(scores[order]))

    def _local(self, inliers: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._normalisation == "query":
            return inliers / max(float(inliers.max(initial=0.0)), 1.0)
        return inliers / (inliers + self._half)

    def _global(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        clipped = np.maximum(found, 0.0)
        if self._normalisation == "query":
            return clipped / max(float(clipped.max(initial=0.0)), 1e-12)
        return clipped
