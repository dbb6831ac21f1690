"""The field's figures for identities with a confidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from steeple.server.evaluation.resampling import interval, resampled

_BINS: Final = 10  # of confidence
_FALSE_POSITIVE_RATE: Final = 0.01


@dataclass(frozen=True)
class Outcome:
    """How one query was answered.

    Attributes:
        known: Whether the catalogue has its landmark.
        right: Whether the first candidate is its landmark. False for a distractor.
        confidence: Of the first candidate; 0 without one.
        identified: Whether the answer was IDENTIFIED.
        tier: Of the query; may be empty.
    """

    known: bool
    right: bool
    confidence: float
    identified: bool
    tier: str = ""


@dataclass(frozen=True)
class Metrics:
    """Figures over a set of queries.

    Attributes:
        queries: Queries whose landmark is in the catalogue.
        distractors: Queries whose landmark is not.
        recall_at_1: Share of queries whose first candidate is right, whatever its confidence.
        micro_ap: Average precision of the first candidates of queries and distractors together, ranked by
            confidence (also GAP, the Google Landmarks recognition metric).
        tpr_at_1pct_fpr: Share of queries answered rightly above the confidence that one distractor in a hundred
            exceeds. NaN without distractors.
        ece: Expected calibration error over 10 equal bins of confidence.
        identified: Share of queries that are IDENTIFIED, rightly.
        wrongly_identified: Share of all queries and distractors that are IDENTIFIED as what they are not.
        by_tier: ``recall_at_1`` per tier.
    """

    queries: int
    distractors: int
    recall_at_1: float
    micro_ap: float
    tpr_at_1pct_fpr: float
    ece: float
    identified: float
    wrongly_identified: float
    by_tier: Mapping[str, float]


def measure(outcomes: Sequence[Outcome]) -> Metrics:
    """The figures of ``outcomes``. Shares of nothing are NaN."""
    columns = OutcomeColumns.of(outcomes)
    known = [outcome for outcome in outcomes if outcome.known]
    return Metrics(
        queries=len(known),
        distractors=len(outcomes) - len(known),
        **{name: figure(columns) for name, figure in _FIGURES.items()},
        by_tier={
            tier: recall_at_1(OutcomeColumns.of([outcome for outcome in known if outcome.tier == tier]))
            for tier in dict.fromkeys(outcome.tier for outcome in known)
            if tier
        },
    )


def intervals(outcomes: Sequence[Outcome], *, resamples: int = 1000) -> dict[str, tuple[float, float]]:
    """95 % bootstrap confidence intervals of the figures that are one number, by name.

    Queries and distractors are drawn again with replacement, each among themselves, so that every resample has as
    many of both. The seed is fixed: the same outcomes give the same intervals. Queries of one landmark resemble each
    other, which the bootstrap does not know; with few landmarks the truth is wider. It also gives a share of 0 or 1 no
    width at all, however few the queries.

    Args:
        outcomes: Of all queries.
        resamples: How many.

    Returns:
        Lower and upper end by name of the figure; NaN where the figure itself is.
    """
    columns = OutcomeColumns.of(outcomes)
    drawn: dict[str, list[float]] = {name: [] for name in _FIGURES}
    for rows in resampled(columns.known, resamples):
        resample = columns.take(rows)
        for name, figure in _FIGURES.items():
            drawn[name].append(figure(resample))
    return {name: interval(np.array(values)) for name, values in drawn.items()}


@dataclass(frozen=True)
class OutcomeColumns:
    """Outcomes as arrays: a bootstrap computes every figure a thousand times.

    Attributes:
        known: bool[N]; as in :class:`Outcome`.
        right: bool[N].
        identified: bool[N].
        confidence: float64[N]; of any scale, but for :func:`expected_calibration_error`, which needs 0 to 1.
    """

    known: NDArray[np.bool_]
    right: NDArray[np.bool_]
    identified: NDArray[np.bool_]
    confidence: NDArray[np.float64]

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Self:
        """The columns of outcomes."""
        return cls(
            np.array([outcome.known for outcome in outcomes], np.bool_),
            np.array([outcome.right for outcome in outcomes], np.bool_),
            np.array([outcome.identified for outcome in outcomes], np.bool_),
            np.array([outcome.confidence for outcome in outcomes], np.float64),
        )

    def take(self, rows: NDArray[np.intp]) -> OutcomeColumns:
        """Those of some outcomes, intp[M], in their order."""
        return OutcomeColumns(self.known[rows], self.right[rows], self.identified[rows], self.confidence[rows])


def _share(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else math.nan


def recall_at_1(outcomes: OutcomeColumns) -> float:
    """Share of queries whose first candidate is right; NaN without queries."""
    return _share(outcomes.right[outcomes.known])


def true_positive_rate(outcomes: OutcomeColumns) -> float:
    """At 1 % false positives (:attr:`Metrics.tpr_at_1pct_fpr`)."""
    strangers = np.sort(outcomes.confidence[~outcomes.known])[::-1]
    if not len(strangers):
        return math.nan
    threshold = strangers[int(_FALSE_POSITIVE_RATE * len(strangers))]
    return _share((outcomes.right & (outcomes.confidence > threshold))[outcomes.known])


def micro_average_precision(outcomes: OutcomeColumns) -> float:
    """GAP of Google Landmarks (Weyand et al., CVPR 2020, section 3.3); NaN without queries."""
    known = int(outcomes.known.sum())
    # Ties count against the method: at equal confidence the wrong answers come first.
    order = np.lexsort((outcomes.right, -outcomes.confidence))
    right = outcomes.right[order]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    return float(precision[right].sum() / known) if known else math.nan


def expected_calibration_error(outcomes: OutcomeColumns) -> float:
    """Over 10 equal bins of confidence, which must be 0 to 1; NaN without outcomes."""
    if not len(outcomes.confidence):
        return math.nan
    bins = np.minimum((outcomes.confidence * _BINS).astype(np.intp), _BINS - 1)
    excess = np.bincount(bins, outcomes.confidence - outcomes.right, _BINS)
    return float(np.abs(excess).sum() / len(bins))


def _identified(outcomes: OutcomeColumns) -> float:
    return _share((outcomes.right & outcomes.identified)[outcomes.known])


def _wrongly_identified(outcomes: OutcomeColumns) -> float:
    return _share(outcomes.identified & ~outcomes.right)


_FIGURES: Final[Mapping[str, Callable[[OutcomeColumns], float]]] = {
    "recall_at_1": recall_at_1,
    "micro_ap": micro_average_precision,
    "tpr_at_1pct_fpr": true_positive_rate,
    "ece": expected_calibration_error,
    "identified": _identified,
    "wrongly_identified": _wrongly_identified,
}
