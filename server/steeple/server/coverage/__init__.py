"""How well its reference images cover a landmark: which see the same, and from where and when they were taken."""

from steeple.server.coverage.coverages import Coverages, Looked
from steeple.server.coverage.records import (
    Coverage,
    CoverageImage,
    Gap,
    GapKind,
    Sector,
    ViewGroup,
    ViewMatch,
)
from steeple.server.coverage.survey import Survey

__all__ = [
    "Coverage",
    "CoverageImage",
    "Coverages",
    "Gap",
    "GapKind",
    "Looked",
    "Sector",
    "Survey",
    "ViewGroup",
    "ViewMatch",
]
