"""Local features of a photo, by methods from 1999 on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from steeple.lab.local import delf, hardnet, lift
from steeple.lab.local.congas import CongasLike
from steeple.lab.local.orb import Orb
from steeple.lab.local.projected import PROJECTIONS
from steeple.lab.local.rootsift import RootSift
from steeple.lab.local.xfeat import SparseXfeat
from steeple.lab.protocols import Kind, LocalExtractor

__all__ = ["EXTRACTORS", "PROJECTIONS"]

EXTRACTORS: Final[Mapping[str, Kind[LocalExtractor]]] = {
    "rootsift": Kind(
        "RootSIFT",
        "Lowe, IJCV 2004; Arandjelovic and Zisserman, CVPR 2012, section 2",
        "OpenCV's SIFT with its defaults and exact positions; the strongest by contrast.",
        RootSift,
    ),
    "orb": Kind(
        "ORB",
        "Rublee, Rabaud, Konolige and Bradski, ICCV 2011",
        "OpenCV's ORB with its defaults, 8 levels that are a factor of 1.2 apart; positions are corrected to where its "
        "levels lie; the strongest by Harris' measure.",
        Orb,
    ),
    "congas-like": Kind(
        "CONGAS-like",
        "near to Zheng et al., CVPR 2009, and Buddemeier and Neven, US 8,098,938, 2012",
        "What is public of CONGAS: extrema, a normalised region, amplitudes of 118 Gabor wavelets, PCA. Keypoints and "
        "orientations are SIFT's; where the wavelets stand is our choice.",
        CongasLike,
    ),
    "xfeat": Kind(
        "XFeat",
        "Potje, Cadar, Araujo, Martins and Nascimento, CVPR 2024",
        "Its published weights and sparse keypoints, in float; one scale; cells are sampled where their centres are.",
        SparseXfeat,
    ),
    **hardnet.KINDS,
    **lift.KINDS,
    "delf-imagenet": Kind(
        "DELF without fine-tuning",
        "Noh, Araujo, Sim, Weyand and Han, ICCV 2017, sections 4.1 and 4.3",
        "EfficientNet-Lite in place of ResNet50, at stride 16, with ImageNet weights; PCA about the origin; cells are "
        "scored by their squared norm.",
        delf.imagenet,
    ),
    "delf-finetuned": Kind(
        "DELF, fine-tuned",
        "Noh, Araujo, Sim, Weyand and Han, ICCV 2017, sections 4.1 to 4.3",
        "EfficientNet-Lite, trained by this project on pairs of views and, beside them, by classification; a learned "
        "projection; cells are scored by their squared norm.",
        delf.finetuned,
    ),
    "delf-attention": Kind(
        "DELF, fine-tuned, with attention",
        "Noh, Araujo, Sim, Weyand and Han, ICCV 2017, section 4.2",
        "As delf-finetuned, but cells are scored by the attention that was learned, with ReLU in place of softplus.",
        delf.attention,
    ),
    "delf-quantized": Kind(
        "Steeple's release",
        "Noh, Araujo, Sim, Weyand and Han, ICCV 2017, section 4",
        "The product's extractor: a model release in int8, descriptors int8[40].",
        delf.QuantizedDelf,
    ),
}
"""By the name that an experiment gives."""
