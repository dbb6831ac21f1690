"""Searches by one vector a photo that an experiment can name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from steeple.lab.indexes.arguments import real, whole
from steeple.lab.indexes.cells import GraphCells, TreeCells
from steeple.lab.indexes.flat import InnerProducts
from steeple.lab.indexes.hyperplanes import Hyperplanes
from steeple.lab.indexes.product_quantizer import ProductQuantized
from steeple.lab.indexes.spheres import SphericalHashing
from steeple.lab.indexes.vector_search import VectorSearch
from steeple.lab.protocols import GlobalSearch, Kind


def _exact() -> GlobalSearch:
    return VectorSearch(InnerProducts())


def _pq(lists: int = 16, probes: int = 8, bytes: int = 0) -> GlobalSearch:
    return VectorSearch(ProductQuantized(lists, probes, bytes))


def _opq(lists: int = 16, probes: int = 8, bytes: int = 0) -> GlobalSearch:
    return VectorSearch(ProductQuantized(lists, probes, bytes, turned=True))


def _kd_cells(lists: int = 16, probes: int = 8, bytes: int = 0, slack: float = 1.0) -> GlobalSearch:
    cells = partial(TreeCells, slack=real("slack", slack, 0.0, 100.0))
    return VectorSearch(ProductQuantized(lists, probes, bytes, cells=cells))


def _hnsw_cells(lists: int = 16, probes: int = 8, bytes: int = 0, links: int = 32) -> GlobalSearch:
    cells = partial(GraphCells, links=whole("links", links, 2, 256))
    return VectorSearch(ProductQuantized(lists, probes, bytes, cells=cells))


def _lsh(
    bits: int = 256, tables: int = 0, key_bits: int = 16, flips: int = 1, centred: bool = False, seed: int = 0
) -> GlobalSearch:
    return VectorSearch(Hyperplanes(bits, tables, key_bits, flips, centred=centred, seed=seed))


def _spherical_hashing(
    bits: int = 256, tables: int = 0, key_bits: int = 16, flips: int = 1, seed: int = 0
) -> GlobalSearch:
    return VectorSearch(SphericalHashing(bits, tables, key_bits, flips, seed=seed))


GLOBAL_SEARCHES: Final[Mapping[str, Kind[GlobalSearch]]] = MappingProxyType(
    {
        "exact": Kind(
            title="exact",
            paper="",
            choices="Every vector is compared with. The score is the cosine.",
            make=_exact,
        ),
        "pq": Kind(
            title="IVF-PQ",
            paper="Jégou et al., TPAMI 2011",
            choices="Residuals in as many bytes as divide the dimensions, at most 32; 8 of 16 cells are looked into. "
            "The score is the cosine, as far as codes tell.",
            make=_pq,
        ),
        "opq": Kind(
            title="OPQ, IVF-PQ",
            paper="Ge et al., CVPR 2013; Jégou et al., TPAMI 2011",
            choices="Like pq, after a rotation that is learned; not parametric.",
            make=_opq,
        ),
        "kd-cells": Kind(
            title="KD-tree, IVF-PQ",
            paper="Bentley, CACM 1975; Jégou et al., TPAMI 2011",
            choices="Like pq; a KD-tree over the centroids finds the cells, up to twice as far as the nearest.",
            make=_kd_cells,
        ),
        "hnsw-cells": Kind(
            title="HNSW, IVF-PQ",
            paper="Malkov and Yashunin, TPAMI 2018; Jégou et al., TPAMI 2011",
            choices="Like pq; a graph of the centroids finds the cells.",
            make=_hnsw_cells,
        ),
        "lsh": Kind(
            title="LSH codes",
            paper="Charikar, STOC 2002",
            choices="256 hyperplanes through the origin. The score is the cosine that their share tells of. Every code "
            "is compared with unless there are tables: in a small gallery most buckets are empty.",
            make=_lsh,
        ),
        "spherical-hashing": Kind(
            title="spherical hashing",
            paper="Heo et al., CVPR 2012",
            choices="256 spheres. The score is the share of shared spheres among those that hold either, which orders "
            "as the spherical Hamming distance does. Every code is compared with unless there are tables.",
            make=_spherical_hashing,
        ),
    }
)
"""By name."""
