"""XFeat (Potje et al., CVPR 2024) as an ONNX graph: descriptors, reliability and keypoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.graph import Graph, OnnxNetwork
from steeple.delf.training.xfeat import BLOCKS, DIMENSIONS, EPSILON, STRIDE
from steeple.errors import ReleaseError

State = Mapping[str, NDArray[Any]]
"""Tensors by name, as in the package (:data:`steeple.delf.training.xfeat.WEIGHTS`)."""

_IMAGE: Final = "image"
_DESCRIPTORS: Final = "descriptors"
_RELIABILITY: Final = "reliability"
_KEYPOINTS: Final = "keypoints"
_MAP: Final = "map"
_PLACES: Final = "places"
_SAMPLES: Final = "samples"
_QUARTER: Final = 4


@dataclass(frozen=True, eq=False)
class XfeatMaps:
    """What the network makes of a picture of H x W pixels.

    Attributes:
        descriptors: float32[1, 64, H / 8, W / 8], L2-normalised.
        reliability: float32[1, 1, H / 8, W / 8], 0 to 1.
        keypoints: float32[H, W]; how likely a pixel is a keypoint.
    """

    descriptors: NDArray[np.float32]
    reliability: NDArray[np.float32]
    keypoints: NDArray[np.float32]


class Xfeat:
    """XFeat's network.

    Args:
        state: Its weights.
        threads: Threads that one call may use.

    Raises:
        ReleaseError: If weights are missing.
    """

    def __init__(self, state: State, *, threads: int = 1) -> None:
        self._network = OnnxNetwork(_graph(state).model(), threads=threads)
        self._samplers = {mode: OnnxNetwork(_sampler(mode).model()) for mode in ("bicubic", "bilinear")}

    def __call__(self, image: NDArray[np.float32]) -> XfeatMaps:
        """Runs the network.

        Args:
            image: float32[H, W, 3], RGB, of pixel values; sides are multiples of 32.
        """
        grey = image.mean(axis=-1)
        # Instance normalisation, in double precision: the mean of a million pixels.
        mean, variance = grey.mean(dtype=np.float64), grey.var(dtype=np.float64)
        normal = ((grey - mean) / np.sqrt(variance + EPSILON)).astype(np.float32)
        made = self._network({_IMAGE: normal[None, None]})
        return XfeatMaps(made[_DESCRIPTORS], made[_RELIABILITY], made[_KEYPOINTS][0, 0])

    def descriptors_at(self, maps: XfeatMaps, positions: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[N, 64], not normalised: descriptors between cells, at float32[N, 2] in pixels; bicubic."""
        return self._sampled("bicubic", maps.descriptors, positions)

    def reliability_at(self, maps: XfeatMaps, positions: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[N]: reliability between cells, at float32[N, 2] in pixels; bilinear."""
        return self._sampled("bilinear", maps.reliability, positions)[:, 0]

    def _sampled(self, mode: str, cells: NDArray[np.float32], positions: NDArray[np.float32]) -> NDArray[np.float32]:
        size = np.array([cells.shape[3], cells.shape[2]], np.float32) * STRIDE
        places = (positions + np.float32(0.5)) / size * 2 - 1  # the picture's borders are at -1 and 1
        made = self._samplers[mode]({_MAP: cells, _PLACES: places[None, None].astype(np.float32)})
        return np.ascontiguousarray(made[_SAMPLES][0, :, 0].T)


def _graph(state: State) -> Graph:
    graph = Graph("xfeat")
    image = graph.input(_IMAGE, 1)
    skip = _convolved(graph, graph.average_pool(image, _QUARTER), state, "skip1.1")
    quarter = _block(graph, graph.add(_block(graph, image, state, "block1"), skip), state, "block2")
    eighth = _block(graph, quarter, state, "block3")
    sixteenth = _block(graph, eighth, state, "block4")
    deepest = _block(graph, sixteenth, state, "block5")
    joined = graph.add(graph.add(eighth, graph.upsample(sixteenth, 2)), graph.upsample(deepest, 4))
    features = _convolved(graph, _block(graph, joined, state, "block_fusion"), state, "block_fusion.2")
    reliability = _convolved(graph, _block(graph, features, state, "heatmap_head"), state, "heatmap_head.2")
    squares = graph.op("SpaceToDepth", [image], blocksize=STRIDE)
    logits = _convolved(graph, _block(graph, squares, state, "keypoint_head"), state, "keypoint_head.3")
    # The 65th says that there is no keypoint in the square.
    bounds = [np.array([value], np.int64) for value in (0, STRIDE**2, 1)]
    likely = graph.op("Slice", [graph.op("Softmax", [logits], axis=1), *bounds])
    graph.output(graph.unit(features), _DESCRIPTORS)
    graph.output(graph.op("Sigmoid", [reliability]), _RELIABILITY)
    graph.output(graph.op("DepthToSpace", [likely], blocksize=STRIDE), _KEYPOINTS)
    return graph


def _sampler(mode: str) -> Graph:
    graph = Graph("sampler")
    cells = graph.input(_MAP, DIMENSIONS if mode == "bicubic" else 1)
    places = graph.input(_PLACES, 1)
    graph.output(graph.op("GridSample", [cells, places], mode=mode, padding_mode="border"), _SAMPLES)
    return graph


def _block(graph: Graph, x: str, state: State, name: str) -> str:
    for number, (_, kernel, stride) in enumerate(BLOCKS[name]):
        layer = f"{name}.{number}.layer"
        x = graph.conv(x, _kernel(state, f"{layer}.0"), stride=stride, padding=kernel // 2)
        moments = [_tensor(state, f"{layer}.1.running_{part}") for part in ("mean", "var")]
        x = graph.relu(graph.norm(x, moments, EPSILON))
    return x


def _convolved(graph: Graph, x: str, state: State, name: str) -> str:
    return graph.conv(x, _kernel(state, name), _tensor(state, f"{name}.bias"), padding=0)


def _kernel(state: State, name: str) -> NDArray[np.float32]:
    return _tensor(state, f"{name}.weight").transpose(2, 3, 1, 0)


def _tensor(state: State, name: str) -> NDArray[np.float32]:
    if name not in state:
        raise ReleaseError(f"there are no weights {name}; they are of another network")
    return np.asarray(state[name], np.float32)
