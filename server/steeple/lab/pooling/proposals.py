"""Regions that look like objects, found in feature maps alone."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Box: TypeAlias = tuple[int, int, int, int]
"""Of cells: first row, first column, row after the last, column after the last."""

_QUANTILES: Final = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
_LEAST_SIDE: Final = 2
_RING: Final = 0.5  # of the box's sides, half on each end
_DIAGONALS: Final = np.ones((3, 3), np.int64)


def proposals(values: NDArray[np.float32], most: int, overlap: float) -> list[Box]:
    """Boxes about connected areas of high activity, the best first.

    Activity is the L2 norm of a cell. Areas are those above several quantiles of the map's activity. A box scores by
    how much more activity its cells have on average than the ring about it, times the square root of the share of the
    map's activity that it holds: an object stands out from what is around it, and is not tiny. Of boxes that overlap,
    the better one stays (non-maximum suppression).

    Args:
        values: float32[h, w, C].
        most: Boxes.
        overlap: Intersection over union from which on the lesser of two boxes is left out.

    Returns:
        At most so many; the whole map is not among them unless it is an area.
    """
    activity = np.linalg.norm(values, axis=2)
    sums = np.pad(activity.cumsum(axis=0, dtype=np.float64).cumsum(axis=1), ((1, 0), (1, 0)))
    boxes: dict[Box, float] = {}
    for quantile in _QUANTILES:
        labels, _ = ndimage.label(activity > np.quantile(activity, quantile), _DIAGONALS)
        for rows, columns in ndimage.find_objects(labels):
            box = (rows.start, columns.start, rows.stop, columns.stop)
            if min(box[2] - box[0], box[3] - box[1]) >= _LEAST_SIDE:
                boxes[box] = _objectness(box, sums)
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda one: (-boxes[one], one)):
        if len(kept) < most and all(_intersection_over_union(box, other) < overlap for other in kept):
            kept.append(box)
    return kept


def _objectness(box: Box, sums: NDArray[np.float64]) -> float:
    inside, area = _total(box, sums), _area(box)
    grown = _grown(box, (sums.shape[0] - 1, sums.shape[1] - 1))
    around, ring = _total(grown, sums) - inside, _area(grown) - area
    contrast = inside / area - (around / ring if ring else 0.0)
    return contrast * float(np.sqrt(inside / sums[-1, -1]))


def _grown(box: Box, shape: tuple[int, int]) -> Box:
    by = [max(1, round(_RING / 2 * (box[axis + 2] - box[axis]))) for axis in (0, 1)]
    return (
        max(0, box[0] - by[0]),
        max(0, box[1] - by[1]),
        min(shape[0], box[2] + by[0]),
        min(shape[1], box[3] + by[1]),
    )


def _total(box: Box, sums: NDArray[np.float64]) -> float:
    top, left, bottom, right = box
    return float(sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left])


def _area(box: Box) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def _intersection_over_union(one: Box, other: Box) -> float:
    shared = _area((max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])))
    return shared / (_area(one) + _area(other) - shared)
