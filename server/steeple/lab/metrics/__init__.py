"""The field's metrics, as published."""

from steeple.lab.metrics.figures import Figures, evaluate_rankings, title_of
from steeple.lab.metrics.recognition import first_answers
from steeple.lab.metrics.retrieval import (
    RightPhotos,
    average_precision,
    found_within,
    n_s_score,
    precision_at,
    trapezoidal_average_precision,
)

__all__ = [
    "Figures",
    "RightPhotos",
    "average_precision",
    "evaluate_rankings",
    "first_answers",
    "found_within",
    "n_s_score",
    "precision_at",
    "title_of",
    "trapezoidal_average_precision",
]
