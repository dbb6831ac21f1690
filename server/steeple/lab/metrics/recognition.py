"""Metrics of recognition: what is known should come first, and with a higher score than any stranger.

The figures themselves are those of :mod:`steeple.server.evaluation.metrics`; here answers of a method become their
columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from steeple.lab.photos import Grade, LabDataset
from steeple.lab.rankings import Ranking
from steeple.server.evaluation.metrics import OutcomeColumns


def first_answers(dataset: LabDataset, rankings: Sequence[Ranking]) -> OutcomeColumns:
    """The first photo of each ranking as an answer, with its score for a confidence.

    A photo that is junk for the query is passed over. Whoever found nothing answers wrongly, with less confidence
    than anyone else (minus infinity).

    Args:
        dataset: What was asked.
        rankings: One for each query.

    Returns:
        Of N queries. None is ``identified``: a method of the lab has no threshold.
    """
    known, right, confidence = [], [], []
    for query, ranking in zip(dataset.queries, rankings, strict=True):
        grades = [query.grades.get(int(key)) for key in ranking.keys[: len(query.grades) + 1]]
        first = next((place for place, grade in enumerate(grades) if grade is not Grade.JUNK), None)
        known.append(bool(query.landmark))
        right.append(first is not None and grades[first] is not None)
        confidence.append(-math.inf if first is None else float(ranking.scores[first]))
    return OutcomeColumns(
        np.array(known, np.bool_),
        np.array(right, np.bool_),
        np.zeros(len(known), np.bool_),
        np.array(confidence, np.float64),
    )
