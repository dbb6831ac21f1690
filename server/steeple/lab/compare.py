"""Whether one system is better than another on the same queries, or only looks so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from steeple.errors import InvalidArgumentError
from steeple.lab.answers import SystemAnswers
from steeple.server.evaluation.resampling import interval, resampled

RESAMPLES: Final = 10_000

_FIRST: Final = ("recall_at_1", "micro_ap", "map", "tpr_at_1pct_fpr", "ece")
_LESS_IS_BETTER: Final = frozenset({"ece"})


class Verdict(StrEnum):
    """What a comparison shows of the first system."""

    BETTER = "better"
    WORSE = "worse"
    NOTHING = "no difference shown"


@dataclass(frozen=True)
class Difference:
    """Of one figure.

    Attributes:
        figure: Its name.
        first: Of the first system.
        second: Of the second system.
        difference: First less second.
        interval: 95 % bootstrap interval of the difference; NaN if a resample has no such figure.
        p: Twice the share of resamples whose difference has the other sign, or is 0, with one added to them; 1 at most;
            NaN as above.
        verdict: Better or worse if the interval leaves 0 out.
    """

    figure: str
    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p: float
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """Of two systems.

    Attributes:
        queries: Those that the gallery has an answer to.
        distractors: The others.
        same_photos: Whether galleries and sizes of photos were the same as well.
        differences: One for each figure that both have, the most important first.
    """

    queries: int
    distractors: int
    same_photos: bool
    differences: tuple[Difference, ...]


def compare(first: SystemAnswers, second: SystemAnswers, *, resamples: int = RESAMPLES) -> Comparison:
    """Compares two systems by a paired bootstrap over queries.

    Both are measured on the same resamples: known queries and distractors are drawn with replacement, each among
    themselves, with a fixed seed. A query that is hard for both then adds nothing to the difference. Several figures
    are compared and none is corrected for that; queries of one landmark resemble each other, which the bootstrap does
    not know.

    Args:
        first: Answers of one system.
        second: Answers of the other, to the same queries.
        resamples: How many.

    Raises:
        InvalidArgumentError: If they were not asked the same queries.
    """
    _check(first, second)
    known = first.columns.known
    figures = first.columns.figures(), second.columns.figures()
    names = [name for name in figures[0] if name in figures[1] and not np.isnan([each[name] for each in figures]).any()]
    names.sort(key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    drawn = np.empty((resamples, len(names)), np.float64)
    for row, places in enumerate(resampled(known, resamples)):
        ours, theirs = first.columns.figures(places), second.columns.figures(places)
        drawn[row] = [ours[name] - theirs[name] for name in names]
    differences = []
    for column, name in enumerate(names):
        ends = interval(drawn[:, column])
        difference = figures[0][name] - figures[1][name]
        fewer = min(int((drawn[:, column] <= 0).sum()), int((drawn[:, column] >= 0).sum()))
        # What was not seen in so many resamples is rare, not impossible.
        p = float("nan") if np.isnan(ends).any() else min(1.0, 2 * (fewer + 1) / (resamples + 1))
        verdict = _verdict(name, ends)
        differences.append(Difference(name, figures[0][name], figures[1][name], difference, ends, p, verdict))
    return Comparison(int(known.sum()), int((~known).sum()), first.dataset == second.dataset, tuple(differences))


def _verdict(figure: str, ends: tuple[float, float]) -> Verdict:
    low, high = ends if figure not in _LESS_IS_BETTER else (-ends[1], -ends[0])
    if low > 0:
        return Verdict.BETTER
    return Verdict.WORSE if high < 0 else Verdict.NOTHING


def _check(first: SystemAnswers, second: SystemAnswers) -> None:
    ours, theirs = (list(zip(each.queries, each.landmarks, strict=True)) for each in (first, second))
    if ours == theirs and bool((first.columns.known == second.columns.known).all()):
        return
    shared = len(set(ours) & set(theirs))
    raise InvalidArgumentError(
        f"the systems were not asked the same: {len(ours)} and {len(theirs)} queries, {shared} of them the same; "
        "compare systems of one run, or of two runs over the same data set with the same --photos"
    )
