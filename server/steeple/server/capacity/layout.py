"""How an index of some size is laid out on each engine: lists, segments, bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from steeple.delf import ModelRelease
from steeple.delf.release import DEFAULT_RELEASE
from steeple.server.capacity.costs import Costs, Search
from steeple.server.index import training
from steeple.server.index.codebook import Codebook
from steeple.server.index.milvus.collections import partitions_for
from steeple.server.index_factory import IndexFactory

EMBEDDED: Final = ("faiss", "gpu")
"""Engines whose index each machine has whole, in its own process."""

ENGINES: Final = (*EMBEDDED, "milvus", "milvus-gpu")

SEGMENT_ROWS: Final = 2_000_000
"""Descriptors of a segment of Milvus that is full: 512 MB of what was sent."""

_MILVUS_LISTS: Final = 4096  # of a segment, at most
_MILVUS_PER_LIST: Final = 39  # descriptors, at least
_MILVUS_ROW: Final = 78  # bytes of a row's fields besides its vector, and of its timestamp, without labels
_LONG_CODES_UNTIL: Final = 1 << 25  # descriptors; on the processor, codes are short beyond
_SHORT_CODE: Final = 10
_ROOM: Final = 1.15  # by what an index grows until it is merged and cleaned


@dataclass(frozen=True)
class Layout:
    """An index.

    Attributes:
        engine: One of :data:`ENGINES`.
        descriptors: In it.
        search: Of one query, in all parts that it searches.
        parts: Segments that all machines of a group share; 1: the index is whole on each machine.
        searched: Of the parts, by one query.
        memory_bytes: Of all parts, resident.
        gpu_bytes: Of all parts, in the memory of GPUs.
        disk_bytes: Of all parts, where machines keep them on disks.
    """

    engine: str
    descriptors: float
    search: Search
    parts: int
    searched: int
    memory_bytes: float
    gpu_bytes: float
    disk_bytes: float

    @property
    def embedded(self) -> bool:
        """Whether each machine has it whole."""
        return self.engine in EMBEDDED

    @property
    def on_gpu(self) -> bool:
        """Whether GPUs compare the codes."""
        return self.engine.endswith("gpu")


@dataclass(frozen=True)
class ReleaseFacts:
    """What of a model release sizes depend on.

    Attributes:
        lists: Of its codebook.
        comfort: Descriptors that these are enough for.
        code_size: Bytes.
        probes: Lists visited.
        max_features: Of an image.
        candidates: Images verified for a query.
    """

    lists: int
    comfort: int
    code_size: int
    probes: int
    max_features: int
    candidates: int

    @staticmethod
    def load(name: str = DEFAULT_RELEASE) -> ReleaseFacts:
        """Of a release, by its name or folder."""
        release = ModelRelease.load(name)
        factory = IndexFactory.parse(release.index.factory)
        return ReleaseFacts(
            factory.lists,
            Codebook.of(release).comfort,
            factory.sub_quantizers,
            release.index.probes,
            release.extraction.max_features,
            release.verification.candidates,
        )


def milvus_lists(descriptors: float, parts: int = 1) -> int:
    """Inverted lists of each of the segments of a collection that is made for so many descriptors.

    Milvus makes fewer than it is told to where a segment has too few descriptors to train them on.
    """
    wanted = min(_MILVUS_LISTS, training.lists_for(int(descriptors)))
    return max(1, min(wanted, int(descriptors / parts / _MILVUS_PER_LIST)))


def lay_out(
    engine: str, descriptors: float, query_descriptors: float, facts: ReleaseFacts, costs: Costs, share: float = 1.0
) -> Layout:
    """The index of a catalogue.

    Args:
        engine: One of :data:`ENGINES`.
        descriptors: Of all images together.
        query_descriptors: Of one query.
        facts: Of the model release.
        costs: Know how unequal lists are and what a descriptor takes.
        share: Of the catalogue, that a query is limited to by its region. Only Milvus can leave the rest alone.
    """
    if engine in EMBEDDED:
        crowded = descriptors > facts.comfort
        lists = training.lists_for(int(descriptors)) if crowded else facts.lists
        short = descriptors >= _LONG_CODES_UNTIL and engine != "gpu"
        code_size, parts, searched = min(facts.code_size, _SHORT_CODE) if short else facts.code_size, 1, 1
    else:
        parts = max(partitions_for(int(descriptors)), math.ceil(descriptors / SEGMENT_ROWS))
        lists, code_size = milvus_lists(descriptors, parts), facts.code_size
        searched = max(1, math.ceil(parts * share))
    on_gpu = engine.endswith("gpu")
    measured = engine.removeprefix("milvus-") if on_gpu else engine
    each, probes = descriptors / parts, min(facts.probes, lists)
    codes = min(each, probes * each / lists * costs.skew(measured))
    graph = engine in EMBEDDED and IndexFactory.automatic(lists, code_size).links > 0
    search = Search(query_descriptors, lists, graph, code_size, probes, codes, searched)
    if engine in EMBEDDED:
        resident = _ROOM * descriptors * costs.bytes_per_descriptor("faiss", code_size)
        gpu_bytes = _ROOM * descriptors * (code_size + 8) if on_gpu else 0.0
        return Layout(engine, descriptors, search, 1, 1, resident, gpu_bytes, 2 * resident)
    index = descriptors * (code_size + 8)
    rows = descriptors * _MILVUS_ROW
    memory = _ROOM * (rows if on_gpu else rows + index)
    return Layout(engine, descriptors, search, parts, searched, memory, _ROOM * index if on_gpu else 0.0, 0.0)
