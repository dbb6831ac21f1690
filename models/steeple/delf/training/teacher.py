"""XFeat (Potje et al., CVPR 2024) as a teacher: the part that makes dense descriptors, weights from its package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from steeple.delf.training.losses import unit
from steeple.delf.training.xfeat import BLOCKS, EPSILON, STRIDE, WEIGHTS


def xfeat() -> keras.Model:
    """XFeat's descriptor network with its published weights.

    Returns:
        float32[B, H, W, 1], grey and of zero mean and unit variance, sides multiples of 32, to
        float32[B, H / 8, W / 8, 64], not normalised.

    Raises:
        UnavailableError: If the package cannot be fetched.
    """
    image = keras.Input((None, None, 1))
    skip = layers.Conv2D(24, 1, name="skip1.1")(layers.AveragePooling2D(4)(image))
    quarter = _block(layers.Add()([_block(image, "block1"), skip]), "block2")
    eighth = _block(quarter, "block3")
    sixteenth = _block(eighth, "block4")
    deepest = _block(sixteenth, "block5")
    joined = layers.Add()(
        [
            eighth,
            layers.UpSampling2D(2, interpolation="bilinear")(sixteenth),
            layers.UpSampling2D(4, interpolation="bilinear")(deepest),
        ]
    )
    descriptors = layers.Conv2D(64, 1, name="block_fusion.2")(_block(joined, "block_fusion"))
    model = keras.Model(image, descriptors, name="xfeat")
    state = WEIGHTS.state_dict()
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([state[f"{layer.name}.{part}"] for part in ("running_mean", "running_var")])
        elif layer.weights:
            bias = [state[f"{layer.name}.bias"]] if layer.use_bias else []
            layer.set_weights([state[f"{layer.name}.weight"].transpose(2, 3, 1, 0), *bias])
    model.trainable = False
    return model


def xfeat_teacher(stride: int) -> Callable[[Any], Any]:
    """XFeat's descriptors on a grid of another stride.

    Args:
        stride: A multiple of 8.

    Returns:
        Takes pictures float32[B, S, S, 3] of pixel values, S a multiple of 32, to unit descriptors float32[B, N, 64],
        one for each patch of ``stride`` pixels, row by row.
    """
    model, pool = xfeat(), layers.AveragePooling2D(stride // STRIDE)

    def describe(images: Any) -> Any:
        grey = ops.mean(images, axis=-1, keepdims=True)
        grey = grey - ops.mean(grey, axis=(1, 2), keepdims=True)
        grey = grey / ops.sqrt(ops.mean(ops.square(grey), axis=(1, 2), keepdims=True) + EPSILON)
        cells = pool(unit(model(grey, training=False)))
        return unit(ops.reshape(cells, (cells.shape[0], -1, cells.shape[-1])))

    return describe


def _block(x: Any, name: str) -> Any:
    for number, (channels, kernel, stride) in enumerate(BLOCKS[name]):
        if kernel == 3:
            x = layers.ZeroPadding2D(1)(x)
        x = layers.Conv2D(channels, kernel, stride, use_bias=False, name=f"{name}.{number}.layer.0")(x)
        x = layers.BatchNormalization(epsilon=EPSILON, center=False, scale=False, name=f"{name}.{number}.layer.1")(x)
        x = layers.ReLU()(x)
    return x
