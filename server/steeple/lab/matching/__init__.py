"""Matching of local features between pictures whose geometry is known."""

from steeple.lab.matching.benchmark import (
    AREA_THRESHOLDS,
    CORNER_THRESHOLDS,
    EPIPOLAR_THRESHOLDS,
    THRESHOLDS,
    MatchingFigures,
    MatchingResult,
    PairResult,
    evaluate_matching,
)
from steeple.lab.matching.matches import matched
from steeple.lab.matching.opening import open_pairs
from steeple.lab.matching.pairs import MatchingPair, Picture, read_hpatches, read_wxbs
from steeple.lab.matching.warps import warped_pairs

__all__ = [
    "AREA_THRESHOLDS",
    "CORNER_THRESHOLDS",
    "EPIPOLAR_THRESHOLDS",
    "THRESHOLDS",
    "MatchingFigures",
    "MatchingPair",
    "MatchingResult",
    "PairResult",
    "Picture",
    "evaluate_matching",
    "matched",
    "open_pairs",
    "read_hpatches",
    "read_wxbs",
    "warped_pairs",
]
