"""Descriptors of training photos, so many as training can do with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import numpy as np

from steeple.lab.indexes.vectors import Vectors

MOST: Final = 300_000
"""Descriptors that codebooks are fitted to, at most."""


def sampled(photos: Sequence[Vectors], count: int = MOST, seed: int = 0) -> Vectors:
    """Some of the descriptors of photos, chosen at random by the seed and in their order; all if there are not more.

    Args:
        photos: Of one or more photos, vectors of one form.
        count: At most.
        seed: Another one chooses others.
    """
    sizes = np.array([len(rows) for rows in photos])
    total = int(sizes.sum())
    if total <= count:
        return cast("Vectors", np.concatenate(photos))
    chosen = np.sort(np.random.default_rng(seed).choice(total, count, replace=False))
    ends = np.cumsum(sizes)
    parts = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
    some: Vectors = np.concatenate(
        [rows[part - start] for rows, part, start in zip(photos, parts, ends - sizes, strict=True)]
    )
    return some
