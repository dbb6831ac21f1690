"""Networks over patches, in Keras. Inputs are patches float32[B, S, S, 1], normalised unless said otherwise.

Layers are named, and their weights are read by these names by :mod:`steeple.baselines.hardnet` and
:mod:`steeple.baselines.lift`.
"""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import layers, ops

from steeple.baselines.patches import SIDE

_LEAST_DEVIATION: Final = 1.0  # as steeple.baselines.patches has it
_GREY_MEAN: Final = 128.0
_GREY_SCALE: Final = 64.0
_EPSILON: Final = 1e-8


def normalised(patches: Any) -> Any:
    """float32[B, S, S, 1] of mean 0 and deviation 1 each, of uint8[B, S, S]; as ``steeple.baselines.patches`` does."""
    values = ops.cast(patches, "float32")[..., None]
    mean = ops.mean(values, axis=(1, 2), keepdims=True)
    variance = ops.mean(ops.square(values - mean), axis=(1, 2), keepdims=True)
    return (values - mean) / ops.maximum(ops.sqrt(variance + _EPSILON), _LEAST_DEVIATION)


def grey(patches: Any) -> Any:
    """float32[B, S, S, 1] about 0 of uint8[B, S, S]: what a detector sees, whose patches are parts of a picture."""
    return (ops.cast(patches, "float32")[..., None] - _GREY_MEAN) / _GREY_SCALE


def hardnet(channels: int, dimensions: int, dropout: float) -> keras.Model:
    """L2-Net's plain network as HardNet has it (Mishchuk et al., figure 3).

    Args:
        channels: Of the first layers; the paper has 32. Deeper ones have twice and four times as many.
        dimensions: Of the descriptor.
        dropout: Before the last layer; the paper has 0.1 and, later, 0.3.

    Returns:
        A network to float32[B, dimensions], L2-normalised.
    """
    x = inputs = layers.Input((SIDE, SIDE, 1))
    plan = ((1, 1), (1, 1), (2, 2), (2, 1), (4, 2), (4, 1))
    for number, (factor, stride) in enumerate(plan):
        x = layers.Conv2D(
            channels * factor, 3, stride, "same", use_bias=False, kernel_initializer="orthogonal", name=f"conv{number}"
        )(x)
        x = layers.ReLU()(_norm(f"norm{number}")(x))
    x = layers.Dropout(dropout)(x)
    x = layers.Conv2D(dimensions, SIDE // 4, use_bias=False, kernel_initializer="orthogonal", name="conv6")(x)
    x = layers.Flatten()(_norm("norm6")(x))
    return keras.Model(inputs, layers.UnitNormalization()(x), name="hardnet")


def lift_descriptor() -> keras.Model:
    """Three layers with hyperbolic tangents and L2 pooling (Yi et al., section 3.2, after Simo-Serra et al.).

    The paper's is for patches of 64 x 64; this is for 32 x 32.

    Returns:
        A network to float32[B, 128], L2-normalised.
    """
    x = inputs = layers.Input((SIDE, SIDE, 1))
    for number, (channels, kernel) in enumerate(((32, 7), (64, 6))):
        x = layers.Conv2D(channels, kernel, name=f"descriptor{number}")(x)
        x = ops.tanh(x)
        x = ops.sqrt(layers.AveragePooling2D(2)(ops.square(x)) + _EPSILON)
    x = layers.Conv2D(128, 4, name="descriptor2")(x)
    return keras.Model(inputs, layers.UnitNormalization()(layers.GlobalAveragePooling2D()(x)), name="lift_descriptor")


def lift_orientation() -> keras.Model:
    """Three convolutions and two dense layers (Yi et al., section 3.4), with ReLU.

    Returns:
        A network to float32[B, 2], L2-normalised: cosine and sine of an angle, clockwise on the screen.
    """
    x = inputs = layers.Input((SIDE, SIDE, 1))
    for number, (channels, kernel) in enumerate(((16, 5), (32, 5), (64, 3))):
        x = layers.Conv2D(channels, kernel, padding="same", activation="relu", name=f"orientation{number}")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(64, 4, activation="relu", name="orientation3")(x)
    x = layers.Flatten()(layers.Conv2D(2, 1, name="orientation4")(x))
    return keras.Model(inputs, layers.UnitNormalization()(x), name="lift_orientation")


def lift_detector() -> keras.Model:
    """Four convolutions without padding, to scores (in place of the paper's one layer of piecewise linear filters).

    Takes :func:`grey` patches of any size.

    Returns:
        A network to float32[B, S - 12, S - 12]: pixel x, y of the result is the score of pixel x + 6, y + 6.
    """
    x = inputs = layers.Input((None, None, 1))
    for number, (channels, kernel) in enumerate(((8, 5), (8, 5), (16, 5))):
        x = layers.Conv2D(channels, kernel, activation="relu", name=f"detector{number}")(x)
    x = layers.Conv2D(1, 1, name="detector3")(x)
    return keras.Model(inputs, x[..., 0], name="lift_detector")


def _norm(name: str) -> Any:
    """Batch normalisation without scale and shift, as HardNet's."""
    return layers.BatchNormalization(center=False, scale=False, epsilon=1e-5, momentum=0.9, name=name)
