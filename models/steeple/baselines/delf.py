"""DELF in float (Noh et al., ICCV 2017): a trunk, descriptors and attention as an ONNX graph, from trained weights."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.efficientnet import efficientnet_lite
from steeple.baselines.graph import Graph, OnnxNetwork, picture
from steeple.delf.training.architecture import ARCHITECTURES
from steeple.delf.training.layer_weights import LayerWeights
from steeple.delf.training.recipe import NetworkParameters
from steeple.delf.training.shape import ATTENTION_HIDDEN, ATTENTION_LOGITS, DESCRIPTORS, FINE_STRIDE, HEAD_SCALE
from steeple.errors import ReleaseError

_IMAGE: Final = "image"
_CELLS: Final = "cells"
_ATTENTION: Final = "attention"


class DelfNetwork:
    """A :class:`steeple.delf.dense.DenseNetwork`: the twin of :func:`steeple.delf.training.network.delf_network`.

    Args:
        parameters: The shape of the network; ``learned_attention`` says whether cells are scored by the attention head
            or by their energy, the squared norm of the feature.
        weights: By layer. Without a layer ``descriptors``, descriptors are the trunk's features.
        threads: Threads that one call may use.

    Raises:
        ReleaseError: If weights of a layer are missing, or of another network.
    """

    def __init__(self, parameters: NetworkParameters, weights: LayerWeights, *, threads: int = 1) -> None:
        graph = Graph("delf")
        features = _features(graph, graph.input(_IMAGE, 3), parameters, weights)
        cells = graph.conv(features, weights[DESCRIPTORS][0]) if DESCRIPTORS in weights else features
        if parameters.learned_attention:
            scores = _learned(graph, features, weights)
        else:
            scores = graph.op("ReduceSumSquare", [features], axes=[1], keepdims=1)
        graph.output(cells, _CELLS)
        graph.output(scores, _ATTENTION)
        self._network = OnnxNetwork(graph.model(), threads=threads)

    def __call__(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Descriptors float32[h, w, D], not normalised, and attention scores float32[h, w], of uint8[H, W, 3]."""
        made = self._network({_IMAGE: picture(image)})
        return np.ascontiguousarray(made[_CELLS][0].transpose(1, 2, 0)), made[_ATTENTION][0, 0]


def _features(graph: Graph, image: str, parameters: NetworkParameters, weights: LayerWeights) -> str:
    features = efficientnet_lite(graph, image, weights, parameters.trunk, parameters.last_block)
    if not parameters.fusion:
        return features
    # The blocks up to stride 8 stand in the graph twice: what runs here is to be right, not fast.
    block = ARCHITECTURES[parameters.trunk].last_block(FINE_STRIDE)
    fine = efficientnet_lite(graph, image, weights, parameters.trunk, block)
    fine = graph.depthwise(fine, _layer(weights, "fusion_depthwise")[0], stride=2)
    return graph.add(features, graph.conv(fine, *_layer(weights, "fusion_project")))


def _learned(graph: Graph, features: str, weights: LayerWeights) -> str:
    scaled = graph.op("Mul", [features, np.array(HEAD_SCALE, np.float32)])
    hidden = graph.relu(graph.conv(scaled, *_layer(weights, ATTENTION_HIDDEN)))
    return graph.relu(graph.conv(hidden, *_layer(weights, ATTENTION_LOGITS)))


def _layer(weights: LayerWeights, name: str) -> tuple[NDArray[np.float32], ...]:
    if name not in weights:
        raise ReleaseError(f"there are no weights for layer {name}; they are of another network")
    return tuple(weights[name])
