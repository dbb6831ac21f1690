"""What part of the image a cell sees, from the layers of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

_Windowed = (layers.Conv2D, layers.DepthwiseConv2D)


@dataclass(frozen=True)
class ReceptiveField:
    """Of the cells of one layer.

    Attributes:
        stride: Input pixels between neighbouring cells.
        size: Input pixels a side that a cell can see.
        first: Input pixel, on either axis, at which what cell 0 can see begins; negative if in the padding. Cell i
            sees pixels ``first + i * stride`` to ``first + i * stride + size - 1``.
    """

    stride: int
    size: int
    first: int


def receptive_field(model: keras.Model, layer: str) -> ReceptiveField:
    """Computed along the layers that lead to ``layer``, for input sides that are multiples of its stride.

    Layers that are not convolutions must keep positions as they are.

    Args:
        model: Convolutional, with one image as input.
        layer: Name of a layer.
    """
    fields: dict[str, ReceptiveField] = {}
    for each in model.layers:
        inputs = [fields[source] for source in _sources(each) if source in fields]
        if not inputs:
            fields[each.name] = ReceptiveField(1, 1, 0)
            continue
        joined = ReceptiveField(
            inputs[0].stride,
            max(field.first + field.size for field in inputs) - min(field.first for field in inputs),
            min(field.first for field in inputs),
        )
        fields[each.name] = _through(joined, each) if isinstance(each, _Windowed) else joined
    return fields[layer]


def effective_centre(model: keras.Model, output: str, stride: int, side: int = 320) -> tuple[float, float]:
    """Where a cell really looks: the centroid of the squared gradient of its features, averaged over random images.

    Theory gives the extent of a receptive field, not where within it the weights lie.

    Args:
        model: As :func:`steeple.delf.training.network.delf_network` makes.
        output: Which of its outputs.
        stride: Of that output.
        side: Pixels of the images.

    Returns:
        x and y of the centroid, as an offset in pixels from the cell's own first pixel; ``(stride - 1) / 2`` is the
        middle of the patch of ``stride`` x ``stride`` pixels that the cell covers.
    """
    import tensorflow as tf  # noqa: PLC0415 - gradients by input are the backend's own; this one is only reported

    rng = np.random.default_rng(0)
    cell = side // stride // 2
    total = np.zeros((side, side))
    for _ in range(8):
        image = tf.constant(rng.uniform(-1, 1, (1, side, side, 3)).astype(np.float32))
        with tf.GradientTape() as tape:
            tape.watch(image)
            energy = tf.reduce_sum(tf.square(model(image, training=False)[output][0, cell, cell]))
        total += np.square(tape.gradient(energy, image).numpy()[0]).sum(axis=-1)
    total /= total.sum()
    axis = np.arange(side) - cell * stride
    return float((total.sum(axis=0) * axis).sum()), float((total.sum(axis=1) * axis).sum())


def _through(field: ReceptiveField, layer: Any) -> ReceptiveField:
    kernel, step = layer.kernel_size[0], layer.strides[0]
    # Keras and TFLite pad "same" so that, on sides that the stride divides, the surplus lies behind.
    before = (kernel - step) // 2 if layer.padding == "same" and kernel > step else 0
    return ReceptiveField(
        field.stride * step, field.size + (kernel - 1) * field.stride, field.first - before * field.stride
    )


def _sources(layer: Any) -> list[str]:
    return [
        node_input._keras_history.operation.name
        for node in layer._inbound_nodes[:1]
        for node_input in node.input_tensors
    ]
