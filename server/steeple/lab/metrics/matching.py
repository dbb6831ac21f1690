"""Metrics of matches between two pictures of one scene.

Pictures are compared in pixels of the second, unless said otherwise; the centre of the top left pixel is (0, 0).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from steeple.delf.homographies import Homography, mapped


def transfer_errors(
    homography: Homography, first: NDArray[np.floating], second: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How far matches land from where they should, pixels of the second picture.

    Args:
        homography: float64[3, 3]; the truth, from the first picture to the second.
        first: float[M, 2]; x, y of matched features in the first.
        second: float[M, 2]; of the same in the second.

    Returns:
        float64[M]; infinite for what the homography sends to infinity.
    """
    errors = np.linalg.norm(mapped(homography, first) - second, axis=1)
    return np.where(np.isnan(errors), np.inf, errors)


def shares_within(errors: NDArray[np.floating], thresholds: Sequence[float]) -> NDArray[np.float64]:
    """Share of errors that are at most each threshold: 0 to 1, and 0 of no errors.

    Of :func:`transfer_errors` it is the matching accuracy of one pair, whose mean over pairs is MMA (Dusmanu et al.,
    CVPR 2019, section 5.1; matches are mutual nearest neighbours, and a pair without matches counts 0). Of
    :func:`corner_error` over pairs it is the accuracy of estimated homographies (DeTone et al., CVPRW 2018,
    section 7.3).
    """
    if not len(errors):
        return np.zeros(len(thresholds))
    shares: NDArray[np.float64] = (np.asarray(errors)[:, None] <= np.asarray(thresholds)[None]).mean(axis=0)
    return shares


def corner_error(truth: Homography, estimated: Homography | None, size: tuple[int, int]) -> float:
    """Mean distance, over the corners of the first picture, of where two homographies send them (DeTone et al.).

    Args:
        truth: float64[3, 3]; from the first picture to the second.
        estimated: Of the same kind; None: there is none.
        size: Width and height of the first picture, pixels. Corners are the centres of its outermost pixels.

    Returns:
        Pixels of the second picture; infinite without an estimate.
    """
    if estimated is None:
        return math.inf
    right, bottom = size[0] - 1.0, size[1] - 1.0
    corners = np.array([[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]])
    error = float(np.linalg.norm(mapped(truth, corners) - mapped(estimated, corners), axis=1).mean())
    return error if math.isfinite(error) else math.inf


def area_under_errors(errors: Sequence[float], threshold: float) -> float:
    """Area under the share of pairs with at most an error, up to a threshold (Sarlin et al., CVPR 2020, section 5.1).

    The share rises in straight lines from 0 at 0 to each pair's error in turn, and is level from the last to the
    threshold.

    Args:
        errors: One for each pair; infinite where nothing was estimated.
        threshold: Positive.

    Returns:
        Divided by the threshold: 0 to 1. NaN without pairs.
    """
    if not len(errors):
        return math.nan
    within = np.sort([error for error in errors if error < threshold])
    shares = np.arange(len(within) + 1) / len(errors)
    ends = np.concatenate([[0.0], within, [threshold]])
    heights = np.concatenate([shares, shares[-1:]])
    return float(np.trapezoid(heights, ends) / threshold)


def epipolar_distances(fundamental: NDArray[np.floating], correspondences: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far correspondences are from an epipolar geometry: the root of the sum of both squared distances to lines.

    The symmetric epipolar distance, as the WxBS benchmark has it (Mishkin et al., BMVC 2015).

    Args:
        fundamental: float[3, 3]; F with second^T F first = 0.
        correspondences: float[N, 4]; x, y in the first picture and x, y in the second.

    Returns:
        float64[N], pixels; infinite where there is no epipolar line.
    """
    ones = np.ones((len(correspondences), 1))
    first = np.hstack([correspondences[:, :2], ones]).astype(np.float64)
    second = np.hstack([correspondences[:, 2:], ones]).astype(np.float64)
    in_second, in_first = first @ fundamental.T, second @ fundamental
    residuals = np.abs((second * in_second).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        inverses = 1.0 / (in_second[:, :2] ** 2).sum(axis=1) + 1.0 / (in_first[:, :2] ** 2).sum(axis=1)
        distances = residuals * np.sqrt(inverses)
    return np.where(np.isnan(distances), np.inf, distances)
