"""The bootstrap: queries drawn anew, and what their figures leave in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SEED: Final = 20170704
_COVERED: Final = (0.025, 0.975)


def resampled(known: NDArray[np.bool_], resamples: int) -> Iterator[NDArray[np.intp]]:
    """Queries drawn with replacement, those that are known and the distractors each among themselves.

    Args:
        known: bool[Q].
        resamples: How many.

    Yields:
        intp[Q], the same ones in every run.
    """
    random = np.random.default_rng(_SEED)
    groups = (np.flatnonzero(known), np.flatnonzero(~known))
    for _ in range(resamples):
        yield np.concatenate([group[random.integers(0, max(len(group), 1), len(group))] for group in groups])


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of what resamples gave; NaN where one has no figure."""
    if np.isnan(values).any():
        return float("nan"), float("nan")
    low, high = np.quantile(values, _COVERED)
    return float(low), float(high)
