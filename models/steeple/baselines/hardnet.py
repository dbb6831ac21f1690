"""HardNet (Mishchuk et al., NeurIPS 2017): descriptors of patches, run by ONNX Runtime."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.graph import Graph
from steeple.baselines.patch_network import PatchNetwork, in_parts
from steeple.delf.training.layer_weights import LayerWeights

_STRIDES: Final = (1, 1, 2, 1, 2, 1)
_EPSILON: Final = 1e-5


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


class HardNet(PatchNetwork):
    """The network; of weights that ``python -m steeple.baselines.training hardnet`` writes."""

    title = "of HardNet"
    last = "conv6"
    graphs = (_graph,)

    def __call__(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32[N, D], L2-normalised, of grey patches uint8[N, 32, 32]."""
        return in_parts(self.networks[0], patches, self.dimensions)
