"""Cells of an image's pyramid, numbered: where keypoints can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steeple.delf import pyramid
from steeple.delf.release import ExtractionParameters


class CellGrid:
    """All cells of all levels of the pyramid of an image, largest level first, row by row.

    Args:
        width: Of the image, pixels.
        height: Of the image, pixels.
        parameters: Of the release whose pyramid it is.
    """

    def __init__(self, width: int, height: int, parameters: ExtractionParameters) -> None:
        self._size = (width, height)
        self._levels = pyramid.levels(width, height, parameters)
        self._shapes = [(level.width // parameters.stride, level.height // parameters.stride) for level in self._levels]
        self._starts = np.cumsum([0, *(columns * rows for columns, rows in self._shapes)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def numbers_of(self, keypoints: NDArray[np.float32], scales: NDArray[np.float32]) -> NDArray[np.int64]:
        """int64[N]: the cells that keypoints, float32[N, 2] in image pixels, lie in, on the level nearest in scale."""
        if not len(keypoints):
            return np.empty(0, np.int64)
        level_scales = np.log2([level.scale for level in self._levels])
        nearest = np.abs(np.log2(scales.astype(np.float64))[:, None] - level_scales).argmin(axis=1)
        shapes = np.array(self._shapes)[nearest]
        places = np.floor((keypoints.astype(np.float64) + 0.5) / self._size * shapes).astype(np.int64)
        places = np.clip(places, 0, shapes - 1)
        return np.asarray(self._starts[nearest] + places[:, 1] * shapes[:, 0] + places[:, 0], np.int64)

    def keypoints_of(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """float32[N, 2] and float32[N]: centres of cells, in image pixels, and the scales of their levels."""
        centres = [pyramid.cell_centres(columns, rows, *self._size) for columns, rows in self._shapes]
        scales = [np.full(columns * rows, level.scale, np.float32) for level, (columns, rows) in self._pairs()]
        return np.concatenate(centres)[numbers], np.concatenate(scales)[numbers]

    def _pairs(self) -> list[tuple[pyramid.Level, tuple[int, int]]]:
        return list(zip(self._levels, self._shapes, strict=True))
