"""What a whole query costs in a catalogue of any size: search, votes, verification, and the network if there is one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steeple.delf import FeatureSet, ModelRelease
from steeple.recognition import GalleryImage, Recogniser
from steeple.server.index import FaissIndex
from steeple.server.scale.operating_points import Raw
from steeple.server.scale.photos import SyntheticPhotos
from steeple.server.scale.synthetic import key_of


@dataclass(frozen=True)
class Asked:
    """The answer to one query, and what it took.

    Attributes:
        landmark: Id of the first candidate; empty if there is none.
        identified: Whether it was confident.
        milliseconds: Of each stage, ``search`` among them.
    """

    landmark: str
    identified: bool
    milliseconds: Mapping[str, float]


@dataclass(frozen=True)
class Percentiles:
    """Milliseconds over the queries.

    Attributes:
        p50: Half of them took no longer.
        p90: Nine of ten took no longer.
    """

    p50: float
    p90: float


@dataclass(frozen=True)
class QueryFigures:
    """Many queries of one kind.

    Attributes:
        planted: Whether they show an image of the catalogue.
        queries: How many.
        found: Share whose first candidate is that image's landmark; of queries that show none, 0.
        identified: Share that were answered with a name.
        milliseconds: Of each stage; ``faiss``: FAISS's own search for the same descriptors, by turns with it.
        ratio: Median over the queries of the search by FAISS's own.
    """

    planted: bool
    queries: int
    found: float
    identified: float
    milliseconds: Mapping[str, Percentiles]
    ratio: float


def landmark_of(image: int) -> str:
    """Id of the landmark of a synthetic image; each has its own."""
    return f"synthetic-{image}"


def within_process(release: ModelRelease, index: FaissIndex, photos: SyntheticPhotos) -> Callable[[FeatureSet], Asked]:
    """Asks the server's recogniser, without network or database: features of the gallery come from memory.

    Args:
        release: Of index and photos.
        index: Of the catalogue.
        photos: The catalogue's.
    """
    gallery: dict[int, GalleryImage] = {}

    def images(keys: Sequence[int]) -> Mapping[int, GalleryImage]:
        for key in keys:
            if key not in gallery:
                number = int(key) - key_of(0)
                gallery[key] = GalleryImage(landmark_of(number), photos.photo(number))
        return {key: gallery[key] for key in keys}

    recogniser = Recogniser(release, index, images)

    def ask(features: FeatureSet) -> Asked:
        began = time.perf_counter()
        answer = recogniser.identify(features)
        total = time.perf_counter() - began
        first = answer.candidates[0].landmark_id if answer.candidates else ""
        seconds = {"search": answer.search_seconds, "verify": answer.verify_seconds, "total": total}
        return Asked(first, answer.identified, {stage: 1e3 * value for stage, value in seconds.items()})

    return ask


def measure_queries(
    ask: Callable[[FeatureSet], Asked],
    raw: Raw,
    release: ModelRelease,
    photos: SyntheticPhotos,
    count: int,
    advance: Callable[[], None] = lambda: None,
) -> list[QueryFigures]:
    """Asks queries that show an image, and queries that show none.

    All are asked twice, and the second answer counts: the first time brings lists and galleries into memory.

    Args:
        ask: What answers.
        raw: FAISS's own search over the same index.
        release: Its neighbours and probes are FAISS's too.
        photos: The catalogue's.
        count: Queries of each kind.
        advance: Told of each answer.
    """
    figures = []
    for planted in (True, False):
        queries = [photos.query(number, planted=planted) for number in range(count)]
        for query in queries:
            ask(query.features)
            advance()
        answers, alone = [], []
        for number, query in enumerate(queries):
            # By turns, and each first every other time: what one has read, the other finds in the caches.
            for ours in (True, False) if number % 2 else (False, True):
                if ours:
                    answers.append(ask(query.features))
                else:
                    rows = query.features.unit_descriptors()
                    began = time.perf_counter()
                    raw(rows, release.index.neighbours, release.index.probes)
                    alone.append(1e3 * (time.perf_counter() - began))
            advance()
        stages = {stage: [answer.milliseconds[stage] for answer in answers] for stage in answers[0].milliseconds}
        right = [
            query.image is not None and answer.landmark == landmark_of(query.image)
            for query, answer in zip(queries, answers, strict=True)
        ]
        figures.append(
            QueryFigures(
                planted=planted,
                queries=count,
                found=float(np.mean(right)),
                identified=float(np.mean([answer.identified for answer in answers])),
                milliseconds={stage: _percentiles(times) for stage, times in {**stages, "faiss": alone}.items()},
                ratio=float(np.median(np.array(stages["search"]) / np.array(alone))),
            )
        )
    return figures


def _percentiles(values: Sequence[float]) -> Percentiles:
    p50, p90 = np.percentile(values, (50, 90))
    return Percentiles(round(float(p50), 3), round(float(p90), 3))
