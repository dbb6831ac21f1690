"""Answers of a method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Ranking:
    """What a method found for one query, the best first.

    Attributes:
        keys: int64[K]; positions in the gallery, each at most once.
        scores: float32[K]; never rising, and comparable between queries: micro-AP ranks the first ones of all queries.
    """

    keys: NDArray[np.int64]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.keys)

    @staticmethod
    def of(scores: NDArray[np.float32], limit: int | None = None) -> Ranking:
        """Of the scores of the whole gallery, float32[G]; equal ones in its order.

        Args:
            scores: One for each photo of the gallery.
            limit: How many to keep; None: all.
        """
        order = np.argsort(-scores, kind="stable")[:limit].astype(np.int64)
        return Ranking(order, scores[order])
