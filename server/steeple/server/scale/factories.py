"""Other kinds of index that FAISS can make, measured on the same descriptors and queries."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS, ModelRelease
from steeple.errors import InvalidArgumentError
from steeple.server.index import training
from steeple.server.scale.building import Progress, training_descriptors
from steeple.server.scale.operating_points import QUERY_DESCRIPTORS
from steeple.server.scale.synthetic import IMAGE_DESCRIPTORS, SyntheticCatalogue

_LEAST_SAMPLES: Final = 1 << 16  # FAISS takes no more to train a product quantizer
_IMAGES_AT_ONCE: Final = 100
_GRAPH_CANDIDATES: Final = 32


@dataclass(frozen=True)
class FactoryPoint:
    """What one number of probes gives.

    Attributes:
        probes: Inverted lists visited per descriptor; 0 of an index without lists.
        recall: Share of copies whose original is found first; by the distance of the copies.
        milliseconds: Median for a query of 500 descriptors.
    """

    probes: int
    recall: dict[float, float]
    milliseconds: float


@dataclass(frozen=True)
class FactoryFigures:
    """An index of a factory string, by itself: without Steeple around it.

    Attributes:
        factory: FAISS's name of it.
        bytes_per_descriptor: Of the index as it is saved, 8 bytes of number among them.
        build_seconds: Training and adding.
        points: By rising probes.
    """

    factory: str
    bytes_per_descriptor: float
    build_seconds: float
    points: Sequence[FactoryPoint]


def check_factory(factory: str) -> None:
    """Sees to it that FAISS knows an index of that name.

    Raises:
        InvalidArgumentError: If it does not.
    """
    with _explained(factory):
        faiss.index_factory(DIMENSIONS, factory)


def measure_factory(
    factory: str,
    release: ModelRelease,
    images: int,
    copies: Mapping[float, tuple[NDArray[np.float32], NDArray[np.int64]]],
    probes: Sequence[int],
    runs: int,
    progress: Progress,
) -> FactoryFigures:
    """Trains and fills an index, in memory, and asks it for copies of its descriptors.

    Args:
        factory: As ``faiss.index_factory`` takes it.
        release: Descriptors are drawn from its codebook; so many neighbours are fetched as it says.
        images: Synthetic ones, added in the order of their numbers.
        copies: By their distance, queries and where their originals are.
        probes: Each makes a point; an index without inverted lists has one point.
        runs: Queries timed.
        progress: Told of each image and search.

    Raises:
        InvalidArgumentError: If FAISS cannot make it.
    """
    catalogue = SyntheticCatalogue(release)
    with _explained(factory):
        began = time.monotonic()
        index: Any = faiss.index_factory(DIMENSIONS, factory)
        lists = _lists(index)
        if lists is not None:
            lists.cp.min_points_per_centroid = 1  # FAISS would write its advice to stderr
        samples = max(_LEAST_SAMPLES, training.SAMPLES_PER_LIST * (0 if lists is None else lists.nlist))
        progress(f"training {factory}", 0, 1)
        index.train(training_descriptors(catalogue, images, samples))
        progress(f"training {factory}", 1, 1)
        for start in range(0, images, _IMAGES_AT_ONCE):
            numbers = range(start, min(images, start + _IMAGES_AT_ONCE))
            index.add(np.concatenate([catalogue.image(number) for number in numbers]))
            progress(f"adding to {factory}", numbers.stop, images)
        built = time.monotonic() - began
        lists = _lists(index)
        points = []
        for number, each in enumerate(probes if lists is not None else (0,)):
            _visit(lists, each)
            points.append(_point(index, each, copies, release.index.neighbours, runs))
            progress(f"searching {factory}", number + 1, len(probes))
        size = len(faiss.serialize_index(index)) / (images * IMAGE_DESCRIPTORS)
    return FactoryFigures(factory, round(size, 1), round(built, 2), tuple(points))


def _point(
    index: Any,  # noqa: ANN401 - FAISS is untyped
    probes: int,
    copies: Mapping[float, tuple[NDArray[np.float32], NDArray[np.int64]]],
    neighbours: int,
    runs: int,
) -> FactoryPoint:
    recall = {
        distance: float((index.search(queries, 1)[1][:, 0] == origins).mean())
        for distance, (queries, origins) in copies.items()
    }
    queries, times = next(iter(copies.values()))[0], []
    for run in range(runs + 1):  # the first warms up
        rows = np.take(queries, range(run * QUERY_DESCRIPTORS, (run + 1) * QUERY_DESCRIPTORS), axis=0, mode="wrap")
        began = time.perf_counter()
        index.search(rows, neighbours)
        if run:
            times.append(1e3 * (time.perf_counter() - began))
    return FactoryPoint(probes, recall, statistics.median(times))


def _lists(index: Any) -> Any | None:  # noqa: ANN401 - FAISS is untyped
    """The part of an index that has inverted lists, if there is one."""
    found: Callable[[Any], Any] = faiss.try_extract_index_ivf
    return found(index)


def _visit(lists: Any | None, probes: int) -> None:  # noqa: ANN401 - FAISS is untyped
    if lists is None:
        return
    lists.nprobe = probes
    quantizer: Any = faiss.downcast_index(lists.quantizer)
    if isinstance(quantizer, faiss.IndexHNSW):
        quantizer.hnsw.efSearch = max(_GRAPH_CANDIDATES, 2 * probes)  # as Steeple's own has it


@contextmanager
def _explained(factory: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        reason = str(error).rpartition("Error: ")[2].strip() or "it says no more"
        raise InvalidArgumentError(
            f"FAISS cannot make an index {factory!r} of {DIMENSIONS} dimensions ({reason}); one reads IVF1024,PQ20x4fsr"
        ) from error
