"""Kinds of codebooks, by their FAISS factory strings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from steeple.delf.features import DIMENSIONS
from steeple.errors import InvalidArgumentError

EXAMPLE: Final = "OPQ20,IVF4096_HNSW32,PQ20"
"""A factory string as it should be."""

_PATTERN: Final = re.compile(
    r"(?:OPQ(?P<turned>\d+),)?IVF(?P<lists>\d+)(?P<graph>_HNSW(?P<links>\d*))?"
    r",PQ(?P<subs>\d+)(?:x(?P<bits>\d+))?(?P<end>np|fsr?)?",
    re.ASCII,
)
_MOST_LISTS: Final = 1 << 20
_DEFAULT_LINKS: Final = 32  # FAISS's
_MOST_LINKS: Final = 256
_BITS: Final = 8
_GRAPH_FROM: Final = 4096  # lists: below it, comparing with each is as fast as a graph
_CENTROIDS: Final = 1 << _BITS  # of each sub-quantizer
_PER_CENTROID: Final = 39  # FAISS's advice for k-means: so many descriptors at least


@dataclass(frozen=True)
class IndexFactory:
    """The parts of a codebook. ``str()`` gives the factory string.

    Attributes:
        lists: Inverted lists.
        sub_quantizers: Of the product quantizer.
        bits: Of each sub-quantizer's code.
        links: Of a node in the graph (HNSW) along which the nearest lists are found; 0: each list is compared with.
        turned: Whether descriptors are turned first, to lose less to quantization (OPQ).
    """

    lists: int
    sub_quantizers: int
    bits: int = _BITS
    links: int = 0
    turned: bool = False

    def __str__(self) -> str:
        turned = f"OPQ{self.sub_quantizers}," if self.turned else ""
        graph = f"_HNSW{self.links}" if self.links else ""
        bits = "" if self.bits == _BITS else f"x{self.bits}"
        return f"{turned}IVF{self.lists}{graph},PQ{self.sub_quantizers}{bits}"

    @staticmethod
    def automatic(lists: int, sub_quantizers: int) -> IndexFactory:
        """What suits as many lists."""
        return IndexFactory(lists, sub_quantizers, links=_DEFAULT_LINKS if lists >= _GRAPH_FROM else 0)

    @staticmethod
    def parse(text: str) -> IndexFactory:
        """The parts that a FAISS factory string names: ``[OPQm,]IVFn[_HNSWk],PQm[x8][np]``.

        ``np`` (no polysemous training) changes nothing: no codebook here has it.

        Raises:
            InvalidArgumentError: If it is not of this family.
        """
        found = _PATTERN.fullmatch(text)
        if found is None:
            raise _refused(text, "is not of the form [OPQm,]IVFn[_HNSWk],PQm[x8][np]")
        lists, subs = int(found["lists"]), int(found["subs"])
        if found["end"] in ("fs", "fsr"):
            raise _refused(
                text,
                "is a 4-bit fast-scan index, whose blocks of 32 codes FAISS cannot map from a file "
                "(OnDiskInvertedLists); use codes of 8 bits",
            )
        if int(found["bits"] or _BITS) != _BITS:
            raise _refused(text, f"has codes of {found['bits']} bits; sub-quantizers have codes of 8 bits here")
        if not 1 <= lists <= _MOST_LISTS:
            raise _refused(text, f"has {lists} inverted lists; from 1 to {_MOST_LISTS} will do")
        if subs < 1 or DIMENSIONS % subs:
            divisors = ", ".join(str(number) for number in range(1, DIMENSIONS + 1) if DIMENSIONS % number == 0)
            raise _refused(text, f"splits {DIMENSIONS} dimensions into {subs}; {divisors} divide them")
        if found["turned"] is not None and int(found["turned"]) != subs:
            raise _refused(text, f"turns descriptors for OPQ{found['turned']} but has PQ{subs}; the two must be equal")
        links = int(found["links"] or _DEFAULT_LINKS) if found["graph"] else 0
        if found["graph"] and not 2 <= links <= _MOST_LINKS:
            raise _refused(text, f"has a graph of {links} links a node; from 2 to {_MOST_LINKS} will do")
        return IndexFactory(lists, subs, links=links, turned=found["turned"] is not None)

    @property
    def training_descriptors(self) -> int:
        """Descriptors that it takes at least to train it well."""
        return _PER_CENTROID * max(self.lists, _CENTROIDS)


def _refused(text: str, reason: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"index {text[:100]!r} {reason}; an example: {EXAMPLE}")
