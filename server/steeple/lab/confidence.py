"""A probability for systems that have none: how likely it is that the first photo found is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from steeple.lab.photos import Grade, LabDataset
from steeple.lab.rankings import Ranking

FOLDS: Final = 5

METHOD: Final = (
    "For systems without a confidence of their own: the probability that the first photo is right, by logistic "
    "regression on its score and on the lead over the best photo of another landmark, fitted on about four fifths of "
    "the queries and distractors and read off on the fifth that was left out (scikit-learn, folds drawn with a fixed "
    "seed). All queries of a landmark are left out together, and each distractor is by itself. Still, ECE flatters "
    "these systems: they were fitted to photos of the same collection. micro-AP and TPR rank by the score itself, "
    "without any fitting."
)

_SEED: Final = 20170704


def cross_fitted(
    features: NDArray[np.float64], right: NDArray[np.bool_], groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probabilities of being right, each from a regression that was fitted on other groups alone.

    Args:
        features: float64[N, F]; a row with a number that is not finite has the probability 0: there is no answer.
        right: bool[N].
        groups: int64[N]; answers of one group resemble each other.

    Returns:
        float64[N]. Where the other groups' answers are all right or all wrong, nothing can be fitted, and it is the
        share of them that is right, with one right and one wrong added to them; so it is for all answers where those
        that are right, or those that are wrong, are of one group alone.
    """
    found = np.zeros(len(right), np.float64)
    rows = np.flatnonzero(np.isfinite(features).all(axis=1))
    labels, values, members = right[rows], features[rows], groups[rows]
    folds = min(FOLDS, len(np.unique(members[labels])), len(np.unique(members[~labels])))
    if folds < 2:
        for group in np.unique(members):
            found[rows[members == group]] = _share(labels[members != group])
        return found
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=_SEED)
    for fitted, asked in split.split(values, labels, members):
        found[rows[asked]] = _probabilities(values[fitted], labels[fitted], values[asked])
    return found


def _probabilities(
    fitted: NDArray[np.float64], labels: NDArray[np.bool_], asked: NDArray[np.float64]
) -> NDArray[np.float64]:
    """float64[M], for float64[M, F], by what float64[N, F] and bool[N] say."""
    if labels.all() or not labels.any():
        return np.full(len(asked), _share(labels))
    scaler = StandardScaler().fit(fitted)
    model = LogisticRegression().fit(scaler.transform(fitted), labels)
    return np.asarray(model.predict_proba(scaler.transform(asked))[:, 1], np.float64)


def _share(labels: NDArray[np.bool_]) -> float:
    """Of what is right, with one right and one wrong added."""
    return float((labels.sum() + 1) / (len(labels) + 2))


def groups_of(dataset: LabDataset) -> NDArray[np.int64]:
    """int64[Q]: queries of one landmark have one number, and each distractor has its own."""
    numbers: dict[tuple[str, int], int] = {}
    names = [(query.landmark, -1 if query.landmark else place) for place, query in enumerate(dataset.queries)]
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def first_scores(dataset: LabDataset, rankings: Sequence[Ranking]) -> NDArray[np.float64]:
    """What a confidence can be fitted on.

    Returns:
        float64[Q, 2]: the score of the first photo that is not junk, and its lead over the best one of another
        landmark (over 0 where there is none); infinite where nothing was found. A photo of no landmark is one of its
        own.
    """
    found = np.full((len(rankings), 2), -np.inf)
    for row, (query, ranking) in enumerate(zip(dataset.queries, rankings, strict=True)):
        first: tuple[float, int] | None = None
        second = 0.0
        for key, score in zip(ranking.keys.tolist(), ranking.scores.tolist(), strict=True):
            if query.grades.get(key) is Grade.JUNK:
                continue
            if first is None:
                first = (score, key)
            elif not _same_landmark(dataset, first[1], key):
                second = score
                break
        if first is not None:
            found[row] = first[0], first[0] - second
    return found


def _same_landmark(dataset: LabDataset, first: int, other: int) -> bool:
    landmark = dataset.landmarks[first]
    return landmark != "" and landmark == dataset.landmarks[other]
