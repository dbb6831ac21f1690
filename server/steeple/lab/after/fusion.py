"""Fusion: inliers of local features and the similarity of global descriptors in one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.lab.after.galleries import similarities, vector_of, vectors_of
from steeple.lab.after.spatial import Verifier, as_scores
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking

SIMILARITIES: Final = ("vectors", "ranking")
"""Where the global similarity comes from."""

NORMALISATIONS: Final = ("saturating", "query")
"""How inliers and similarities become numbers from 0 to 1."""


@dataclass(eq=False, kw_only=True)
class Fusion(Verifier):
    """Orders by a weighted sum of what local and global features say.

    The score of a photo is w L + (1 - w) S. With n inliers and the similarity s, ``saturating`` has L = n / (n + half)
    and S = max(s, 0), which mean the same for every query. ``query`` divides by the largest of the query's candidates,
    L = n / max n and S = max(s, 0) / max s: the first candidate of a query without a right photo then scores about as
    high as that of any other query, so this is for measures that look at one query at a time.

    Verified are the first candidates of the ranking and, where similarities are those of vectors, as many of the most
    similar ones; the inliers of the others are 0.

    Args:
        weight: Of local features, 0 to 1.
        half: Inliers that count half.
        normalisation: ``saturating`` or ``query``.
        similarity: ``vectors``: of the query's and the photos' vectors. ``ranking``: the scores of the ranking, 0 for
            what is not in it, and no vectors are needed; after query expansion these are similarities of the expanded
            query, and after a search by local features what that search makes of them.

    Other parameters are those of :class:`Verifier`.
    """

    stage = "fusion"

    weight: float = 0.5
    half: float = 20.0
    normalisation: str = "saturating"
    similarity: str = "vectors"
    _vectors: NDArray[np.float32] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(0 <= self.weight <= 1, "weight must be 0 to 1")
        self._require(self.half > 0, "half must be above 0")
        self._require(self.normalisation in NORMALISATIONS, f"normalisation must be one of {', '.join(NORMALISATIONS)}")
        self._require(self.similarity in SIMILARITIES, f"similarity must be one of {', '.join(SIMILARITIES)}")

    def prepare(self, gallery: Sequence[Evidence], landmarks: Sequence[str]) -> None:
        """Keeps the local features of the gallery, and its vectors if similarities are theirs."""
        super().prepare(gallery, landmarks)
        if self.similarity == "vectors":
            self._vectors = vectors_of(gallery, self.stage)

    def rerank(self, query: Evidence, ranking: Ranking) -> Ranking:
        """All of the gallery."""
        found = self._similarities(query, ranking)
        candidates = ranking.keys[: self.candidates]
        if self.similarity == "vectors":
            similar = np.argsort(-found, kind="stable")[: self.candidates]
            candidates = np.union1d(candidates, similar)
        inliers = np.zeros(len(found))
        inliers[candidates] = self.inliers(query, candidates)
        scores = self.weight * self._local(inliers) + (1.0 - self.weight) * self._global(found)
        # Photos that neither knows are ordered by similarity still, also one below 0.
        order = np.lexsort((-found, -scores))
        return Ranking(order.astype(np.int64), as_scores(scores[order]))

    def _similarities(self, query: Evidence, ranking: Ranking) -> NDArray[np.float64]:
        """float64[G]."""
        gallery = self._prepared()
        if self._vectors is not None:
            return similarities(self._vectors, vector_of(query, self.stage))
        found = np.zeros(len(gallery))
        found[ranking.keys] = ranking.scores
        return found

    def _local(self, inliers: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.normalisation == "query":
            return inliers / max(float(inliers.max(initial=0.0)), 1.0)
        return inliers / (inliers + self.half)

    def _global(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        clipped = np.maximum(found, 0.0)
        if self.normalisation == "query":
            return clipped / max(float(clipped.max(initial=0.0)), 1e-12)
        return clipped
