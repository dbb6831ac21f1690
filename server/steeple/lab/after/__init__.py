"""What comes after the search: other orders of what was found, and scores that say more."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from steeple.lab.after.diffusion import Diffusion
from steeple.lab.after.expansion import QueryExpansion
from steeple.lab.after.fusion import Fusion
from steeple.lab.after.posterior import Posterior
from steeple.lab.after.reciprocal import ReciprocalEncoding
from steeple.lab.after.spatial import SpatialVerification
from steeple.lab.protocols import Kind, Reranking

RERANKINGS: Final[Mapping[str, Kind[Reranking]]] = MappingProxyType(
    {
        "spatial": Kind(
            "spatial verification",
            "Philbin et al., CVPR 2007; DELF: Noh et al., ICCV 2017, section 4.4",
            "Mutual nearest neighbours among the descriptors; PROSAC for an affine model, refined by least squares; "
            "one inlier a spot of either photo; sizes of matched features must agree with the model. The radius is "
            "that of Steeple's releases, for all methods; nothing is tuned.",
            SpatialVerification,
        ),
        "average-qe": Kind(
            "average query expansion",
            "Chum et al., ICCV 2007 (average query expansion), on global descriptors",
            "The mean of the query and its first 10 neighbours, L2-normalised, searched over the whole gallery. The "
            "paper takes verified ones alone: put spatial verification before it and set least_score.",
            QueryExpansion,
        ),
        "alpha-qe": Kind(
            "alpha query expansion",
            "Radenovic et al., TPAMI 2019",
            "The mean of the query and its first 10 neighbours, weighted by similarity to the power of 3 (the paper's "
            "choice for its networks with GeM pooling).",
            partial(QueryExpansion, alpha=3.0),
        ),
        "diffusion": Kind(
            "diffusion",
            "Iscen et al., CVPR 2017",
            "One global descriptor a photo; mutual 50 nearest neighbours, 10 of the query, similarities to the power "
            "of 3, alpha 0.99, as published; the graph is cut down to the 1,000 photos nearest to the query.",
            Diffusion,
        ),
        "knn-rerank": Kind(
            "k-reciprocal re-ranking",
            "Zhong et al., CVPR 2017",
            "k1 20, k2 6, lambda 0.3, as published; distances are 1 less the similarity. The gallery is encoded once, "
            "without queries, where the paper encodes all queries and the gallery together.",
            ReciprocalEncoding,
        ),
        "fusion": Kind(
            "fusion of inliers and similarity",
            "after DELF+DIR: Noh et al., ICCV 2017, section 5",
            "A weighted sum of normalised scores: 0.5 n / (n + 20) + 0.5 max(s, 0) of n inliers and the similarity s, "
            "so that scores mean the same for every query. Half and half, and 20 inliers as the middle, were chosen "
            "before anything was measured; nothing is fitted.",
            Fusion,
        ),
        "posterior": Kind(
            "kNN posterior over landmarks",
            "",
            "The first 20 vote with exp(s / T); strangers, and a vote of exp(b / T) that is always cast, are against. "
            "b and T are mean and standard deviation of the similarity between a photo of the gallery and the nearest "
            "of another landmark: what there is by chance.",
            Posterior,
        ),
    }
)
"""Stages after the search, by the name that an experiment gives them."""
