"""Asks every query of a data set of one system, from the photo's file to the last stage after the search."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.progress import Progress
from steeple.errors import InvalidArgumentError
from steeple.lab.cache import FeatureCache
from steeple.lab.extraction import Extraction, local_extraction
from steeple.lab.features import LocalFeatures
from steeple.lab.parts import Parts, make_part
from steeple.lab.photo_set import KEEP_BYTES, ShownDataset
from steeple.lab.protocols import Evidence, GlobalSearch, LocalSearch, Projection, Reranking
from steeple.lab.rankings import Ranking
from steeple.lab.systems import System
from steeple.lab.vectors import Vectors, make_vectors

RANKED: Final = 10_000
"""Photos of the gallery that a ranking has at most."""

_RECIPROCAL: Final = 60.0  # Cormack et al., SIGIR 2009
_GEOMETRY_BYTES: Final = 8  # x, y, scale and angle of a feature as float16
_EXACT: Final = "exact"


@dataclass(frozen=True, eq=False)
class Answered:
    """What a system answers to the queries of a data set, and what that takes.

    Attributes:
        rankings: Of the gallery, one for each query.
        confidence: float64[Q]; probability that the first one is right, if the system gives it itself.
        identified: bool[Q]; whether the system stands by the first one, if it says so itself.
        extract_seconds: float64[Q]; from the photo's file to its features, two photos at a time.
        search_seconds: float64[Q].
        rerank_seconds: float64[Q]; of all stages after the search.
        query_bytes: int64[Q]; what a client would send: vectors and descriptors as float16, bits as bits, and 8 bytes
            of geometry a feature where a stage needs it.
        index_bytes: What the index keeps for each photo.
        stage_bytes: What stages after the search need besides: of vectors and local features what they read, in the
            same form; without descriptors where the index has them as they are.
        features: Local features of a photo of the gallery, their mean; 0 without.
        prepare_seconds: Spent on fitting, and on adding the gallery.
        of_landmarks: Whether rankings are of landmarks, with one photo each, so that they say nothing about how many
            of the right photos are found.
    """

    rankings: Sequence[Ranking]
    confidence: NDArray[np.float64] | None
    identified: NDArray[np.bool_] | None
    extract_seconds: NDArray[np.float64]
    search_seconds: NDArray[np.float64]
    rerank_seconds: NDArray[np.float64]
    query_bytes: NDArray[np.int64]
    index_bytes: float
    stage_bytes: float
    features: float
    prepare_seconds: float
    of_landmarks: bool = False


def check_parts(system: System, parts: Parts) -> None:
    """Makes the parts that are quickly made, to see whether their parameters make sense.

    Raises:
        InvalidArgumentError: If one does not; the text names the system.
    """
    where = system.name
    if system.branch is not None:
        make_part(system.branch.pooling, parts.poolings, where)
    if system.local_search is not None:
        make_part(system.local_search, parts.local_searches, where)
    if system.projection is not None:
        make_part(system.projection, parts.projections, where)
    if system.global_search is not None:
        make_part(system.global_search, parts.global_searches, where)
    for use in system.rerankings:
        make_part(use, parts.rerankings, where)


def answer(system: System, shown: ShownDataset, parts: Parts, cache: FeatureCache, progress: Progress) -> Answered:
    """The answers of a system made of parts.

    Args:
        system: Not the product.
        shown: The data set.
        parts: What the system is made of.
        cache: Where features are kept.
        progress: Told how far it is.

    Raises:
        InvalidArgumentError: If parameters make no sense, or there are too few training photos to fit on.
        ImageError: If a photo cannot be read; the text names it.
        UnavailableError: If the cache cannot be written to.
    """
    return _Answering(system, shown, parts, cache, progress).all(progress)


class _Answering:
    def __init__(
        self, system: System, shown: ShownDataset, parts: Parts, cache: FeatureCache, progress: Progress
    ) -> None:
        self._system, self._shown, self._where = system, shown, system.name
        self._limit = min(len(shown.gallery), RANKED)
        self._local: Extraction[LocalFeatures] | None = None
        self._gallery: Sequence[LocalFeatures] = ()
        self._vectors: Vectors | None = None
        self._projection: Projection | None = None
        self._local_search: LocalSearch | None = None
        self._global_search: GlobalSearch | None = None
        if system.local is not None:
            self._local = local_extraction(system.local, parts.extractors, cache, self._where)
            fitted = () if system.local_search is None else shown.training
            self._local.ensure([*fitted, *shown.gallery, *shown.queries], progress)
            self._gallery = self._local.sequence(shown.gallery, KEEP_BYTES)
        if system.branch is not None:
            self._vectors = make_vectors(system.branch, shown, parts, cache, progress, self._where)
        progress(f"{self._where}: index", 0, 1)
        start = time.perf_counter()
        if system.local_search is not None and self._local is not None:
            training: Sequence[LocalFeatures] = self._local.sequence(shown.training, KEEP_BYTES)
            if system.projection is not None:
                self._projection = make_part(system.projection, parts.projections, self._where)
                self._projection.fit(training)
                training = [self._projection.apply(each) for each in training]
                self._gallery = [self._projection.apply(each) for each in self._gallery]
            self._local_search = make_part(system.local_search, parts.local_searches, self._where)
            self._local_search.fit(training)
            self._local_search.add(self._gallery)
        if system.global_search is not None and self._vectors is not None:
            self._global_search = make_part(system.global_search, parts.global_searches, self._where)
            self._global_search.fit(self._vectors.training)
            self._global_search.add(self._vectors.gallery)
        self._stages = [make_part(use, parts.rerankings, self._where) for use in system.rerankings]
        self._read = self._prepare(self._stages)
        self._prepare_seconds = time.perf_counter() - start
        progress(f"{self._where}: index", 1, 1)

    def all(self, progress: Progress) -> Answered:
        """The answers."""
        count = len(self._shown.queries)
        rankings: list[Ranking] = []
        times = np.zeros((3, count), np.float64)
        sizes, features = np.zeros((2, count), np.int64)
        for place in range(count):
            progress(f"{self._where}: answers", place, count)
            evidence, times[0, place] = self._evidence(place)
            start = time.perf_counter()
            ranking = self._search(evidence)
            middle = time.perf_counter()
            for stage in self._stages:
                ranking = stage.rerank(evidence, ranking)
            times[1:, place] = middle - start, time.perf_counter() - middle
            sizes[place], features[place] = _bytes(evidence), 0 if evidence.local is None else len(evidence.local)
            rankings.append(ranking)
        progress(f"{self._where}: answers", count, count)
        searches = (self._local_search, self._global_search)
        return Answered(
            rankings,
            confidence=None,
            identified=None,
            extract_seconds=times[0],
            search_seconds=times[1],
            rerank_seconds=times[2],
            query_bytes=sizes + (_GEOMETRY_BYTES * features if "local" in self._read else 0),
            index_bytes=sum(each.bytes_an_image for each in searches if each is not None),
            stage_bytes=self._stage_bytes(),
            features=float(np.mean([len(local) for local in self._gallery])) if len(self._gallery) else 0.0,
            prepare_seconds=self._prepare_seconds,
        )

    def _prepare(self, stages: Sequence[Reranking]) -> set[str]:
        """Prepares the stages; what they read of the photos of the gallery."""
        read: set[str] = set()
        if not stages:
            return read
        gallery = [
            _Witnessed(
                None if self._vectors is None else self._vectors.gallery[place],
                read=read,
                load=None if self._local is None else partial(self._gallery.__getitem__, place),
            )
            for place in range(len(self._shown.gallery))
        ]
        for stage in stages:
            stage.prepare(gallery, self._shown.dataset.landmarks)
        return read

    def _evidence(self, place: int) -> tuple[Evidence, float]:
        seconds, local, vector = 0.0, None, None
        if self._local is not None:
            local, spent = self._local.load(self._shown.queries[place])
            seconds += spent
            if self._projection is not None:
                start = time.perf_counter()
                local = self._projection.apply(local)
                seconds += time.perf_counter() - start
        if self._vectors is not None:
            vector = self._vectors.queries[place]
            seconds += float(self._vectors.seconds[place])
        return Evidence(vector, local), seconds

    def _search(self, query: Evidence) -> Ranking:
        found = []
        if self._local_search is not None and query.local is not None:
            found.append(self._local_search.search(query.local, self._limit))
        if self._global_search is not None and query.vector is not None:
            found.append(self._global_search.search(query.vector, self._limit))
        if not found:
            raise InvalidArgumentError(f"{self._where} has nothing to search with")
        return found[0] if len(found) == 1 else union(found, len(self._shown.gallery))

    def _stage_bytes(self) -> float:
        total = 0.0
        if "local" in self._read:
            kept = self._system.local_search is not None and self._system.local_search.kind == _EXACT
            total += float(
                np.mean(
                    [len(each) * (_GEOMETRY_BYTES + (0 if kept else _descriptor_bytes(each))) for each in self._gallery]
                )
            )
        if "vector" in self._read and self._vectors is not None:
            kept = self._system.global_search is not None and self._system.global_search.kind == _EXACT
            total += 0 if kept else 2 * self._vectors.gallery.shape[1]
        return total


@dataclass(frozen=True, eq=False)
class _Witnessed(Evidence):
    """Evidence that says what was read of it: what a stage reads of the gallery, a server must keep for it.

    Local features are read when they are asked for: there may be more than memory has room for.
    """

    read: set[str] = field(default_factory=set)
    load: Callable[[], LocalFeatures] | None = None

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - of any attribute
        value = super().__getattribute__(name)
        if name == "local" and self.load is not None:
            value = self.load()
        if name in ("vector", "local") and value is not None:
            self.read.add(name)
        return value


def union(rankings: Sequence[Ranking], gallery: int) -> Ranking:
    """Of several rankings of one gallery, by reciprocal ranks.

    Args:
        rankings: Of the same query.
        gallery: Number of photos in it.
    """
    scores = np.zeros(gallery, np.float32)
    for ranking in rankings:
        scores[ranking.keys] += (1 / (_RECIPROCAL + 1 + np.arange(len(ranking)))).astype(np.float32)
    return Ranking.of(scores, int(np.count_nonzero(scores)))


def _descriptor_bytes(local: LocalFeatures) -> int:
    return int(local.descriptors.shape[1]) * (1 if local.binary else 2)


def _bytes(evidence: Evidence) -> int:
    """Of a vector and of descriptors."""
    total = 0 if evidence.vector is None else 2 * evidence.vector.size
    return total + (0 if evidence.local is None else len(evidence.local) * _descriptor_bytes(evidence.local))
