"""Local features of a photo, by methods from 1999 on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from steeple.lab.local.orb import Orb
from steeple.lab.local.rootsift import RootSift
from steeple.lab.protocols import Kind, LocalExtractor

EXTRACTORS: Final[Mapping[str, Kind[LocalExtractor]]] = {
    "rootsift": Kind(
        "RootSIFT",
        "Lowe, IJCV 2004; Arandjelovic and Zisserman, CVPR 2012, section 3",
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
}
"""By the name that an experiment gives."""
