"""The parts of a network like LIFT (Yi et al., ECCV 2016): detector, orientation, descriptor; run by ONNX Runtime.

What is like LIFT: there are three parts, of the paper's kinds; detector and orientation see nothing but patches around
keypoints of SIFT that show the same in two views; the detector is told by a spatial softmax where it looks, and not
where to look; the descriptor's loss is the paper's, with hard ones mined. What is not: views are made of one photo
rather than found by structure from motion; the parts are trained side by side, each by a loss of its own, rather than
the detector and the orientation through the descriptor; the detector has four small convolutions in place of one layer
of piecewise linear filters; patches are half as large.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.graph import Graph
from steeple.baselines.patch_network import PatchNetwork, in_parts
from steeple.delf.training.layer_weights import LayerWeights

_BORDER: Final = 6  # that the detector's convolutions take away on every side
_GREY_MEAN: Final = 128.0
_GREY_SCALE: Final = 64.0
_EPSILON: Final = 1e-8


def _detector(weights: LayerWeights) -> Graph:
    graph = Graph("lift-like detector")
    x = graph.input("picture", 1)
    for number in range(3):
        x = graph.relu(graph.conv(x, *weights[f"detector{number}"], padding="valid"))
    graph.output(graph.conv(x, *weights["detector3"]), "scores")
    return graph


def _orientation(weights: LayerWeights) -> Graph:
    graph = Graph("lift-like orientation")
    x = graph.input("patches", 1)
    for number in range(3):
        x = graph.relu(graph.conv(x, *weights[f"orientation{number}"]))
        x = graph.op("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = graph.relu(graph.conv(x, *weights["orientation3"], padding="valid"))
    x = graph.unit(graph.conv(x, *weights["orientation4"]))
    graph.output(graph.op("Flatten", [x], axis=1), "directions", rank=2)
    return graph


def _descriptor(weights: LayerWeights) -> Graph:
    graph = Graph("lift-like descriptor")
    x = graph.input("patches", 1)
    for number in range(2):
        x = graph.op("Tanh", [graph.conv(x, *weights[f"descriptor{number}"], padding="valid")])
        # The root of the mean of squares: L2 pooling.
        mean = graph.average_pool(graph.op("Mul", [x, x]), 2)
        x = graph.op("Sqrt", [graph.op("Add", [mean, np.array(_EPSILON, np.float32)])])
    x = graph.conv(x, *weights["descriptor2"], padding="valid")
    x = graph.op("ReduceMean", [x], axes=[2, 3], keepdims=1)
    graph.output(graph.op("Flatten", [graph.unit(x)], axis=1), "descriptors", rank=2)
    return graph


class Lift(PatchNetwork):
    """The three networks; of weights that ``python -m steeple.baselines.training lift`` writes."""

    title = "like LIFT's"
    last = "descriptor2"
    graphs = (_detector, _orientation, _descriptor)

    def scores(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32[H, W]: how much each pixel of a grey picture, uint8[H, W], is a keypoint.

        Keypoints are found at one scale: where a patch of 32 pixels is to be described. What detection patches of
        training showed it to be is above 0.
        """
        padded = np.pad(image, _BORDER, mode="symmetric").astype(np.float32)
        made = self.networks[0]({"picture": ((padded - _GREY_MEAN) / _GREY_SCALE)[None, None]})["scores"]
        scores: NDArray[np.float32] = made[0, 0]
        return scores

    def angles(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32[N]: orientations of grey patches uint8[N, 32, 32], radians, clockwise on the screen."""
        made = in_parts(self.networks[1], patches, 2)
        return np.asarray(np.arctan2(made[:, 1], made[:, 0]), np.float32)

    def descriptors(self, patches: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32[N, D], L2-normalised, of grey patches uint8[N, 32, 32] that were turned by their orientation."""
        return in_parts(self.networks[2], patches, self.dimensions)
