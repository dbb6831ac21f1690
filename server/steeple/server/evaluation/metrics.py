"""The field's figures for identities with a confidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


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
            reaches.
        ece: Expected calibration error over 10 equal bins of confidence.
        identified: Share of queries that are IDENTIFIED, rightly.
        wrong: Share of all queries and distractors that are IDENTIFIED as what they are not.
        by_tier: ``recall_at_1`` per tier.
    """

    queries: int
    distractors: int
    recall_at_1: float
    micro_ap: float
    tpr_at_1pct_fpr: float
    ece: float
    identified: float
    wrong: float
    by_tier: Mapping[str, float]


def measure(outcomes: Sequence[Outcome]) -> Metrics:
    """The figures of ``outcomes``. Shares of nothing are NaN."""
    known = [outcome for outcome in outcomes if outcome.known]
    unknown = [outcome for outcome in outcomes if not outcome.known]
    threshold = _false_positive_threshold([outcome.confidence for outcome in unknown], 0.01)
    return Metrics(
        queries=len(known),
        distractors=len(unknown),
        recall_at_1=_share([outcome.right for outcome in known]),
        micro_ap=_micro_average_precision(outcomes),
        tpr_at_1pct_fpr=_share([outcome.right and outcome.confidence > threshold for outcome in known]),
        ece=_expected_calibration_error(outcomes),
        identified=_share([outcome.right and outcome.identified for outcome in known]),
        wrong=_share([outcome.identified and not outcome.right for outcome in outcomes]),
        by_tier={
            tier: _share([outcome.right for outcome in known if outcome.tier == tier])
            for tier in dict.fromkeys(outcome.tier for outcome in known)
            if tier
        },
    )


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else math.nan


def _false_positive_threshold(confidences: Sequence[float], rate: float) -> float:
    """The confidence that at most ``rate`` of ``confidences`` exceed."""
    ranked = sorted(confidences, reverse=True)
    return ranked[int(rate * len(ranked))] if ranked else -math.inf


def _micro_average_precision(outcomes: Sequence[Outcome]) -> float:
    known = sum(outcome.known for outcome in outcomes)
    # Ties count against the method: at equal confidence the wrong answers come first.
    ranked = sorted(outcomes, key=lambda outcome: (-outcome.confidence, outcome.right))
    right, total = 0, 0.0
    for rank, outcome in enumerate(ranked, start=1):
        if outcome.right:
            right += 1
            total += right / rank
    return total / known if known else math.nan


def _expected_calibration_error(outcomes: Sequence[Outcome], bins: int = 10) -> float:
    total = 0.0
    for number in range(bins):
        inside = [outcome for outcome in outcomes if min(int(outcome.confidence * bins), bins - 1) == number]
        if inside:
            accuracy = _share([outcome.right for outcome in inside])
            total += abs(accuracy - sum(outcome.confidence for outcome in inside) / len(inside)) * len(inside)
    return total / len(outcomes) if outcomes else math.nan
