"""How well photographs are recognised, and how far the confidence can be trusted."""

from steeple.server.evaluation.dataset import Dataset, Photo, Role
from steeple.server.evaluation.failures import Failure, FailureKind, failures_of
from steeple.server.evaluation.indexes import empty_index
from steeple.server.evaluation.metrics import Metrics, Outcome, intervals, measure
from steeple.server.evaluation.reliability import FalsePositives, ReliabilityBin, false_positives, reliability
from steeple.server.evaluation.run import (
    Extracted,
    FeatureSource,
    QueryResult,
    Trial,
    answer_all,
    extract_features,
    whole,
)

__all__ = [
    "Dataset",
    "Extracted",
    "Failure",
    "FailureKind",
    "FalsePositives",
    "FeatureSource",
    "Metrics",
    "Outcome",
    "Photo",
    "QueryResult",
    "ReliabilityBin",
    "Role",
    "Trial",
    "answer_all",
    "empty_index",
    "extract_features",
    "failures_of",
    "false_positives",
    "intervals",
    "measure",
    "reliability",
    "whole",
]
