"""Poolings that sum the vectors of regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.regions import LEVELS, region_grid
from steeple.delf.features import l2_normalised
from steeple.errors import InvalidArgumentError
from steeple.lab.features import FeatureMaps
from steeple.lab.pooling.proposals import Box, proposals
from steeple.lab.pooling.saliency import Saliency
from steeple.lab.pooling.trained import trained_projection
from steeple.lab.pooling.whitening import Projection, Whitening

DIMENSIONS: Final = 512

Regions = Callable[[NDArray[np.float32]], Sequence[Box]]
"""Chooses the regions of a map float32[h, w, C]; at least one."""


class RegionalPooling:
    """The maximum of every channel over each region, L2-normalised, projected and L2-normalised; then their sum.

    Sums of several sizes are L2-normalised and summed again.

    Args:
        regions: Chooses the regions.
        projection: What follows the maxima; None: nothing. A whitening is fitted by :meth:`fit`, left out before.
        saliency: Weights the regions; None: they are alike. Needs :meth:`fit`.
    """

    def __init__(
        self, regions: Regions, projection: Projection | None = None, saliency: Saliency | None = None
    ) -> None:
        self._regions = regions
        self._projection = projection
        self._saliency = saliency

    def fit(self, training: Sequence[FeatureMaps]) -> None:
        """Fits the whitening to regions of training photos, and the saliency to the whitened ones.

        Raises:
            InvalidArgumentError: If there are too few photos to fit anything to.
        """
        if not isinstance(self._projection, Whitening) and self._saliency is None:
            return
        photos = [np.concatenate([self._maxima(one) for one in maps]) for maps in training]
        if isinstance(self._projection, Whitening):
            vectors = np.concatenate(photos) if photos else np.zeros((0, 1), np.float32)
            self._projection.fit(vectors)
        if self._saliency is not None:
            self._saliency.fit([self._projected(vectors) for vectors in photos])

    def pool(self, maps: FeatureMaps) -> NDArray[np.float32]:
        """float32[D], L2-normalised; D is the projection's, without one the maps'."""
        return l2_normalised(np.stack([self._pool_map(one) for one in maps]).sum(axis=0))

    def _pool_map(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        vectors = self._projected(self._maxima(values))
        if self._saliency is not None:
            vectors = vectors * self._saliency.weights(vectors)[:, None]
        return l2_normalised(vectors.sum(axis=0))

    def _maxima(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        boxes = self._regions(values)
        return l2_normalised(
            np.stack([values[top:bottom, left:right].max(axis=(0, 1)) for top, left, bottom, right in boxes])
        )

    def _projected(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        projection = self._projection
        if projection is None or (isinstance(projection, Whitening) and not projection.fitted):
            return vectors
        return projection.apply(vectors)


def grid(levels: int) -> Regions:
    """The regions of R-MAC."""

    def regions(values: NDArray[np.float32]) -> list[Box]:
        height, width = values.shape[:2]
        found = region_grid(height, width, levels)
        return [(row, column, row + side, column + side) for row, column, side in found]

    return regions


def proposed(most: int, overlap: float) -> Regions:
    """The whole map, and what looks like an object."""

    def regions(values: NDArray[np.float32]) -> list[Box]:
        height, width = values.shape[:2]
        return [(0, 0, height, width), *proposals(values, most, overlap)]

    return regions


def make_r_mac(
    levels: int = LEVELS,
    dimensions: int = DIMENSIONS,
    whiten: bool = True,
    trained: str = "",
) -> RegionalPooling:
    """R-MAC.

    Args:
        levels: Of the grid of regions.
        dimensions: That the whitening of regions keeps.
        whiten: Whether regions are whitened.
        trained: A trained network (``dir``) whose projection of regions takes the whitening's place; empty: none.

    Raises:
        InvalidArgumentError: If there are no levels or dimensions.
        ReleaseError: If the trained network is missing or has no projection.
    """
    _check_levels(levels)
    if trained:
        return RegionalPooling(grid(levels), trained_projection(trained))
    return RegionalPooling(grid(levels), Whitening(dimensions) if whiten else None)


def make_regional_attention(
    levels: int = LEVELS, dimensions: int = DIMENSIONS, strength: float = 0.5
) -> RegionalPooling:
    """R-MAC whose regions are weighted.

    Args:
        levels: Of the grid of regions.
        dimensions: That the whitening of regions keeps.
        strength: Of the weights; 0: all are alike.

    Raises:
        InvalidArgumentError: If there are no levels or dimensions, or the strength is negative.
    """
    _check_levels(levels)
    return RegionalPooling(grid(levels), Whitening(dimensions), Saliency(strength))


def make_region_proposals(
    regions: int = 12,
    overlap: float = 0.4,
    dimensions: int = DIMENSIONS,
    whiten: bool = True,
) -> RegionalPooling:
    """Proposed regions in the place of a grid.

    Args:
        regions: At most, beside the whole photo.
        overlap: Intersection over union above which two proposals are one.
        dimensions: That the whitening of regions keeps.
        whiten: Whether regions are whitened.

    Raises:
        InvalidArgumentError: If a number makes no sense.
    """
    if regions < 0:
        raise InvalidArgumentError(f"regions must be at least 0, not {regions}")
    if not 0 < overlap <= 1:
        raise InvalidArgumentError(f"overlap must be above 0 and at most 1, not {overlap}")
    return RegionalPooling(proposed(regions, overlap), Whitening(dimensions) if whiten else None)


def _check_levels(levels: int) -> None:
    if levels < 1:
        raise InvalidArgumentError(f"levels must be at least 1, not {levels}")
