"""What comes after the search: other orders of what was found, and scores that say more."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from steeple.lab.after.expansion import QueryExpansion
from steeple.lab.after.spatial import SpatialVerification
from steeple.lab.protocols import Kind, Reranking

RERANKINGS: Final[Mapping[str, Kind[Reranking]]] = MappingProxyType(
    {
        "spatial": Kind(
            "spatial verification",
            "Philbin et al., CVPR 2007, section 4; DELF: Noh et al., ICCV 2017, section 4.4",
            "Mutual nearest neighbours among the descriptors; PROSAC for an affine model, refined by least squares; "
            "one inlier a spot of either photo; sizes of matched features must agree with the model. The radius is "
            "that of Steeple's releases, for all methods; nothing is tuned.",
            SpatialVerification,
        ),
        "average-qe": Kind(
            "average query expansion",
            "Chum et al., ICCV 2007, section 4 (average query expansion), on global descriptors",
            "The mean of the query and its first 10 neighbours, L2-normalised, searched over the whole gallery. The "
            "paper takes verified ones alone: put spatial verification before it and set least_score.",
            QueryExpansion,
        ),
        "alpha-qe": Kind(
            "alpha query expansion",
            "Radenovic et al., TPAMI 2019, section 4.2",
            "The mean of the query and its first 10 neighbours, weighted by similarity to the power of 3 (the paper's "
            "choice for its networks with GeM pooling).",
            partial(QueryExpansion, alpha=3.0),
        ),
    }
)
"""Stages after the search, by the name that an experiment gives them."""
