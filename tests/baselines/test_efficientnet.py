"""The ONNX twin of the trunk against the definition of its layers, worked in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.baselines.efficientnet import classifier, efficientnet_lite
from steeple.baselines.graph import Graph, OnnxNetwork, picture
from steeple.delf.training.architecture import ARCHITECTURES, EPSILON, HEAD_CHANNELS, STEM_CHANNELS
from steeple.errors import InvalidArgumentError, ReleaseError

Weights = dict[str, list[np.ndarray]]
LITE0 = ARCHITECTURES["efficientnet-lite0"]


def random_weights(last_block: int | None) -> Weights:
    rng = np.random.default_rng(3)
    weights: Weights = {}

    def conv(name: str, *shape: int) -> None:
        fan_in = shape[0] * shape[1] * (shape[2] if shape[3] > 1 else 1)
        weights[name] = [rng.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32)]

    def norm(name: str, channels: int) -> None:
        parts = [rng.uniform(0.5, 1.5, channels), rng.normal(0, 0.3, channels), rng.normal(0, 0.3, channels)]
        weights[name] = [part.astype(np.float32) for part in [*parts, rng.uniform(0.5, 2.0, channels)]]

    conv("conv_stem", 3, 3, 3, STEM_CHANNELS)
    norm("bn0", STEM_CHANNELS)
    channels = STEM_CHANNELS
    for block in LITE0.blocks(last_block):
        if block.expanded != block.inputs:
            conv(f"{block.name}_expand_conv", 1, 1, block.inputs, block.expanded)
            norm(f"{block.name}_bn0", block.expanded)
        conv(f"{block.name}_depthwise_conv", block.kernel, block.kernel, block.expanded, 1)
        norm(f"{block.name}_bn1", block.expanded)
        conv(f"{block.name}_project_conv", 1, 1, block.expanded, block.channels)
        norm(f"{block.name}_bn2", block.channels)
        channels = block.channels
    conv("conv_head", 1, 1, channels, HEAD_CHANNELS)
    norm("bn1", HEAD_CHANNELS)
    weights["fc"] = [rng.normal(size=(HEAD_CHANNELS, 7)).astype(np.float32), np.arange(7, dtype=np.float32)]
    return weights


def windows(x: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """[h, w, kernel, kernel, C] of x[H, W, C], padded as TensorFlow does: what is odd goes below and to the right."""
    pads = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[:2]]
    padded = np.pad(x, [(pad // 2, pad - pad // 2) for pad in pads] + [(0, 0)])
    return np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (0, 1))[::stride, ::stride].transpose(
        0, 1, 3, 4, 2
    )


def normalised(x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    gamma, beta, mean, variance = weights
    return (x - mean) / np.sqrt(variance + EPSILON) * gamma + beta


def expected(x: np.ndarray, weights: Weights, last_block: int) -> np.ndarray:
    y = np.einsum("hwijc,ijco->hwo", windows(x, 3, 2), weights["conv_stem"][0])
    y = np.clip(normalised(y, weights["bn0"]), 0, 6)
    for block in LITE0.blocks(last_block):
        entered = y
        if block.expanded != block.inputs:
            y = np.clip(
                normalised(y @ weights[f"{block.name}_expand_conv"][0][0, 0], weights[f"{block.name}_bn0"]), 0, 6
            )
        depthwise = weights[f"{block.name}_depthwise_conv"][0][..., 0]
        y = np.einsum("hwijc,ijc->hwc", windows(y, block.kernel, block.stride), depthwise)
        y = np.clip(normalised(y, weights[f"{block.name}_bn1"]), 0, 6)
        y = normalised(y @ weights[f"{block.name}_project_conv"][0][0, 0], weights[f"{block.name}_bn2"])
        if block.residual:
            y = y + entered
    return y


def run(x: np.ndarray, weights: Weights, last_block: int | None, *, head: bool = False) -> np.ndarray:
    graph = Graph("test")
    y = efficientnet_lite(graph, graph.input("x", 3), weights, last_block=last_block, head=head)
    graph.output(y, "y")
    maps = OnnxNetwork(graph.model())({"x": np.ascontiguousarray(x.transpose(2, 0, 1)[None])})["y"]
    return maps[0].transpose(1, 2, 0)


@pytest.mark.parametrize("last_block", [0, 1, 2, 3])
def test_the_network_is_what_its_layers_say(last_block: int) -> None:
    """Block 0 has no expansion, 1 and 3 have a stride, 2 adds what entered."""
    weights = random_weights(last_block)
    x = np.random.default_rng(4).uniform(-1, 1, (21, 34, 3)).astype(np.float32)
    np.testing.assert_allclose(run(x, weights, last_block), expected(x, weights, last_block), rtol=1e-3, atol=1e-4)


def test_the_head_and_the_classifier_follow() -> None:
    weights = random_weights(1)
    x = np.random.default_rng(5).uniform(-1, 1, (20, 24, 3)).astype(np.float32)
    below = expected(x, weights, 1)
    top = np.clip(normalised(below @ weights["conv_head"][0][0, 0], weights["bn1"]), 0, 6)
    np.testing.assert_allclose(run(x, weights, 1, head=True), top, rtol=1e-3, atol=1e-4)
    graph = Graph("test")
    maps = efficientnet_lite(graph, graph.input("x", 3), weights, last_block=1, head=True)
    graph.output(classifier(graph, maps, weights), "y", 2)
    logits = OnnxNetwork(graph.model())({"x": np.ascontiguousarray(x.transpose(2, 0, 1)[None])})["y"]
    np.testing.assert_allclose(logits[0], top.mean((0, 1)) @ weights["fc"][0] + weights["fc"][1], rtol=1e-3, atol=1e-3)


def test_a_whole_network_has_sixteen_blocks_and_stride_32() -> None:
    weights = random_weights(None)
    x = picture(np.zeros((70, 97, 3), np.uint8))[0].transpose(1, 2, 0)
    assert run(x, weights, None).shape == (3, 4, 320)
    assert run(x, weights, None, head=True).shape == (3, 4, HEAD_CHANNELS)
    assert run(x, weights, LITE0.last_block(16)).shape == (5, 7, 112)
    assert len(list(LITE0.blocks())) == 16


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ReleaseError, match="no weights for layer block2_expand_conv"):
        run(np.zeros((8, 8, 3), np.float32), random_weights(1), 2)
    graph = Graph("test")
    with pytest.raises(InvalidArgumentError, match="there are efficientnet-lite0"):
        efficientnet_lite(graph, "x", {}, "efficientnet-b0")
