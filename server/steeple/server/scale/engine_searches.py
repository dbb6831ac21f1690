"""What a search costs on FAISS, on a GPU, and on Milvus: time of processors, time that passes, memory."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.server.capacity.measured import IndexPoint, IndexSize
from steeple.server.index import FaissIndex
from steeple.server.index.device import Device
from steeple.server.index.threads import one_thread
from steeple.server.scale.building import Progress, Size, fill_with_codes
from steeple.server.scale.processes import resident_bytes
from steeple.server.scale.synthetic import IMAGE_DESCRIPTORS

COPIES: Final = 2000
"""Descriptors that queries are taken from."""

DISTANCE: Final = 0.58

_GRAPH_LISTS: Final = 4096  # the fewest that are found along a graph
_GRAPH_IMAGES: Final = 100
_SHORT_CODE: Final = 10


@dataclass(frozen=True)
class Asked:
    """One kind of query.

    Attributes:
        probes: Lists visited for each descriptor.
        descriptors: Of the query.
        at_once: Queries of one call.
    """

    probes: int
    descriptors: int
    at_once: int = 1


ASKED: Final = (Asked(16, 100), Asked(16, 500), Asked(16, 1000), Asked(4, 500), Asked(64, 500))
TOGETHER: Final = Asked(16, 500, 8)
"""Of a GPU, which does many descriptors in the time of few."""


def kinds_of_index(sizes: Sequence[int]) -> list[Size]:
    """What is measured: each size as a server comes to have it; from 100,000 on the largest behind a graph as well.

    Args:
        sizes: Descriptors.
    """
    kinds = [Size(size // IMAGE_DESCRIPTORS) for size in sorted(set(sizes))]
    largest = kinds[-1].images
    if largest < _GRAPH_IMAGES:  # its lists would be all but empty
        return kinds
    return [*kinds, Size(largest, _GRAPH_LISTS), Size(largest, _GRAPH_LISTS, _SHORT_CODE)]


def measure_faiss(
    release: ModelRelease,
    folder: Path,
    kinds: Sequence[Size],
    runs: int,
    progress: Progress,
    device: Device | None = None,
) -> Iterator[tuple[list[IndexPoint], IndexSize]]:
    """Searches indexes of synthetic codes.

    Args:
        release: Codebooks are its own, or trained on descriptors like its own.
        folder: Indexes are made in it, or used if they are there.
        kinds: Of indexes.
        runs: Of each search; medians count.
        progress: Told of each step.
        device: Searches instead of the processor.

    Yields:
        Of each index, its searches and what it takes.
    """
    for number, kind in enumerate(kinds):
        place = folder / f"{kind.images}-{kind.lists or 0}-{kind.code_size or 0}"
        built = fill_with_codes(release, place, kind, progress)
        queries, _ = built.copies(COPIES, DISTANCE)
        before = resident_bytes()
        index, _ = FaissIndex.restore(place, release)
        if device is not None:
            if index.codebook.code_size == _SHORT_CODE:
                continue  # GPUs take none of this length
            index.serve_from(device)
        asked = (*ASKED, TOGETHER) if device is not None else ASKED
        points = []
        for done, each in enumerate(asked):
            points.append(_point(index, release, queries, each, runs, gpu=device is not None))
            progress(f"searching index {number + 1} of {len(kinds)}", done + 1, len(asked))
        codebook, stats = index.codebook, index.stats()
        held = resident_bytes() - before
        files = sum(file.stat().st_size for file in place.iterdir() if file.is_file())
        engine = "faiss" if device is None else "gpu"
        if device is not None:
            held = stats.descriptors * int(stats.bytes_per_descriptor)  # FAISS does not tell what it has on the GPU
        size = IndexSize(engine, stats.descriptors, codebook.code_size, max(0, held), files)
        del index, built, queries  # what is freed while the next one is opened would count for that
        gc.collect()
        yield points, size


def _point(
    index: FaissIndex, release: ModelRelease, queries: NDArray[np.float32], asked: Asked, runs: int, *, gpu: bool
) -> IndexPoint:
    index.probes = asked.probes
    codebook = index.codebook
    rows = asked.descriptors * asked.at_once
    batches = [
        np.take(queries, range(run * rows, (run + 1) * rows), axis=0, mode="wrap") for run in range(max(2, runs))
    ]

    def search(batch: NDArray[np.float32]) -> object:
        return index.search(batch, release.index.neighbours)

    def assign(batch: NDArray[np.float32]) -> object:
        return codebook.assign(batch, asked.probes)

    wall = timed(search, batches, time.perf_counter)
    with one_thread():  # threads that wait for each other would count as busy
        cpu = timed(search, batches, time.process_time)
    device = wall - timed(assign, batches, time.perf_counter) if gpu else None
    sizes = np.sum([segment.sizes() for segment in index.sealed], axis=0)
    lists = codebook.assign(batches[0], asked.probes).lists
    return IndexPoint(
        engine="gpu" if gpu else "faiss",
        descriptors=index.stats().descriptors,
        lists=codebook.lists,
        graph=codebook.factory.links > 0,
        code_size=codebook.code_size,
        probes=asked.probes,
        query_descriptors=asked.descriptors,
        at_once=asked.at_once,
        codes=round(float(sizes[lists].sum(axis=1).mean()), 1),
        wall_ms=round(1e3 * wall / asked.at_once, 4),
        cpu_ms=round(1e3 * cpu / asked.at_once, 4),
        device_ms=None if device is None else round(1e3 * max(device, 1e-6) / asked.at_once, 4),
    )


def timed(
    work: Callable[[NDArray[np.float32]], object],
    batches: Sequence[NDArray[np.float32]],
    clock: Callable[[], float],
) -> float:
    """Median seconds of some work, by a clock; the first time brings what is needed into memory.

    Args:
        work: To be timed.
        batches: Each is worked on once, the first once more.
        clock: Of seconds.
    """
    work(batches[0])
    times = []
    for batch in batches:
        began = clock()
        work(batch)
        times.append(clock() - began)
    return statistics.median(times)
