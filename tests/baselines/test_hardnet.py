"""HardNet's graph does what its layers say, worked out with numpy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.baselines.hardnet import HardNet
from steeple.baselines.patches import SIDE, normalised
from steeple.errors import ReleaseError

Array = NDArray[np.float32]


def weights(seed: int = 0, channels: int = 2, dimensions: int = 5) -> dict[str, list[Array]]:
    rng = np.random.default_rng(seed)
    sizes = [1, channels, channels, 2 * channels, 2 * channels, 4 * channels, 4 * channels]
    made: dict[str, list[Array]] = {}
    for number in range(7):
        last = number == 6
        kernel, out = (SIDE // 4, dimensions) if last else (3, sizes[number + 1])
        shape = (kernel, kernel, sizes[number], out)
        made[f"conv{number}"] = [rng.normal(0, 0.5, shape).astype(np.float32)]
        mean, variance = rng.normal(0, 0.1, out), rng.uniform(0.5, 2, out)
        made[f"norm{number}"] = [mean.astype(np.float32), variance.astype(np.float32)]
    return made


def convolved(x: Array, kernel: Array, stride: int, *, padded: bool) -> Array:
    """x float32[H, W, C], padded as TensorFlow does."""
    size = kernel.shape[0]
    if padded:
        total = max((-(-x.shape[0] // stride) - 1) * stride + size - x.shape[0], 0)
        x = np.pad(x, ((total // 2, total - total // 2), (total // 2, total - total // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(0, 1))[::stride, ::stride]
    return np.asarray(np.einsum("hwcij,ijco->hwo", windows, kernel), np.float32)


def forward(patch: NDArray[np.uint8], layers: dict[str, list[Array]]) -> Array:
    x: Array = normalised(patch[None])[0, 0, :, :, None]
    for number, stride in enumerate((1, 1, 2, 1, 2, 1, 1)):
        x = convolved(x, layers[f"conv{number}"][0], stride, padded=number < 6)
        mean, variance = layers[f"norm{number}"]
        x = (x - mean) / np.sqrt(variance + 1e-5)
        x = np.maximum(x, 0) if number < 6 else x
    flat = x.reshape(-1)
    return np.asarray(flat / np.linalg.norm(flat), np.float32)


def test_the_graph_does_what_its_layers_say() -> None:
    layers = weights()
    patches = np.random.default_rng(1).integers(0, 256, (300, SIDE, SIDE)).astype(np.uint8)
    made = HardNet(layers)(patches)
    assert made.shape == (300, 5)
    for number in (0, 299):  # of the first and of the second portion
        np.testing.assert_allclose(made[number], forward(patches[number], layers), atol=1e-4)


def test_no_patches_make_no_descriptors() -> None:
    assert HardNet(weights())(np.empty((0, SIDE, SIDE), np.uint8)).shape == (0, 5)


def test_weights_of_another_network_are_refused() -> None:
    layers = weights()
    del layers["norm3"]
    with pytest.raises(ReleaseError, match="norm3"):
        HardNet(layers)
    with pytest.raises(ReleaseError, match="conv6"):
        HardNet({})
