"""Recall against time: what visiting more inverted lists buys, and what FAISS by itself takes for it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.recognition.neighbours import Neighbours
from steeple.server.index import FaissIndex
from steeple.server.scale.synthetic import key_of

QUERY_DESCRIPTORS: Final = 500
"""Descriptors of one query."""

Raw = Callable[[NDArray[np.float32], int, int], object]
"""FAISS's own search over the same lists: queries, neighbours and probes."""


@dataclass(frozen=True)
class OperatingPoint:
    """What one number of probes gives.

    Attributes:
        probes: Inverted lists visited per descriptor.
        recall: Share of copies whose original is found first; by the distance of the copies.
        milliseconds: Median for a query of 500 descriptors.
        raw_milliseconds: The same of FAISS's own call, run by turns with it.
        ratio: Median over the queries of one by the other.
    """

    probes: int
    recall: dict[float, float]
    milliseconds: float
    raw_milliseconds: float
    ratio: float


def measure_points(
    index: FaissIndex,
    raw: Raw,
    copies: dict[float, tuple[NDArray[np.float32], NDArray[np.int64]]],
    probes: Sequence[int],
    neighbours: int,
    runs: int,
    advance: Callable[[], None] = lambda: None,
) -> list[OperatingPoint]:
    """Asks for copies of descriptors, through the index and of FAISS itself.

    Args:
        index: Filled with synthetic images, under their :func:`~steeple.server.scale.synthetic.key_of`.
        raw: FAISS's own search.
        copies: By their distance, queries and where their originals are, as
            :meth:`~steeple.server.scale.synthetic.SyntheticCatalogue.copies` gives them.
        probes: Each makes a point.
        neighbours: Fetched per descriptor.
        runs: Queries timed.
        advance: Told of each search.
    """
    points = []
    for number in probes:
        index.probes = number
        recall, times, raw_times = {}, [], []
        for distance, (queries, origins) in copies.items():
            found = index.search(queries, 1)
            recall[distance] = float((_origins(found)[:, 0] == origins).mean())
            advance()
        queries = next(iter(copies.values()))[0]
        for run in range(runs + 1):  # the first reads what is not in memory yet
            rows = np.take(queries, range(run * QUERY_DESCRIPTORS, (run + 1) * QUERY_DESCRIPTORS), axis=0, mode="wrap")
            # By turns, and each first every other time: what one has read, the other finds in the caches.
            order = (True, False) if run % 2 else (False, True)
            taken = {}
            for ours in order:
                began = time.perf_counter()
                if ours:
                    index.search(rows, neighbours)
                else:
                    raw(rows, neighbours, number)
                taken[ours] = 1e3 * (time.perf_counter() - began)
            if run:
                times.append(taken[True])
                raw_times.append(taken[False])
            advance()
        points.append(
            OperatingPoint(
                probes=number,
                recall=recall,
                milliseconds=statistics.median(times),
                raw_milliseconds=statistics.median(raw_times),
                ratio=statistics.median(one / other for one, other in zip(times, raw_times, strict=True)),
            )
        )
    return points


def _origins(found: Neighbours) -> NDArray[np.int64]:
    return np.asarray(1000 * (found.image_keys - key_of(0)) + found.feature_numbers, np.int64)
