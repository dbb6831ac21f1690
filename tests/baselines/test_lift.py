"""The graphs of the LIFT-like network do what their layers say, worked out with numpy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.baselines.lift import Lift
from steeple.baselines.patches import SIDE, normalised
from steeple.errors import ReleaseError

Array = NDArray[np.float32]


def weights(seed: int = 0) -> dict[str, list[Array]]:
    """Of the right kernels and of few channels."""
    rng = np.random.default_rng(seed)
    plan = {
        "detector": ((5, 1, 2), (5, 2, 2), (5, 2, 3), (1, 3, 1)),
        "orientation": ((5, 1, 2), (5, 2, 2), (3, 2, 3), (4, 3, 3), (1, 3, 2)),
        "descriptor": ((7, 1, 2), (6, 2, 3), (4, 3, 4)),
    }
    return {
        f"{part}{number}": [
            rng.normal(0, 0.2, (kernel, kernel, before, after)).astype(np.float32),
            rng.normal(0, 0.2, after).astype(np.float32),
        ]
        for part, layers in plan.items()
        for number, (kernel, before, after) in enumerate(layers)
    }


def convolved(x: Array, layer: list[Array], border: int = 0) -> Array:
    """x float32[H, W, C], with so many zeros around it."""
    x = np.pad(x, ((border, border), (border, border), (0, 0)))
    size = layer[0].shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(0, 1))
    return np.asarray(np.einsum("hwcij,ijco->hwo", windows, layer[0]) + layer[1], np.float32)


def quarters(x: Array) -> Array:
    """float32[H / 2, W / 2, C, 4]: the pixels of squares of 2 x 2."""
    return np.stack([x[row::2, column::2] for row in (0, 1) for column in (0, 1)], axis=-1)


PATCHES = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE)).astype(np.uint8)


def test_scores_are_of_the_pictures_size_and_each_pixel_sees_what_is_around_it() -> None:
    layers, picture = weights(), np.random.default_rng(2).integers(0, 256, (30, 41)).astype(np.uint8)
    scores = Lift(layers).scores(picture)
    assert scores.shape == (30, 41)
    x: Array = ((picture.astype(np.float32) - np.float32(128)) / np.float32(64))[:, :, None]
    for number in range(3):
        x = np.maximum(convolved(x, layers[f"detector{number}"]), 0)
    inside = convolved(x, layers["detector3"])[:, :, 0]
    np.testing.assert_allclose(scores[6:-6, 6:-6], inside, atol=1e-4)


def test_an_orientation_is_the_angle_of_what_the_layers_make() -> None:
    layers = weights()
    x: Array = normalised(PATCHES[1:2])[0, 0, :, :, None]
    for number, border in enumerate((2, 2, 1)):
        x = quarters(np.maximum(convolved(x, layers[f"orientation{number}"], border), 0)).max(axis=-1)
    x = np.maximum(convolved(x, layers["orientation3"]), 0)
    cos, sin = convolved(x, layers["orientation4"])[0, 0]
    assert Lift(layers).angles(PATCHES)[1] == pytest.approx(np.arctan2(sin, cos), abs=1e-4)


def test_a_descriptor_is_what_three_layers_make() -> None:
    layers = weights()
    x: Array = normalised(PATCHES[2:3])[0, 0, :, :, None]
    for number in range(2):
        x = np.tanh(convolved(x, layers[f"descriptor{number}"]))
        x = np.sqrt((quarters(x) ** 2).mean(axis=-1) + 1e-8)
    x = convolved(x, layers["descriptor2"])[0, 0]
    made = Lift(layers).descriptors(PATCHES)
    assert made.shape == (3, 4)
    np.testing.assert_allclose(made[2], x / np.linalg.norm(x), atol=1e-4)


def test_weights_of_another_network_are_refused() -> None:
    layers = weights()
    del layers["orientation4"]
    with pytest.raises(ReleaseError, match="orientation4"):
        Lift(layers)
