"""HardNet (Mishchuk et al., NeurIPS 2017): descriptors of patches, run by ONNX Runtime."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.graph import Graph, OnnxNetwork
from steeple.baselines.patches import normalised
from steeple.delf.training.layer_weights import LayerWeights
from steeple.errors import ReleaseError

SIDE: Final = 32
"""Pixels of a patch."""

_STRIDES: Final = (1, 1, 2, 1, 2, 1)
_EPSILON: Final = 1e-5
_AT_ONCE: Final = 256  # patches: more do not fit the processor's cache


class HardNet:
    """The network. Any number of threads may call it.

    Args:
        weights: As ``python -m steeple.baselines.training hardnet`` writes them.
        threads: Threads that one call may use.

    Raises:
        ReleaseError: If weights are missing, or do not fit together.
    """

    def __init__(self, weights: LayerWeights, *, threads: int = 1) -> None:
        try:
            self.dimensions = int(weights["conv6"][0].shape[-1])
            self._network = OnnxNetwork(_graph(weights).model(), threads=threads)
        except KeyError as error:
            raise ReleaseError(f"these are no weights of HardNet: there is no layer {error}") from error

    def __call__(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32[N, D], L2-normalised, of grey patches uint8[N, 32, 32]."""
        return in_parts(self._network, patches, self.dimensions)


def in_parts(network: OnnxNetwork, patches: NDArray[np.uint8], columns: int) -> NDArray[np.float32]:
    """float32[N, columns]: what a network with one input makes of normalised patches uint8[N, S, S], some at a time."""
    made = [
        next(iter(network({"patches": normalised(patches[start : start + _AT_ONCE])}).values()))
        for start in range(0, len(patches), _AT_ONCE)
    ]
    return np.concatenate(made) if made else np.empty((0, columns), np.float32)


def _graph(weights: LayerWeights) -> Graph:
    graph = Graph("hardnet")
    x = graph.input("patches", 1)
    for number, stride in enumerate(_STRIDES):
        x = graph.conv(x, weights[f"conv{number}"][0], stride=stride)
        x = graph.relu(graph.norm(x, weights[f"norm{number}"], _EPSILON))
    x = graph.conv(x, weights["conv6"][0], padding="valid")
    x = graph.unit(graph.norm(x, weights["norm6"], _EPSILON))
    graph.output(graph.op("Flatten", [x], axis=1), "descriptors", rank=2)
    return graph
