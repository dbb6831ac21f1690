"""The trunk: an EfficientNet-Lite, fully convolutional, cut after a block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from steeple.delf.training.architecture import ARCHITECTURES, EPSILON, STEM_CHANNELS, Architecture, Block


@dataclass(frozen=True)
class Trunk(Architecture):
    """An architecture that Keras can make."""

    def network(self, last_block: int) -> keras.Model:
        """From the image to the output of one inverted residual block, with random weights.

        Args:
            last_block: Number of the last block, from 0.

        Returns:
            float32[B, H, W, 3] in [-1, 1] to float32[B, ceil(H / s), ceil(W / s), C].
        """
        image = keras.Input((None, None, 3), name="image")
        x = layers.Conv2D(STEM_CHANNELS, 3, 2, "same", use_bias=False, name="conv_stem")(image)
        x = _relu6(_norm(x, "bn0"))
        for block in self.blocks(last_block):
            x = _inverted_residual(x, block)
        return keras.Model(image, x, name="trunk")


TRUNKS: Final = {name: Trunk(one.width, one.depth) for name, one in ARCHITECTURES.items()}
"""By the name that a recipe gives."""


def set_weights(model: keras.Model, weights: Mapping[str, list[NDArray[np.float32]]]) -> None:
    """Sets every layer's weights by its name."""
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(weights[layer.name])


def _inverted_residual(x: Any, block: Block) -> Any:
    y, name = x, block.name
    if block.expanded != block.inputs:
        y = layers.Conv2D(block.expanded, 1, use_bias=False, name=f"{name}_expand_conv")(y)
        y = _relu6(_norm(y, f"{name}_bn0"))
    y = layers.DepthwiseConv2D(block.kernel, block.stride, "same", use_bias=False, name=f"{name}_depthwise_conv")(y)
    y = _relu6(_norm(y, f"{name}_bn1"))
    y = layers.Conv2D(block.channels, 1, use_bias=False, name=f"{name}_project_conv")(y)
    y = _norm(y, f"{name}_bn2")
    return layers.Add(name=f"{name}_add")([y, x]) if block.residual else y


def _norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=EPSILON, name=name)(x)


def _relu6(x: Any) -> Any:
    return layers.ReLU(6.0)(x)
