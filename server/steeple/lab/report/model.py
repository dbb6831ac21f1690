"""What a report is made of: a finished run, as far as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

NOTHING: Final = -1
"""Stands for the first photo of a query that found none."""


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval.

    Attributes:
        value: NaN where the data set has nothing that it is a figure of.
        low: Of the interval; NaN: not known.
        high: Of the interval; NaN: not known.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Credit:
    """Where a part of a system is from.

    Attributes:
        title: Of the part.
        paper: Authors, venue, year; empty for what everybody does.
        choices: What was chosen where the paper leaves it open.
    """

    title: str
    paper: str
    choices: str


@dataclass(frozen=True, eq=False)
class Answers:
    """What a system answered to each of Q queries, in their order.

    Attributes:
        known: bool[Q]; whether the gallery has what is asked.
        right: bool[Q]; whether the first photo is right.
        score: float64[Q]; of the first photo; minus infinity where nothing was found.
        confidence: float64[Q]; probability that the first photo is right.
        first: int64[Q]; position of the first photo in the gallery; :data:`NOTHING`.
    """

    known: NDArray[np.bool_]
    right: NDArray[np.bool_]
    score: NDArray[np.float64]
    confidence: NDArray[np.float64]
    first: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SystemResults:
    """A row of the table.

    Attributes:
        name: Unique.
        title: As it is shown.
        group: What it is there to show.
        note: What is to be said beside it; may be empty.
        figures: By name.
        image_bytes: What a photo of the gallery takes, with what stages after the search need.
        query_bytes: What a client sends for a query, the median.
        query_ms: From the photo's file to the last stage, the median.
        credits: Of its parts.
        definition: Its parts and their parameters.
        answers: To all queries.
    """

    name: str
    title: str
    group: str
    note: str
    figures: Mapping[str, Figure]
    image_bytes: float
    query_bytes: float
    query_ms: float
    credits: tuple[Credit, ...]
    definition: Mapping[str, object]
    answers: Answers


@dataclass(frozen=True)
class Photo:
    """A photo of the gallery, or a query.

    Attributes:
        key: Its name.
        path: Of the file; there may be none any more.
        landmark: What it shows; empty: nothing that is asked for, or that the gallery has.
    """

    key: str
    path: Path
    landmark: str


@dataclass(frozen=True, eq=False)
class RunResults:
    """A finished run.

    Attributes:
        name: Of the experiment.
        dataset: Name of the data set.
        primary: Name of the figure that systems are ranked by.
        systems: In the table's order.
        gallery: What was searched; may be empty, then there are no pictures of failures.
        queries: What was asked.
        facts: What it was measured with, and on: lines of a list, as they are shown.
        notes: What is to be said of all figures.
    """

    name: str
    dataset: str
    primary: str
    systems: tuple[SystemResults, ...]
    gallery: tuple[Photo, ...]
    queries: tuple[Photo, ...]
    facts: Mapping[str, str]
    notes: tuple[str, ...] = ()
