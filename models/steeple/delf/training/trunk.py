"""The trunk: an EfficientNet-Lite, fully convolutional, cut after a block."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
_STEM_CHANNELS: Final = 32
_CHANNEL_STEP: Final = 8
_EPSILON: Final = 1e-3


@dataclass(frozen=True)
class Trunk:
    """A member of the EfficientNet-Lite family: ReLU6 throughout and no squeeze-and-excitation, which fits int8.

    Attributes:
        width: Factor of the channels, as in EfficientNet (Tan and Le, 2019); rounded to multiples of 8.
        depth: Factor of the repeats of a block, rounded up; the first and the last stage are not repeated.
    """

    width: float
    depth: float

    @property
    def stages(self) -> tuple[_Stage, ...]:
        """From the image on."""
        ends = (_STAGES[0], _STAGES[-1])
        return tuple(
            replace(
                stage,
                channels=_rounded(stage.channels * self.width),
                repeats=stage.repeats if stage in ends else math.ceil(stage.repeats * self.depth),
            )
            for stage in _STAGES
        )

    def last_block(self, stride: int) -> int:
        """Number of the last block whose output has a stride.

        Args:
            stride: 2, 4, 8, 16 or 32.
        """
        reached, count = 2, 0  # after the stem
        for stage in self.stages:
            reached *= stage.stride
            if reached > stride:
                break
            count += stage.repeats
        return count - 1

    def network(self, last_block: int) -> keras.Model:
        """From the image to the output of one inverted residual block, with random weights.

        Args:
            last_block: Number of the last block, from 0.

        Returns:
            float32[B, H, W, 3] in [-1, 1] to float32[B, ceil(H / s), ceil(W / s), C].
        """
        image = keras.Input((None, None, 3), name="image")
        x = layers.Conv2D(_STEM_CHANNELS, 3, 2, "same", use_bias=False, name="conv_stem")(image)
        x = _relu6(_norm(x, "bn0"))
        number, channels = 0, _STEM_CHANNELS
        for stage in self.stages:
            for repeat in range(stage.repeats):
                if number > last_block:
                    break
                x = _inverted_residual(x, f"block{number}", channels, stage, stage.stride if repeat == 0 else 1)
                channels, number = stage.channels, number + 1
        return keras.Model(image, x, name="trunk")


TRUNKS: Final = {
    "efficientnet-lite0": Trunk(1.0, 1.0),
    "efficientnet-lite1": Trunk(1.0, 1.1),
    "efficientnet-lite2": Trunk(1.1, 1.2),
}
"""By the name that a recipe gives: those whose ImageNet weights a package ships."""


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


def _rounded(channels: float) -> int:
    nearest = max(_CHANNEL_STEP, int(channels + _CHANNEL_STEP / 2) // _CHANNEL_STEP * _CHANNEL_STEP)
    return nearest + _CHANNEL_STEP if nearest < 0.9 * channels else nearest
