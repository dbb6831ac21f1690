import cv2
import numpy as np
import pytest

from steeple.baselines.graph import Graph, OnnxNetwork
from steeple.errors import ReleaseError


def run(graph: Graph, x: np.ndarray) -> np.ndarray:
    return OnnxNetwork(graph.model())({"x": x})["y"]


def test_a_convolution_pads_as_tensorflow_does_and_has_a_kernel_in_keras_layout() -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 2, 4)).astype(np.float32)
    x = rng.normal(size=(1, 2, 6, 7)).astype(np.float32)
    graph = Graph("test")
    graph.output(graph.conv(graph.input("x", 2), kernel, np.arange(4, dtype=np.float32), stride=2), "y")
    y = run(graph, x)
    assert y.shape == (1, 4, 3, 4)
    padded = np.pad(x, ((0, 0), (0, 0), (0, 1), (1, 1)))  # 6 rows: one below; 7 columns: one on either side
    window = padded[0, :, 2:5, 4:7].transpose(1, 2, 0)
    expected = (window[..., None] * kernel).sum(axis=(0, 1, 2)) + np.arange(4)
    np.testing.assert_allclose(y[0, :, 1, 2], expected, rtol=1e-4)


def test_a_depthwise_convolution_keeps_channels_apart() -> None:
    kernel = np.zeros((3, 3, 2, 1), np.float32)
    kernel[1, 1, 0], kernel[1, 1, 1] = 2.0, -1.0
    x = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    graph = Graph("test")
    graph.output(graph.depthwise(graph.input("x", 2), kernel), "y")
    np.testing.assert_array_equal(run(graph, x), x * np.array([2.0, -1.0], np.float32)[None, :, None, None])


def test_normalisation_limits_and_units() -> None:
    x = np.array([[[[3.0]], [[4.0]]]], np.float32)
    graph = Graph("test")
    mean, variance = np.zeros(2, np.float32), np.full(2, 0.25, np.float32)
    y = graph.relu(graph.norm(graph.input("x", 2), [mean, variance], 0.0), 7.0)
    graph.output(graph.unit(y), "y")  # 6 and 8, of which 7 remains
    np.testing.assert_allclose(run(graph, x).ravel(), np.array([6.0, 7.0]) / np.hypot(6.0, 7.0), rtol=1e-5)


def test_enlarging_is_opencvs() -> None:
    x = np.random.default_rng(1).normal(size=(1, 1, 5, 4)).astype(np.float32)
    graph = Graph("test")
    graph.output(graph.upsample(graph.input("x", 1), 2), "y")
    np.testing.assert_allclose(run(graph, x)[0, 0], cv2.resize(x[0, 0], (8, 10)), atol=1e-5)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ReleaseError, match="cannot be loaded"):
        OnnxNetwork(b"PK and nothing else")
