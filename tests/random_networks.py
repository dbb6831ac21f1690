"""An EfficientNet-Lite0 with random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steeple.delf.training.architecture import ARCHITECTURES, HEAD_CHANNELS, STEM_CHANNELS

Weights = dict[str, list[NDArray[Any]]]
LITE0 = ARCHITECTURES["efficientnet-lite0"]
CLASSES = 7


def random_weights(last_block: int | None = None) -> Weights:
    """Of the stem, the blocks up to the last one, the head and the classifier; activations stay of one magnitude."""
    rng = np.random.default_rng(3)
    weights: Weights = {}

    def conv(name: str, *shape: int) -> None:
        fan_in = shape[0] * shape[1] * (shape[2] if shape[3] > 1 else 1)
        weights[name] = [rng.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32)]

    def norm(name: str, channels: int) -> None:
        parts = [rng.uniform(0.5, 1.5, channels), rng.normal(0, 0.3, channels), rng.normal(0, 0.3, channels)]
        weights[name] = [part.astype(np.float32) for part in [*parts, rng.uniform(0.5, 2.0, channels)]]

    conv("conv_stem", 3, 3, 3, STEM_CHANNELS)
    norm("bn0", STEM_CHANNELS)
    channels = STEM_CHANNELS
    for block in LITE0.blocks(last_block):
        if block.expanded != block.inputs:
            conv(f"{block.name}_expand_conv", 1, 1, block.inputs, block.expanded)
            norm(f"{block.name}_bn0", block.expanded)
        conv(f"{block.name}_depthwise_conv", block.kernel, block.kernel, block.expanded, 1)
        norm(f"{block.name}_bn1", block.expanded)
        conv(f"{block.name}_project_conv", 1, 1, block.expanded, block.channels)
        norm(f"{block.name}_bn2", block.channels)
        channels = block.channels
    conv("conv_head", 1, 1, channels, HEAD_CHANNELS)
    norm("bn1", HEAD_CHANNELS)
    weights["fc"] = [rng.normal(size=(HEAD_CHANNELS, CLASSES)).astype(np.float32), np.arange(CLASSES, dtype=np.float32)]
    return weights
