"""Figures of a system from what it answered to each query, and of queries drawn anew."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.server.evaluation.metrics import (
    OutcomeColumns,
    expected_calibration_error,
    micro_average_precision,
    recall_at_1,
    true_positive_rate,
)
from steeple.server.evaluation.resampling import interval, resampled

RESAMPLES: Final = 1000


@dataclass(frozen=True, eq=False)
class QueryColumns:
    """What a system answered to each of Q queries, in their order.

    Attributes:
        known: bool[Q]; whether the gallery has what is asked.
        right: bool[Q]; whether the first photo is right.
        score: float64[Q]; of the first photo; minus infinity where nothing was found.
        confidence: float64[Q]; probability that the first photo is right.
        by_query: float64[Q] by the name of a figure, for figures that are means over queries; NaN where a query does
            not count.
    """

    known: NDArray[np.bool_]
    right: NDArray[np.bool_]
    score: NDArray[np.float64]
    confidence: NDArray[np.float64]
    by_query: Mapping[str, NDArray[np.float64]]

    def figures(self, rows: NDArray[np.intp] | None = None) -> dict[str, float]:
        """All figures by name, of these queries or of some of them.

        Args:
            rows: intp[M]; places of the queries, one maybe more than once; None: all.

        Returns:
            The means over queries; and ``recall_at_1``, ``micro_ap``, ``tpr_at_1pct_fpr`` and ``ece`` as
            :mod:`steeple.server.evaluation.metrics` has them. micro-AP and TPR rank by the score, ECE is that of the
            confidence.
        """
        rows = np.arange(len(self.known)) if rows is None else rows
        found = self._means(rows)
        none = np.zeros(len(rows), np.bool_)
        scored = OutcomeColumns(self.known[rows], self.right[rows], none, self.score[rows])
        judged = OutcomeColumns(self.known[rows], self.right[rows], none, self.confidence[rows])
        return {
            "recall_at_1": recall_at_1(scored),
            "micro_ap": micro_average_precision(scored),
            "tpr_at_1pct_fpr": true_positive_rate(scored),
            "ece": expected_calibration_error(judged),
            **found,
        }

    @functools.cached_property
    def _stacked(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """float64[F, Q], bool[F, Q]: all figures of queries, 0 for NaN, and which are none."""
        values = np.array(list(self.by_query.values()), np.float64).reshape(-1, len(self.known))
        return np.nan_to_num(values, nan=0.0), ~np.isnan(values)

    def _means(self, rows: NDArray[np.intp]) -> dict[str, float]:
        values, counted = self._stacked
        sums, counts = values[:, rows].sum(axis=1), counted[:, rows].sum(axis=1)
        means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
        return dict(zip(self.by_query, means.tolist(), strict=True))

    def intervals(self, resamples: int = RESAMPLES) -> dict[str, tuple[float, float]]:
        """95 % bootstrap intervals of all figures, by name.

        As :func:`steeple.server.evaluation.intervals` says: known queries and distractors are drawn each among
        themselves, with a fixed seed, and queries of one landmark resemble each other more than the bootstrap knows.

        Args:
            resamples: How many.
        """
        drawn = [self.figures(rows) for rows in resampled(self.known, resamples)]
        names = self.figures()
        columns = {name: np.array([each[name] for each in drawn]) for name in names}
        return {name: interval(values) for name, values in columns.items()}
