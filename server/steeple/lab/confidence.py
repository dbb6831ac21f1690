"""A probability for systems that have none: how likely it is that the first photo found is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from steeple.lab.photos import Grade, LabDataset
from steeple.lab.rankings import Ranking

FOLDS: Final = 5

METHOD: Final = (
    "For systems without a confidence of their own: the probability that the first photo is right, by logistic "
    "regression on its score and on the lead over the best photo of another landmark, fitted on four fifths of the "
    "queries and distractors and read off on the fifth that was left out (scikit-learn, folds drawn with a fixed "
    "seed). So ECE flatters them: they were fitted to photos like those asked. micro-AP and TPR rank by the score "
    "itself, without any fitting."
)

_SEED: Final = 20170704


def cross_fitted(features: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Probabilities of being right, each from a regression that was not fitted on it.

    Args:
        features: float64[N, F]; a row with a number that is not finite has the probability 0: there is no answer.
        right: bool[N].

    Returns:
        float64[N]. Where there are fewer than two right or two wrong answers, nothing can be fitted, and all have
        the share of the others that is right, with one right and one wrong added to them.
    """
    found = np.zeros(len(right), np.float64)
    rows = np.flatnonzero(np.isfinite(features).all(axis=1))
    if not len(rows):
        return found
    labels, values = right[rows], features[rows]
    folds = int(min(FOLDS, labels.sum(), (~labels).sum()))
    if folds < 2:
        found[rows] = (labels.sum() - labels + 1) / (len(labels) + 1)
        return found
    split = StratifiedKFold(folds, shuffle=True, random_state=_SEED)
    for fitted, asked in split.split(values, labels):
        scaler = StandardScaler().fit(values[fitted])
        model = LogisticRegression().fit(scaler.transform(values[fitted]), labels[fitted])
        found[rows[asked]] = model.predict_proba(scaler.transform(values[asked]))[:, 1]
    return found


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
