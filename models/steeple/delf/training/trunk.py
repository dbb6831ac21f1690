"""The trunk: EfficientNet-Lite0, fully convolutional, cut after a block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray


@dataclass(frozen=True)
class _Stage:
    kernel: int
    stride: int
    expansion: int
    channels: int
    repeats: int


_STAGES: Final = (
    _Stage(3, 1, 1, 16, 1),
    _Stage(3, 2, 6, 24, 2),
    _Stage(5, 2, 6, 40, 2),
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),
)
_EPSILON: Final = 1e-3


def efficientnet_lite0(last_block: int) -> keras.Model:
    """EfficientNet-Lite0 from the image to the output of one inverted residual block.

    ReLU6 throughout and no squeeze-and-excitation, which is what makes the family fit for int8.

    Args:
        last_block: Number of the last block, 0 to 15; block 10 is the last at stride 16.

    Returns:
        float32[B, H, W, 3] in [-1, 1] to float32[B, ceil(H / s), ceil(W / s), C].
    """
    image = keras.Input((None, None, 3), name="image")
    x = layers.Conv2D(32, 3, 2, "same", use_bias=False, name="conv_stem")(image)
    x = _relu6(_norm(x, "bn0"))
    number, channels = 0, 32
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            if number > last_block:
                break
            x = _inverted_residual(x, f"block{number}", channels, stage, stage.stride if repeat == 0 else 1)
            channels, number = stage.channels, number + 1
    return keras.Model(image, x, name="efficientnet_lite0")


def set_weights(model: keras.Model, weights: Mapping[str, list[NDArray[np.float32]]]) -> None:
    """Sets every layer's weights by its name."""
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(weights[layer.name])


def _inverted_residual(x: Any, name: str, channels: int, stage: _Stage, stride: int) -> Any:
    y = x
    if stage.expansion != 1:
        y = layers.Conv2D(channels * stage.expansion, 1, use_bias=False, name=f"{name}_expand_conv")(y)
        y = _relu6(_norm(y, f"{name}_bn0"))
    y = layers.DepthwiseConv2D(stage.kernel, stride, "same", use_bias=False, name=f"{name}_depthwise_conv")(y)
    y = _relu6(_norm(y, f"{name}_bn1"))
    y = layers.Conv2D(stage.channels, 1, use_bias=False, name=f"{name}_project_conv")(y)
    y = _norm(y, f"{name}_bn2")
    return layers.Add(name=f"{name}_add")([y, x]) if stride == 1 and channels == stage.channels else y


def _norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=_EPSILON, name=name)(x)


def _relu6(x: Any) -> Any:
    return layers.ReLU(6.0)(x)
