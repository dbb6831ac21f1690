"""Regions that look like objects, found in feature maps alone."""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = tuple[int, int, int, int]
"""Of cells: first row, first column, row after the last, column after the last."""

_SCALES: Final = (0.25, 0.4, 0.6, 0.85)
_ASPECTS: Final = (1.0, 0.5, 2.0)
_LEAST_SIDE: Final = 2
_RING: Final = 0.25
_LEAST_SCORE: Final = 1e-5


def proposals(values: NDArray[np.float32], most: int, overlap: float) -> list[Box]:
    """Boxes that stand out from what is around them, the best first.

    Boxes of four sizes (a share of the map's shorter side) and three shapes are tried at every place, as a region
    proposal network does. Where that scores by what it was taught, this scores by activity, the L2 norm of a cell: by
    how much more activity the cells of the box have on average than those of the ring about it, a quarter of its sides
    wide, times the share of the map's activity that the box holds. Of boxes that overlap, the better one stays
    (non-maximum suppression).

    Args:
        values: float32[h, w, C].
        most: Boxes.
        overlap: Intersection over union above which the lesser of two boxes is left out.

    Returns:
        At most so many; none where nothing stands out.
    """
    activity = np.linalg.norm(values, axis=2)
    if not activity.any():
        return []
    sums = np.pad((activity / activity.mean()).cumsum(axis=0, dtype=np.float64).cumsum(axis=1), ((1, 0), (1, 0)))
    boxes = np.concatenate([_placed(side, activity.shape) for side in _sides(activity.shape)])
    scores = _objectness(boxes, sums)
    rectangles = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = np.ravel(cv2.dnn.NMSBoxes(rectangles.tolist(), scores.tolist(), _LEAST_SCORE, overlap)).astype(np.int64)
    return [(top, left, bottom, right) for top, left, bottom, right in boxes[kept[:most]].tolist()]


def _sides(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Rows and columns of boxes to try."""
    shorter = min(shape)
    sides = {
        (max(_LEAST_SIDE, round(scale * shorter / aspect**0.5)), max(_LEAST_SIDE, round(scale * shorter * aspect**0.5)))
        for scale in _SCALES
        for aspect in _ASPECTS
    }
    return sorted((min(rows, shape[0]), min(columns, shape[1])) for rows, columns in sides)


def _placed(side: tuple[int, int], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """int64[N, 4]: boxes of one size at every place."""
    tops, lefts = np.mgrid[: shape[0] - side[0] + 1, : shape[1] - side[1] + 1].reshape(2, -1)
    return np.stack([tops, lefts, tops + side[0], lefts + side[1]], axis=1).astype(np.int64)


def _objectness(boxes: NDArray[np.int64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[N] of int64[N, 4], given the integral image of activity."""
    border = np.ceil(_RING * (boxes[:, 2:] - boxes[:, :2])).astype(np.int64)
    largest = np.array(sums.shape) - 1
    grown = np.concatenate([np.maximum(boxes[:, :2] - border, 0), np.minimum(boxes[:, 2:] + border, largest)], axis=1)
    inside, area = _total(boxes, sums), _area(boxes)
    ring = _area(grown) - area
    around = (_total(grown, sums) - inside) / np.maximum(ring, 1)
    found: NDArray[np.float64] = (inside / area - around) * inside / sums[-1, -1]
    return np.where(ring > 0, found, 0.0)  # a box that is the whole map is none


def _total(boxes: NDArray[np.int64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
    top, left, bottom, right = boxes.T
    found: NDArray[np.float64] = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return found


def _area(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return found
