"""Searches by local features that an experiment can name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from inspect import signature
from types import MappingProxyType
from typing import Final

from steeple.errors import InvalidArgumentError
from steeple.lab.indexes.arguments import real, whole
from steeple.lab.indexes.asmk import Asmk
from steeple.lab.indexes.bag_of_words import BagOfWords
from steeple.lab.indexes.cells import GraphCells, TreeCells
from steeple.lab.indexes.flat import Flat
from steeple.lab.indexes.global_searches import GLOBAL_SEARCHES
from steeple.lab.indexes.hamming import BinaryCells, MultiProbe
from steeple.lab.indexes.hyperplanes import Hyperplanes
from steeple.lab.indexes.product_quantizer import ProductQuantized
from steeple.lab.indexes.spheres import SphericalHashing
from steeple.lab.indexes.vlad import Vlad
from steeple.lab.indexes.voting import Voting
from steeple.lab.protocols import Kind, LocalSearch


def _exact(neighbours: int = 20) -> LocalSearch:
    return Voting(Flat(), neighbours)


def _pq(neighbours: int = 20, lists: int = 1024, probes: int = 32, bytes: int = 0) -> LocalSearch:
    return Voting(ProductQuantized(lists, probes, bytes), neighbours)


def _opq(neighbours: int = 20, lists: int = 1024, probes: int = 32, bytes: int = 0) -> LocalSearch:
    return Voting(ProductQuantized(lists, probes, bytes, turned=True), neighbours)


def _kd_cells(
    neighbours: int = 20,
    lists: int = 1024,
    probes: int = 32,
    bytes: int = 0,
    slack: float = 1.0,
) -> LocalSearch:
    cells = partial(TreeCells, slack=real("slack", slack, 0.0, 100.0))
    return Voting(ProductQuantized(lists, probes, bytes, cells=cells), neighbours)


def _hnsw_cells(
    neighbours: int = 20,
    lists: int = 1024,
    probes: int = 32,
    bytes: int = 0,
    links: int = 32,
) -> LocalSearch:
    cells = partial(GraphCells, links=whole("links", links, 2, 256))
    return Voting(ProductQuantized(lists, probes, bytes, cells=cells), neighbours)


def _binary_cells(neighbours: int = 20, lists: int = 512, probes: int = 32) -> LocalSearch:
    return Voting(BinaryCells(lists, probes), neighbours)


def _multi_probe_lsh(
    neighbours: int = 20, tables: int = 8, key_bits: int = 16, flips: int = 1, seed: int = 0
) -> LocalSearch:
    return Voting(MultiProbe(tables, key_bits, flips, seed), neighbours)


def _lsh(
    neighbours: int = 20,
    bits: int = 128,
    tables: int = 8,
    key_bits: int = 16,
    flips: int = 1,
    centred: bool = False,
    seed: int = 0,
) -> LocalSearch:
    return Voting(Hyperplanes(bits, tables, key_bits, flips, centred=centred, seed=seed), neighbours)


def _spherical_hashing(
    neighbours: int = 20, bits: int = 128, tables: int = 8, key_bits: int = 16, flips: int = 1, seed: int = 0
) -> LocalSearch:
    return Voting(SphericalHashing(bits, tables, key_bits, flips, seed=seed), neighbours)


def _bow(words: int = 8192, assignments: int = 1, sigma: float = 0.15, seed: int = 0) -> LocalSearch:
    return BagOfWords(words, assignments, sigma, seed)


def _vlad(
    words: int = 64,
    dimensions: int = 128,
    search: str = "exact",
    parameters: Mapping[str, object] | None = None,
    seed: int = 0,
) -> LocalSearch:
    kind = GLOBAL_SEARCHES.get(search)
    if kind is None:
        raise InvalidArgumentError(f"search is {search!r}; {', '.join(GLOBAL_SEARCHES)} can be named")
    given, known = dict(parameters or {}), list(signature(kind.make).parameters)
    if unknown := sorted(set(given) - set(known)):
        has = f"it has {', '.join(known)}" if known else "it has none"
        raise InvalidArgumentError(f"search {search!r} has no parameter {', '.join(unknown)}; {has}")
    return Vlad(words, dimensions, kind.make(**given), seed)


def _asmk(words: int = 4096, alpha: float = 3.0, tau: float = 0.0, assignments: int = 5, seed: int = 0) -> LocalSearch:
    return Asmk(words, alpha, tau, assignments, seed)


LOCAL_SEARCHES: Final[Mapping[str, Kind[LocalSearch]]] = MappingProxyType(
    {
        "exact": Kind(
            title="exact k-NN, votes",
            paper="Noh et al., ICCV 2017, section 4.4: neighbours of each descriptor, gathered per image",
            choices="Every descriptor is compared with (L2, or Hamming for bits) and 20 neighbours vote, once for each "
            "of their photos. The score is the number of votes; the mean distance orders equal ones.",
            make=_exact,
        ),
        "pq": Kind(
            title="IVF-PQ, votes",
            paper="Jégou et al., TPAMI 2011",
            choices="Residuals in as many bytes as divide the dimensions, at most 32; 32 of 1024 cells are looked "
            "into. Cells come from k-means in two levels.",
            make=_pq,
        ),
        "opq": Kind(
            title="OPQ, IVF-PQ, votes",
            paper="Ge et al., CVPR 2013; Jégou et al., TPAMI 2011",
            choices="Like pq, after a rotation that is learned on 8,192 training descriptors; not parametric.",
            make=_opq,
        ),
        "kd-cells": Kind(
            title="KD-tree, IVF-PQ, votes",
            paper="Noh et al., ICCV 2017, section 4.4; Bentley, CACM 1975",
            choices="Like pq; a KD-tree over the centroids finds the cells, up to twice as far as the nearest. The "
            "paper has KD-trees within cells of more than 30,000 features, which small galleries do not have, and "
            "locally optimized codes of 50 bits.",
            make=_kd_cells,
        ),
        "hnsw-cells": Kind(
            title="HNSW, IVF-PQ, votes",
            paper="Malkov and Yashunin, TPAMI 2018; Jégou et al., TPAMI 2011",
            choices="Like pq; a graph of the centroids finds the cells.",
            make=_hnsw_cells,
        ),
        "binary-cells": Kind(
            title="IVF of bits, votes",
            paper="",
            choices="For bits alone: 32 of 512 cells are looked into, whose centroids are rounded means of bits.",
            make=_binary_cells,
        ),
        "multi-probe-lsh": Kind(
            title="multi-probe LSH, votes",
            paper="Lv et al., VLDB 2007; Indyk and Motwani, STOC 1998",
            choices="For bits alone: 8 tables with keys of 16 bits, chosen at random and each once; buckets that "
            "differ in one bit are looked into as well, all of them.",
            make=_multi_probe_lsh,
        ),
        "lsh": Kind(
            title="LSH codes, votes",
            paper="Charikar, STOC 2002; Norouzi et al., CVPR 2012 (multi-index hashing)",
            choices="128 hyperplanes through the origin; eight tables with 16 bits of the code each, up to one of "
            "which may differ. With tables 0 every code is compared with.",
            make=_lsh,
        ),
        "spherical-hashing": Kind(
            title="spherical hashing, votes",
            paper="Heo et al., CVPR 2012; Norouzi et al., CVPR 2012 (multi-index hashing)",
            choices="128 spheres, learned on 20,000 training descriptors; tables as for lsh. The 100 nearest by "
            "Hamming distance are ordered by the spherical one.",
            make=_spherical_hashing,
        ),
        "bow": Kind(
            title="bag of visual words",
            paper="Sivic and Zisserman, ICCV 2003; soft assignment: Philbin et al., CVPR 2008",
            choices="8192 words, learned on at most 300,000 training descriptors; idf of the gallery; no stop list. "
            "The score is the cosine. With assignments above 1, weights fall with the distance over sigma.",
            make=_bow,
        ),
        "vlad": Kind(
            title="VLAD",
            paper="Jégou et al., CVPR 2010; Arandjelović and Zisserman, CVPR 2013 (intra-normalisation)",
            choices="64 words; signed square roots, then intra-normalisation; whitened to 128 dimensions by the "
            "training photos; searched as search says, whose score it is (the cosine).",
            make=_vlad,
        ),
        "asmk": Kind(
            title="ASMK*",
            paper="Tolias et al., IJCV 2016",
            choices="4096 words where the paper has 65,536, for galleries of hundreds of photos; alpha 3, tau 0; five "
            "words for each descriptor of a query, as in the paper; no idf. The score is the kernel, 1 for the photo "
            "itself with one word a descriptor.",
            make=_asmk,
        ),
    }
)
"""By name. What is for numbers refuses bits, and the other way round; exact takes both."""
