"""Spatial verification: the first candidates are ordered by how many matches agree on one geometry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from steeple.lab.after.galleries import local_of, require, unprepared
from steeple.lab.after.verifying import SAMPLINGS, Sampling, matched, verified
from steeple.lab.features import LocalFeatures
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking

_STAGE: Final = "spatial verification"


class Verifier:
    """Counts the inliers between a query and photos of the gallery.

    Args:
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

    def __init__(
        self, inlier_radius: float, reference_side: int, iterations: int, sampling: str, scales: bool, stage: str
    ) -> None:
        require(inlier_radius > 0, stage, "inlier_radius must be above 0")
        require(reference_side >= 0, stage, "reference_side must be 0 or more")
        require(iterations > 0, stage, "iterations must be above 0")
        require(sampling in SAMPLINGS, stage, f"sampling must be one of {', '.join(SAMPLINGS)}")
        self._radius, self._side, self._iterations = inlier_radius, reference_side, iterations
        self._sampling, self._scales, self._stage = cast("Sampling", sampling), scales, stage
        self._gallery: Sequence[Evidence] | None = None

    def prepare(self, gallery: Sequence[Evidence]) -> None:
        """Keeps the gallery, whose local features are read when they are needed: they may be large."""
        for first in gallery[:1]:
            local_of(first, self._stage)
        self._gallery = gallery

    def inliers(self, query: Evidence, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[K]: the number of inliers with each of int64[K] photos of the gallery; 0: not verified."""
        if self._gallery is None:
            raise unprepared(self._stage)
        local, gallery = local_of(query, self._stage), self._gallery
        counts = [self._count(local, local_of(gallery[key], self._stage)) for key in keys.tolist()]
        return np.array(counts, np.int64)

    def _count(self, query: LocalFeatures, reference: LocalFeatures) -> int:
        radius = self._radius
        if self._side:
            radius *= max(query.width, query.height) / self._side
        found = verified(
            query,
            reference,
            matched(query, reference),
            inlier_radius=radius,
            iterations=self._iterations,
            sampling=self._sampling,
            scales=self._scales,
        )
        return 0 if found is None else found.count


class SpatialVerification:
    """Verifies the first candidates of a ranking.

    The score of a candidate is the number of its inliers, 0 if it was not verified, and a fraction below 1 that rises
    with the score that it came with. So those that were verified come first, and the rest keep their order; and a stage
    that follows knows the inliers: they are the whole part of the score.

    Args:
        candidates: How many are verified, the first ones.
        inlier_radius: Reprojection error of an inlier, at most, pixels of a query.
        reference_side: Pixels of the longer side of a query with that radius; for others it grows and shrinks with
            their longer side. 0: it does not.
        iterations: Of RANSAC, at most.
        sampling: ``prosac`` or ``ransac``.
        scales: Whether matched features must be of sizes that differ as the geometry has it.
    """

    def __init__(
        self,
        candidates: int = 20,
        inlier_radius: float = 24.0,
        reference_side: int = 800,
        iterations: int = 1000,
        sampling: str = "prosac",
        scales: bool = True,
    ) -> None:
        require(candidates > 0, _STAGE, "candidates must be above 0")
        self._candidates = candidates
        self._verifier = Verifier(inlier_radius, reference_side, iterations, sampling, scales, _STAGE)

    def prepare(self, gallery: Sequence[Evidence], landmarks: Sequence[str]) -> None:
        """Keeps the local features of the gallery."""
        self._verifier.prepare(gallery)

    def rerank(self, query: Evidence, ranking: Ranking) -> Ranking:
        """The verified ones first."""
        inliers = np.zeros(len(ranking), np.int64)
        inliers[: self._candidates] = self._verifier.inliers(query, ranking.keys[: self._candidates])
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
