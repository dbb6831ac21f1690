"""Where a cell looks, by hand and by trying."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from tests.tiny_training import NEEDS_TENSORFLOW, part

pytestmark = NEEDS_TENSORFLOW


@pytest.fixture(scope="module")
def keras() -> Any:
    return importlib.import_module("keras")


@pytest.fixture(scope="module")
def field() -> Any:
    return part("training.receptive_field")


def stack(keras: Any, *layers: tuple[int, int, str]) -> Any:
    """Convolutions of kernel, stride and padding, one after the other; the last is called ``end``."""
    image = x = keras.Input((None, None, 1))
    for number, (kernel, stride, padding) in enumerate(layers):
        name = "end" if number == len(layers) - 1 else f"conv{number}"
        x = keras.layers.Conv2D(1, kernel, stride, padding, kernel_initializer="ones", name=name)(x)
    return keras.Model(image, x)


@pytest.mark.parametrize(
    ("layers", "stride", "size", "first"),
    [
        ([(1, 1, "same")], 1, 1, 0),
        ([(3, 1, "same")], 1, 3, -1),
        ([(3, 1, "valid")], 1, 3, 0),
        ([(3, 1, "same"), (3, 1, "same")], 1, 5, -2),
        ([(3, 2, "same")], 2, 3, 0),  # one pixel of padding, and it lies behind
        ([(5, 2, "same")], 2, 5, -1),
        ([(1, 2, "same")], 2, 1, 0),
        ([(3, 2, "same"), (3, 1, "same")], 2, 7, -2),
        ([(3, 2, "same"), (3, 2, "same")], 4, 7, 0),
        ([(3, 2, "same"), (5, 2, "same"), (3, 1, "same")], 4, 19, -6),
    ],
)
def test_stacks_by_hand_and_by_trying(
    layers: list[tuple[int, int, str]], stride: int, size: int, first: int, keras: Any, field: Any
) -> None:
    model = stack(keras, *layers)
    assert field.receptive_field(model, "end") == field.ReceptiveField(stride, size, first)
    # All weights are 1: a cell sees a pixel if and only if the pixel changes it.
    side, cell = 64, 5
    seen = np.zeros(side, bool)
    for pixel in range(side):
        image = np.zeros((1, side, side, 1), np.float32)
        image[0, pixel] = 1
        seen[pixel] = np.asarray(model(image))[0, cell, cell, 0] != 0
    begin = first + cell * stride
    np.testing.assert_array_equal(np.flatnonzero(seen), np.arange(begin, begin + size))


def test_branches_see_what_either_sees(keras: Any, field: Any) -> None:
    image = keras.Input((None, None, 1))
    wide = keras.layers.Conv2D(1, 7, 1, "same")(image)
    forward = keras.layers.DepthwiseConv2D(3, 1, "valid")(image)
    forward = keras.layers.ZeroPadding2D(((0, 2), (0, 2)))(forward)
    joined = keras.layers.Add(name="joined")([wide, forward])
    model = keras.Model(image, keras.layers.ReLU(name="end")(joined))
    assert field.receptive_field(model, "end") == field.ReceptiveField(1, 7, -3)


@pytest.mark.parametrize("fusion", [False, True])
def test_the_network_s_cells_see_what_is_stated_and_no_more(fusion: bool, field: Any) -> None:
    """By hand, the size grows by (kernel - 1) x stride so far:

    stem 3; blocks at stride 2 and 4: 7, 11, 19; at stride 8: 35, 67; at 16: 83, 115, 147, 211, 275, 339.
    """
    recipe, network = part("training.recipe"), part("training.network")
    model = network.delf_network(recipe.NetworkParameters(fusion=fusion))
    for layer in (network.DESCRIPTORS, network.ATTENTION):
        assert field.receptive_field(model, layer) == field.ReceptiveField(16, 339, -154)
    # With weights that only average, a cell sees a row of pixels if and only if the row makes it positive.
    for each in model.layers:
        if hasattr(each, "kernel"):
            each.kernel.assign(np.full(each.kernel.shape, 1 / np.prod(each.kernel.shape[:3])))
    side, cell = 448, 12
    begin, end = cell * 16 - 154, cell * 16 - 154 + 339
    images = np.zeros((4, side, side, 3), np.float32)
    for image, row in zip(images, (begin - 1, begin, end - 1, end), strict=True):
        image[row] = 1
    features = np.asarray(model(images, training=False)[network.FEATURES])[:, cell, cell]
    assert (features.max(axis=1) > 0).tolist() == [False, True, True, False]


def test_the_effective_centre_is_where_the_weights_lie(keras: Any, field: Any) -> None:
    """A convolution of 5 pixels, all but one of whose weights are 0."""
    image = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(2, 5, 4, "same", use_bias=False)
    model = keras.Model(image, {"features": layer(image)})
    kernel = np.zeros((5, 5, 3, 2), np.float32)
    kernel[3, 1] = 1.0  # y, x; on sides that 4 divides, nothing is padded before
    layer.set_weights([kernel])
    assert field.effective_centre(model, "features", 4, side=32) == pytest.approx((1.0, 3.0), abs=1e-5)
