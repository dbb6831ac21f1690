"""What is asked and what is searched: photos and, for each query, which of them are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the photo."""


class Grade(StrEnum):
    """How a photo of the gallery answers a query; one without a grade is wrong."""

    EASY = "easy"
    """Right, and clearly visible."""
    HARD = "hard"
    """Right, and hard to see: cut off, small, at night."""
    JUNK = "junk"
    """Neither right nor wrong: it is passed over wherever it is ranked."""


class Benchmark(StrEnum):
    """Whose metrics a data set is measured with; :func:`steeple.lab.metrics.evaluate_rankings` takes them."""

    RECOGNITION = "recognition"
    """Queries of landmarks in the catalogue, and distractors: recall@1, micro-AP, what keeps strangers out, mAP."""
    REVISITED = "revisited"
    """Revisited Oxford and Paris: mAP and mP@k of the setups easy, medium and hard."""
    RETRIEVAL = "retrieval"
    """Oxford5k, Paris6k and Holidays: mAP, the area under precision over recall by trapezoids."""
    UKBENCH = "ukbench"
    """The N-S score."""
    MAP_AT_100 = "map-at-100"
    """Google Landmarks v2, retrieval: mAP@100."""
    MICRO_AP = "micro-ap"
    """Google Landmarks v2, recognition: GAP."""


@dataclass(frozen=True)
class LabPhoto:
    """One photo.

    Attributes:
        key: Its name in results and in the cache of features, unique in the data set; relative path or id.
        path: Of the file.
        box: The part that is meant (Oxford's queries); None: all of it.
    """

    key: str
    path: Path
    box: Box | None = None


@dataclass(frozen=True)
class LabQuery:
    """One query.

    Attributes:
        photo: What is asked.
        landmark: What it shows; empty: nothing that the gallery has. Not for deciding whether an answer is right, which
            the grades say: where there is no catalogue of landmarks, the gallery's are empty.
        tier: How hard it is to recognise; may be empty.
        grades: By position in the gallery, of the photos that are not wrong.
    """

    photo: LabPhoto
    landmark: str
    tier: str = ""
    grades: Mapping[int, Grade] = field(default_factory=dict)


@dataclass(frozen=True)
class LabDataset:
    """Photos with known answers, in a fixed order.

    Attributes:
        name: For tables.
        gallery: What is searched.
        landmarks: What each photo of the gallery shows; empty: no landmark that is asked for.
        queries: What is asked.
        training: What codebooks, projections and the like are fitted on; never a photo of the gallery or a query.
        benchmark: Whose metrics it is measured with.
    """

    name: str
    gallery: tuple[LabPhoto, ...]
    landmarks: tuple[str, ...]
    queries: tuple[LabQuery, ...]
    training: tuple[LabPhoto, ...] = ()
    benchmark: Benchmark = Benchmark.RECOGNITION
