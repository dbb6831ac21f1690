"""What a method is worth on a data set, by the metrics of the data set's benchmark."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.metrics.recognition import first_answers
from steeple.lab.metrics.retrieval import (
    RightPhotos,
    average_precision,
    found_within,
    n_s_score,
    precision_at,
    trapezoidal_average_precision,
)
from steeple.lab.photos import Benchmark, Grade, LabDataset, LabQuery
from steeple.lab.rankings import Ranking
from steeple.server.evaluation.metrics import OutcomeColumns, micro_average_precision, true_positive_rate

_PLACES: Final = (1, 5, 10)
_EASY: Final = frozenset({Grade.EASY})
_HARD: Final = frozenset({Grade.HARD})
_SETUPS: Final[Mapping[str, Collection[Grade]]] = {"easy": _EASY, "medium": _EASY | _HARD, "hard": _HARD}
"""Of Revisited Oxford and Paris, by the grades that are right; the other grades are ignored."""

_PRIMARY: Final = {
    Benchmark.RECOGNITION: "micro_ap",
    Benchmark.REVISITED: "map_medium",
    Benchmark.RETRIEVAL: "map",
    Benchmark.UKBENCH: "n_s_score",
    Benchmark.MAP_AT_100: "map_at_100",
    Benchmark.MICRO_AP: "micro_ap",
}


_TITLES: Final = (
    (re.compile(r"micro_ap"), "micro-AP"),
    (re.compile(r"tpr_at_1pct_fpr"), "TPR at 1 % FPR"),
    (re.compile(r"n_s_score"), "N-S score"),
    (re.compile(r"map_at_(\d+)"), r"mAP@\1"),
    (re.compile(r"map"), "mAP"),
    (re.compile(r"map_(.+)"), r"mAP, \1"),
    (re.compile(r"mp_at_(\d+)_(.+)"), r"mP@\1, \2"),
    (re.compile(r"recall_at_(\d+)"), r"recall@\1"),
    (re.compile(r"recall_at_(\d+)_(.+)"), r"recall@\1, \2"),
)


def title_of(name: str) -> str:
    """How a table shows a figure; its name itself if it is none of :func:`evaluate_rankings`'."""
    return next((found.expand(title) for pattern, title in _TITLES if (found := pattern.fullmatch(name))), name)


@dataclass(frozen=True, eq=False)
class Figures:
    """What a method is worth.

    Attributes:
        primary: Name of the figure that methods are ranked by.
        values: Every figure by its name (see ``docs/lab/metrics.md``). Shares, 0 to 1, but for ``n_s_score``, which is
            0 to 4. NaN where the data set has no query that it is a figure of.
        by_query: float64[Q] by the name of a figure, for the figures that are means over queries: what each query
            adds, NaN where it does not count. For intervals, and for comparing two methods query by query.
    """

    primary: str
    values: Mapping[str, float]
    by_query: Mapping[str, NDArray[np.float64]]


def evaluate_rankings(dataset: LabDataset, rankings: Sequence[Ranking]) -> Figures:
    """The figures of the data set's benchmark.

    Args:
        dataset: What was asked.
        rankings: One for each query, in their order.

    Raises:
        InvalidArgumentError: If there is not one ranking for each query, or one names a photo twice or a photo that
            the gallery does not have.
    """
    _check(dataset, rankings)
    by_query: dict[str, NDArray[np.float64]] = {}
    values: dict[str, float] = {}
    match dataset.benchmark:
        case Benchmark.RECOGNITION:
            photos, answers = _right(dataset, rankings), first_answers(dataset, rankings)
            by_query["recall_at_1"] = _recalls(answers)
            by_query |= _by_tier(dataset, by_query["recall_at_1"])
            by_query |= {f"recall_at_{places}": _each(photos, found_within, places) for places in _PLACES[1:]}
            by_query["map"] = _each(photos, average_precision)
            values |= _against_strangers(answers)
        case Benchmark.MICRO_AP:
            answers = first_answers(dataset, rankings)
            by_query["recall_at_1"] = _recalls(answers)
            values |= _against_strangers(answers)
        case Benchmark.REVISITED:
            for setup, grades in _SETUPS.items():
                photos = _right(dataset, rankings, grades)
                by_query[f"map_{setup}"] = _each(photos, trapezoidal_average_precision)
                by_query |= {f"mp_at_{places}_{setup}": _each(photos, precision_at, places) for places in _PLACES}
        case Benchmark.RETRIEVAL:
            by_query["map"] = _each(_right(dataset, rankings), trapezoidal_average_precision)
        case Benchmark.UKBENCH:
            by_query["n_s_score"] = _each(_right(dataset, rankings), n_s_score)
        case Benchmark.MAP_AT_100:
            by_query["map_at_100"] = _each(_right(dataset, rankings), average_precision, 100)
    means = {name: _mean(each) for name, each in by_query.items()}
    return Figures(_PRIMARY[dataset.benchmark], {**means, **values}, by_query)


def _check(dataset: LabDataset, rankings: Sequence[Ranking]) -> None:
    if len(rankings) != len(dataset.queries):
        raise InvalidArgumentError(f"there are {len(rankings)} rankings for {len(dataset.queries)} queries")
    for query, ranking in zip(dataset.queries, rankings, strict=True):
        keys = ranking.keys
        if len(keys) and not 0 <= int(keys.min()) <= int(keys.max()) < len(dataset.gallery):
            raise InvalidArgumentError(f"the ranking for {query.photo.key} names a photo that the gallery has not")
        if len(np.unique(keys)) < len(keys):
            raise InvalidArgumentError(f"the ranking for {query.photo.key} names a photo twice")


def _right(
    dataset: LabDataset, rankings: Sequence[Ranking], grades: Collection[Grade] = _EASY | _HARD
) -> list[RightPhotos]:
    """Where the photos of these grades stand; those of other grades are ignored."""

    def of(query: LabQuery, ranking: Ranking) -> RightPhotos:
        right = {key for key, grade in query.grades.items() if grade in grades}
        return RightPhotos.of(ranking.keys, right, query.grades.keys() - right)

    return [of(query, ranking) for query, ranking in zip(dataset.queries, rankings, strict=True)]


def _each(photos: Sequence[RightPhotos], figure: Callable[..., float], *arguments: int) -> NDArray[np.float64]:
    return np.array([figure(of_one, *arguments) for of_one in photos], np.float64)


def _by_tier(dataset: LabDataset, recalls: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Recall@1 of the queries of each tier."""
    tiers = np.array([query.tier for query in dataset.queries])
    names = dict.fromkeys(tier for query in dataset.queries if query.landmark and (tier := query.tier))
    return {f"recall_at_1_{name}": np.where(tiers == name, recalls, np.nan) for name in names}


def _recalls(answers: OutcomeColumns) -> NDArray[np.float64]:
    """Whether the first photo is right; also where nothing could be, as for Google's queries without clean photos."""
    return np.where(answers.known, answers.right, np.nan)


def _against_strangers(answers: OutcomeColumns) -> dict[str, float]:
    return {"micro_ap": micro_average_precision(answers), "tpr_at_1pct_fpr": true_positive_rate(answers)}


def _mean(values: NDArray[np.float64]) -> float:
    """Over what is not NaN; of nothing, NaN."""
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if len(counted) else float("nan")
