"""Where exactly a reference image lies in a query: a homography, from matches that agree on an affine model."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_STEPS: Final = 12
_STILL: Final = 0.05  # pixels, at the middle and at the extent of the matches: nearer than any outline is
_OUTLYING: Final = 2.0  # deviations at which a match weighs half (Cauchy)
_PERSPECTIVE: Final = 0.15  # deviation, over the extent of the matches, that is expected of a view's perspective
_NEAREST: Final = 0.2  # depth of a matched point, at least, where the middle of the matches has 1


def refine_homography(
    affine: NDArray[np.float64],
    query: NDArray[np.float32],
    reference: NDArray[np.float32],
    deviations: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The homography that fits matches best, near an affine model that they agree on.

    A facade seen at an angle is no affine picture of itself, and a keypoint is as precise as the pyramid level
    that it is from: a cell of the coarsest level is four times as wide as one of the finest. Here each match counts
    by its precision, gently (Cauchy's weights, Gauss-Newton), and perspective is held back as far as the
    matches do not ask for it.

    Args:
        affine: float64[2, 3]; maps reference pixels to query pixels.
        query: float32[M, 2]; keypoints in the query, pixels.
        reference: float32[M, 2]; the matched keypoints in the reference image, pixels.
        deviations: float64[M]; expected errors of the matches, query pixels.

    Returns:
        float64[3, 3]; maps reference pixels to query pixels. ``affine`` itself if there are too few matches, or if
        what fits best is no view of a scene.
    """
    start = np.vstack([affine, [0.0, 0.0, 1.0]])
    if len(query) < 6:
        return start
    middle = reference.mean(axis=0, dtype=np.float64)
    extent = max(float(np.sqrt(((reference - middle) ** 2).sum(axis=1).mean())), 1.0)
    normalise = np.array([[1 / extent, 0, -middle[0] / extent], [0, 1 / extent, -middle[1] / extent], [0, 0, 1.0]])
    points = (reference - middle) / extent
    model = start @ np.linalg.inv(normalise)
    weights = 1.0 / np.maximum(deviations, 1e-3)
    for _ in range(_STEPS):
        step = _step(model, points, query, weights)
        if step is None:
            return start
        model = model + step
        if np.abs(step).max() < _STILL:
            break
    depth = points @ model[2, :2] + 1.0
    if not np.isfinite(model).all() or depth.min() < _NEAREST or np.linalg.det(model) <= 0:
        return start
    model = model @ normalise
    refined: NDArray[np.float64] = model / model[2, 2]
    return refined


def _step(
    model: NDArray[np.float64], points: NDArray[np.float64], query: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """One step of Gauss and Newton on the eight free numbers of a homography whose last is 1."""
    depth = points @ model[2, :2] + 1.0
    if depth.min() < 1e-2:
        return None
    x, y = (points @ model[row, :2] + model[row, 2] for row in (0, 1))
    u, v = x / depth, y / depth
    errors = np.stack([query[:, 0] - u, query[:, 1] - v], axis=1)
    precise = weights**2 / (1.0 + (errors**2).sum(axis=1) * weights**2 / _OUTLYING**2)
    zero, along = np.zeros(len(points)), np.column_stack([points, np.ones(len(points))]) / depth[:, None]
    in_x = np.column_stack([along, zero, zero, zero, -u[:, None] * along[:, :2]])
    in_y = np.column_stack([zero, zero, zero, along, -v[:, None] * along[:, :2]])
    prior = np.diag([0.0] * 6 + [1.0 / _PERSPECTIVE**2] * 2)
    normal = (in_x * precise[:, None]).T @ in_x + (in_y * precise[:, None]).T @ in_y + prior
    gradient = in_x.T @ (precise * errors[:, 0]) + in_y.T @ (precise * errors[:, 1])
    gradient -= prior @ np.concatenate([np.zeros(6), model[2, :2]])
    try:
        solved = np.linalg.solve(normal + 1e-9 * np.trace(normal) * np.eye(8) / 8, gradient)
    except np.linalg.LinAlgError:
        return None
    return np.append(solved, 0.0).reshape(3, 3)
