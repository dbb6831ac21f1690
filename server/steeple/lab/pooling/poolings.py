"""The table of poolings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from steeple.lab.pooling import regional, whole
from steeple.lab.protocols import Kind, Pooling

POOLINGS: Final[Mapping[str, Kind[Pooling]]] = {
    "neural-codes": Kind(
        "Neural codes",
        "Babenko et al., ECCV 2014",
        "What the network itself has pooled (backbones imagenet-top, delf-global); of larger maps, the mean.",
        whole.make_neural_codes,
    ),
    "spoc": Kind(
        "SPoC",
        "Babenko and Lempitsky, ICCV 2015",
        "Sum pooling with the centring prior; whitened afterwards, as in the paper, if the system says so.",
        whole.make_spoc,
    ),
    "mac": Kind("MAC", "Tolias et al., ICLR 2016, section 3.1; Razavian et al., 2016", "", whole.make_mac),
    "r-mac": Kind(
        "R-MAC",
        "Tolias et al., ICLR 2016, section 3.2",
        "Three levels; regions are whitened to 512 dimensions by PCA fitted on regions of the training photos.",
        regional.make_r_mac,
    ),
    "gem": Kind(
        "GeM",
        "Radenovic et al., TPAMI 2018",
        "The power is 3 and not learned, the paper's start and choice for networks that were not tuned.",
        whole.make_gem,
    ),
    "crow": Kind("CroW", "Kalantidis et al., ECCV workshops 2016", "", whole.make_crow),
    "regional-attention": Kind(
        "Regional attention-like",
        "after Kim and Yoon, BMVC 2018",
        "The weights of R-MAC's regions are foreseen by ridge regression from region and context, taught without "
        "labels by how much better a region agrees with its own photo than with others; the paper's are a small "
        "network's, taught by ImageNet's labels.",
        regional.make_regional_attention,
    ),
    "region-proposals": Kind(
        "Region proposals-like",
        "after Salvador et al., CVPR workshops 2016, and Gordo et al., ECCV 2016",
        "Boxes of twelve sizes and shapes are scored by activity within against activity about them, with non-maximum "
        "suppression; the papers' are those of a trained region proposal network. The whole photo is one more region.",
        regional.make_region_proposals,
    ),
}
