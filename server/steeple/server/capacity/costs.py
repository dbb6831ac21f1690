"""What a query costs, by a model that is fitted to what was measured."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import FailedPreconditionError
from steeple.server.capacity.measured import IndexPoint, Measured

_LEAST_POINTS: Final = 3
_GRAPH_CANDIDATES: Final = 32  # at least; see Codebook.graph_parameters
_SAME: Final = 1e-10  # of errors: of models that fit alike, the one with fewer terms
_LEAST_OVERHEAD: Final = 8.0  # bytes a descriptor besides its code: its number


@dataclass(frozen=True)
class Search:
    """One query's search, as the model sees it.

    Attributes:
        descriptors: Of the query.
        lists: Inverted lists of the index, or of one of its segments.
        graph: Whether lists are found along a graph.
        code_size: Bytes.
        probes: Lists visited for each descriptor, in each segment.
        codes: That each descriptor is compared with, in each segment.
        parts: Segments that are searched.
        at_once: Queries of one call.
    """

    descriptors: float
    lists: int
    graph: bool
    code_size: int
    probes: int
    codes: float
    parts: int = 1
    at_once: int = 1

    @staticmethod
    def of(point: IndexPoint) -> Search:
        """What was measured at a point."""
        return Search(
            descriptors=point.query_descriptors,
            lists=point.lists,
            graph=point.graph,
            code_size=point.code_size,
            probes=point.probes,
            codes=point.codes,
            parts=point.parts,
            at_once=point.at_once,
        )

    @property
    def visits(self) -> float:
        """Times that a descriptor comes to a segment."""
        return self.descriptors * self.parts

    @property
    def hops(self) -> float:
        """Steps in the graph of centroids, about: it is as deep as log2 of them, and as wide as it is searched."""
        if not self.graph:
            return 0.0
        return math.log2(max(2, self.lists)) * max(_GRAPH_CANDIDATES, 2 * self.probes)


TERMS: Final[Mapping[str, Callable[[Search], float]]] = {
    "query": lambda search: 1 / search.at_once,
    "part": lambda search: search.parts,
    "descriptor": lambda search: search.descriptors,
    "centroid": lambda search: 0.0 if search.graph else search.visits * search.lists,
    "visit": lambda search: search.visits,
    "hop": lambda search: search.visits * search.hops,
    "list": lambda search: search.visits * min(search.probes, search.lists),
    "code": lambda search: search.visits * search.codes,
    "byte": lambda search: search.visits * search.codes * search.code_size,
}
"""What the time of a search is made of: the call, a segment, a descriptor, a centroid that it is compared with (or a
step in the graph), its coming to a segment, a list whose tables are computed, a code, and a byte of a code."""

_SCANNING: Final = ("code", "byte")

EMBEDDED_TERMS: Final = ("query", "centroid", "hop", "list", "code", "byte")
"""Of an index without segments: what a descriptor costs is in finding its lists, whose number hardly varies."""


@dataclass(frozen=True)
class Fit:
    """Seconds of each of :data:`TERMS`, and how far the model is from what was measured.

    Attributes:
        seconds: By term; those that are left out are 0.
        worst: Largest error at a measured point, as a share of it.
    """

    seconds: Mapping[str, float]
    worst: float

    def __call__(self, search: Search) -> float:
        """Seconds of a search."""
        return sum(seconds * TERMS[term](search) for term, seconds in self.seconds.items())


def fit(
    searches: Sequence[Search],
    seconds: Sequence[float],
    terms: Sequence[str] = tuple(TERMS),
    given: Mapping[str, float] | None = None,
) -> Fit:
    """Least squares of relative errors, with no term below 0.

    With so few terms all choices of them are tried, and the best that needs no negative one is exact.

    Args:
        searches: Measured ones.
        seconds: That each took.
        terms: Of :data:`TERMS`, those that may count.
        given: Seconds of other terms, that are known.
    """
    known = Fit(given or {}, 0.0)
    left = np.array([1 - known(search) / each for search, each in zip(searches, seconds, strict=True)])
    columns = np.array([[TERMS[term](search) for term in terms] for search in searches], np.float64)
    columns /= np.asarray(seconds)[:, None]
    scale = np.where(columns.any(axis=0), np.abs(columns).max(axis=0), 1.0)
    best, least = np.zeros(len(terms)), math.inf
    for count in range(1, len(terms) + 1):
        for chosen in itertools.combinations(range(len(terms)), count):
            found = _least_squares(columns / scale, chosen, left)
            if found is None:
                continue
            error = float((((columns / scale) @ found - left) ** 2).sum())
            if error < least - _SAME:
                best, least = found, error
    errors = np.abs((columns / scale) @ best - left)
    kept = {term: float(value) for term, value in zip(terms, best / scale, strict=True) if value > 0}
    return Fit({**kept, **known.seconds}, float(errors.max()))


def _least_squares(
    columns: NDArray[np.float64], chosen: Sequence[int], wanted: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Coefficients of all columns, 0 for those that are not chosen; None if one would be negative."""
    part = columns[:, list(chosen)]
    found, _, rank, _ = np.linalg.lstsq(part, wanted, rcond=1e-9)
    if rank < len(chosen) or (found < 0).any():
        return None
    whole = np.zeros(columns.shape[1])
    whole[list(chosen)] = found
    return whole


