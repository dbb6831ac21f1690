"""How far confidences keep what they promise: the share of right answers beside the confidence they were given with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from steeple.server.evaluation.metrics import Outcome

_BINS: Final = 10
_COVERED: Final = 0.95


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers of about one confidence: a bar of a reliability diagram.

    Attributes:
        low: Least confidence.
        high: Confidence below which it ends; the last bin includes it.
        answers: Their number.
        confidence: Their mean confidence; NaN if there are none.
        right: Share of them that is right; NaN if there are none.
        interval: 95 % Wilson interval of ``right``; NaN if there are none.
    """

    low: float
    high: float
    answers: int
    confidence: float
    right: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class FalsePositives:
    """Strangers that are IDENTIFIED.

    Attributes:
        strangers: Photos of no landmark of the catalogue.
        named: Those of them that got a name.
        rate: Their share; NaN without strangers.
        interval: 95 % Wilson interval of ``rate``; NaN without strangers.
    """

    strangers: int
    named: int
    rate: float
    interval: tuple[float, float]


def reliability(outcomes: Sequence[Outcome]) -> list[ReliabilityBin]:
    """How often answers of each tenth of confidence are right; answers without a candidate have the confidence 0."""
    confidences = np.array([outcome.confidence for outcome in outcomes], np.float64)
    right = np.array([outcome.right for outcome in outcomes], np.bool_)
    bins = np.minimum((confidences * _BINS).astype(int), _BINS - 1)
    found = []
    for number in range(_BINS):
        chosen = bins == number
        mean, share = (float(column[chosen].mean()) if chosen.any() else math.nan for column in (confidences, right))
        interval = wilson_interval(int(right[chosen].sum()), int(chosen.sum()))
        found.append(ReliabilityBin(number / _BINS, (number + 1) / _BINS, int(chosen.sum()), mean, share, interval))
    return found


def false_positives(outcomes: Sequence[Outcome]) -> FalsePositives:
    """How many strangers are IDENTIFIED, each by the threshold that it was judged with."""
    strangers = [outcome.identified for outcome in outcomes if not outcome.known]
    named = sum(strangers)
    rate = named / len(strangers) if strangers else math.nan
    return FalsePositives(len(strangers), named, rate, wilson_interval(named, len(strangers)))


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share: holds for few trials and for shares of 0 and 1, unlike a bootstrap's.

    Args:
        successes: 0 to ``trials``.
        trials: Independent ones.

    Returns:
        Lower and upper end; NaN without trials.
    """
    if not trials:
        return math.nan, math.nan
    z = NormalDist().inv_cdf((1 + _COVERED) / 2)
    share = successes / trials
    middle = share + z**2 / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # Exactly 0 and 1 where all trials agree, which rounding would miss by a hair.
    low = 0.0 if successes == 0 else (middle - reach) / (1 + z**2 / trials)
    high = 1.0 if successes == trials else (middle + reach) / (1 + z**2 / trials)
    return low, high
