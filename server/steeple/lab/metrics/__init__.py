"""The field's metrics, as published."""

from steeple.lab.metrics.figures import Figures, evaluate_rankings, title_of
from steeple.lab.metrics.recognition import (
    expected_calibration_error,
    first_answers,
    micro_average_precision,
    recall_at_1,
    true_positive_rate,
)
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
    "expected_calibration_error",
    "first_answers",
    "found_within",
    "micro_average_precision",
    "n_s_score",
    "precision_at",
    "recall_at_1",
    "title_of",
    "trapezoidal_average_precision",
    "true_positive_rate",
]
