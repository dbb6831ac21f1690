"""Spatial verification: the first candidates are ordered by how many matches agree on one geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from steeple.lab.after.galleries import local_of, require, unprepared
from steeple.lab.after.verifying import SAMPLINGS, Sampling, matched, verified
from steeple.lab.features import LocalFeatures
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking


@dataclass(eq=False, kw_only=True)
class Verifier:
    """Counts the inliers between a query and photos of the gallery: what all stages that verify have in common.

    Args:
        candidates: How many photos of a ranking are verified, the first ones.
        inlier_radius: Reprojection error of an inlier, at most, pixels of a query.
        reference_side: Pixels of the longer side of a query with that radius; for others it grows and shrinks with
            their longer side. 0: it does not.
        iterations: Of RANSAC, at most.
        sampling: ``prosac`` draws the most distinctive matches first and looks for an affine model; ``ransac`` draws
            all alike and looks for a similarity.
        scales: Whether matched features must be of sizes that differ as the geometry has it.

    Raises:
        InvalidArgumentError: If a value makes no sense.
    """

    stage: ClassVar[str]
    """Its name, for messages."""

    candidates: int = 20
    inlier_radius: float = 24.0
    reference_side: int = 800
    iterations: int = 1000
    sampling: Sampling = "prosac"
    scales: bool = True
    _gallery: Sequence[Evidence] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._require(self.candidates > 0, "candidates must be above 0")
        self._require(self.inlier_radius > 0, "inlier_radius must be above 0")
        self._require(self.reference_side >= 0, "reference_side must be 0 or more")
        self._require(self.iterations > 0, "iterations must be above 0")
        self._require(self.sampling in SAMPLINGS, f"sampling must be one of {', '.join(SAMPLINGS)}")

    def prepare(self, gallery: Sequence[Evidence], landmarks: Sequence[str]) -> None:
        """Keeps the gallery, whose local features are read when they are needed: they may be large."""
        for first in gallery[:1]:
            local_of(first, self.stage)
        self._gallery = gallery

    def inliers(self, query: Evidence, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[K]: the number of inliers with each of int64[K] photos of the gallery; 0: not verified."""
        local, gallery = local_of(query, self.stage), self._prepared()
        counts = [self._count(local, local_of(gallery[key], self.stage)) for key in keys.tolist()]
        return np.array(counts, np.int64)

    def _prepared(self) -> Sequence[Evidence]:
        if self._gallery is None:
            raise unprepared(self.stage)
        return self._gallery

    def _require(self, holds: bool, demand: str) -> None:
        require(holds, self.stage, demand)

    def _count(self, query: LocalFeatures, reference: LocalFeatures) -> int:
        radius = self.inlier_radius
        if self.reference_side:
            radius *= max(query.width, query.height) / self.reference_side
        found = verified(
            query,
            reference,
            matched(query, reference),
            inlier_radius=radius,
            iterations=self.iterations,
            sampling=self.sampling,
            scales=self.scales,
        )
        return 0 if found is None else found.count


class SpatialVerification(Verifier):
    """Verifies the first candidates of a ranking; its parameters are those of :class:`Verifier`.

    The score of a candidate is the number of its inliers, 0 if it was not verified, and a fraction below 1 that rises
    with the score that it came with. So those that were verified come first, and the rest keep their order; and a stage
    that follows knows the inliers: they are the whole part of the score.
    """

    stage = "spatial verification"

    def rerank(self, query: Evidence, ranking: Ranking) -> Ranking:
        """The verified ones first."""
        inliers = np.zeros(len(ranking), np.int64)
        inliers[: self.candidates] = self.inliers(query, ranking.keys[: self.candidates])
        order = np.argsort(-inliers, kind="stable")
        scores = inliers + as_fraction(ranking.scores)
        return Ranking(ranking.keys[order], as_scores(scores[order]))


def as_fraction(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """float64[K] above 0 and below 1, rising with float32[K]: what orders scores of any range within a step."""
    wide = scores.astype(np.float64)
    return 0.01 + 0.98 * (0.5 + 0.5 * wide / (1.0 + np.abs(wide)))  # float32 must not round a fraction to 0 or 1


def as_scores(scores: NDArray[np.float64]) -> NDArray[np.float32]:
    """float32[K], never rising: scores that do not rise but for rounding."""
    return np.minimum.accumulate(scores).astype(np.float32)