class Costs:
    """Costs of everything that a query needs, in seconds and bytes.

    Args:
        measured: What they are fitted to.

    Raises:
        FailedPreconditionError: If something that every plan needs was not measured.
    """

    def __init__(self, measured: Measured) -> None:
        self.measured = measured
        self._fits: dict[tuple[str, str], Fit] = {}
        for what, there in (
            ("queries of any size", measured.query_bytes()),
            ("verification", len(measured.verification()) > 1),
            ("a database", measured.catalogue("sqlite") or measured.catalogue("postgresql")),
        ):
            if not there:
                raise FailedPreconditionError(
                    f"the measured figures say nothing of {what}; steeple benchmark engines --json measures it"
                )

    def knows(self, engine: str) -> bool:
        """Whether searches of an engine were measured."""
        return len(self.measured.index(engine)) >= _LEAST_POINTS

    def processor(self, engine: str) -> Fit:
        """Seconds of processors of a search: measured as such or, where nobody could tell, as they passed.

        Raises:
            FailedPreconditionError: If the engine was not measured.
        """
        return self._fit(engine, "processor", lambda point: point.wall_ms if point.cpu_ms is None else point.cpu_ms)

    def device(self, engine: str) -> Fit:
        """Seconds of a GPU of a search.

        Raises:
            FailedPreconditionError: If the engine was not measured.
        """
        return self._fit(engine, "device", lambda point: point.device_ms or point.wall_ms)

    def _fit(self, engine: str, kind: str, value: Callable[[IndexPoint], float]) -> Fit:
        points = self.measured.index(engine)
        if not self.knows(engine):
            option = {"gpu": "on a machine with a GPU", "milvus": "with --milvus-uri"}.get(engine, "")
            raise FailedPreconditionError(
                f"engine {engine} was not measured: run steeple benchmark engines --json {option}".rstrip()
                + ", and give its output to steeple plan --measured"
            )
        if (engine, kind) not in self._fits:
            seconds = [1e-3 * value(point) for point in points]
            searches = [Search.of(point) for point in points]
            if engine == "milvus" and self.knows("faiss"):
                # Milvus scans lists with FAISS. Those of small segments are all as short, so that they do not tell.
                given = {term: self.processor("faiss").seconds.get(term, 0.0) for term in _SCANNING}
                terms = [term for term in TERMS if term not in _SCANNING]
                self._fits[engine, kind] = fit(searches, seconds, terms, given)
            else:
                terms = list(TERMS if engine == "milvus" else EMBEDDED_TERMS)
                self._fits[engine, kind] = fit(searches, seconds, terms)
        return self._fits[engine, kind]

    def client(self, engine: str, descriptors: float) -> float:
        """Seconds of a processor of the process that asks an engine, for a query of so many descriptors."""
        points = self.measured.index(engine)
        return 1e-3 * descriptors * max((point.client_ms / point.query_descriptors for point in points), default=0.0)

    def skew(self, engine: str) -> float:
        """Codes that a descriptor is compared with, by those of lists that are all of one size; at least 1."""
        points = [point for point in self.measured.index(engine) if point.probes < point.lists]
        even = [point.probes * point.descriptors / point.parts / point.lists for point in points]
        shares = [point.codes / share for point, share in zip(points, even, strict=True) if share]
        return max(1.0, float(np.mean(shares)) if shares else 1.0)

    def bytes_per_descriptor(self, engine: str, code_size: int) -> float:
        """Resident: the code, and what the largest index that was measured takes besides."""
        sizes = sorted(self.measured.sizes(engine), key=lambda size: size.descriptors)
        others = [size.resident_bytes / size.descriptors - size.code_size for size in sizes[-2:]]
        return code_size + max(_LEAST_OVERHEAD, min(others, default=_LEAST_OVERHEAD))

    def descriptors_of(self, query_bytes: float) -> float:
        """Descriptors in a query of a size: between what was measured, on a straight line."""
        known = self.measured.query_bytes()
        sizes, counts = [0.0], [0.0]
        for each in known:
            sizes.append(each.message_bytes)
            counts.append(each.descriptors)
        return float(np.interp(query_bytes, sizes, counts))

    def decode(self, query_bytes: float) -> float:
        """Seconds of a processor to read a query of a size: as the next larger one that was measured."""
        known = self.measured.query_bytes()
        larger = next((each for each in known if each.message_bytes >= query_bytes), known[-1])
        return 1e-3 * larger.decode_ms

    def call(self) -> float:
        """Seconds of a processor of a call that does nothing."""
        return 1e-3 * self.measured.call_cpu_ms

    def verify(self, descriptors: float) -> float:
        """Seconds of a processor of all that follows the search: on a straight line through what was measured."""
        points = self.measured.verification()
        sizes, times = [point.query_descriptors for point in points], [point.cpu_ms for point in points]
        slope, constant = np.polyfit(sizes, times, 1)
        return 1e-3 * max(float(slope * descriptors + constant), min(times))
