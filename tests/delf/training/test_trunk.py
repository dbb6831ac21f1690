"""EfficientNet-Lite0 with its pretrained weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.delf.network import Network
from tests.scenes import scene
from tests.tiny_training import NEEDS_TENSORFLOW, part

pytestmark = NEEDS_TENSORFLOW


@pytest.fixture(scope="module")
def weights() -> Any:
    return part("training.weights").imagenet()


@pytest.fixture(scope="module")
def trunk(weights: Any) -> Any:
    made = part("training.trunk").efficientnet_lite0(10)
    part("training.trunk").set_weights(made, weights)
    return made


def test_every_layer_of_the_trunk_has_its_pretrained_weights(trunk: Any, weights: Any) -> None:
    layers = {layer.name: layer.get_weights() for layer in trunk.layers if layer.weights}
    assert len(layers) == 2 + 11 * 6 - 2, "the stem, and 11 blocks of three convolutions, the first of two"
    for name, arrays in layers.items():
        for array, expected in zip(arrays, weights[name], strict=True):
            np.testing.assert_array_equal(array, expected)
    assert trunk.count_params() == sum(array.size for arrays in layers.values() for array in arrays)


def test_the_trunk_is_that_of_the_paper(trunk: Any) -> None:
    output = trunk(np.zeros((1, 96, 128, 3), np.float32), training=False)
    assert tuple(output.shape) == (1, 6, 8, 112), "stride 16, 112 channels"


def test_the_release_that_ships_was_made_of_it(trunk: Any) -> None:
    """The same trunk, quantized, is in ``delf-base``; its attention is the squared norm of the trunk's features."""
    picture = scene(5, 320, 240)
    _, scores = Network(ModelRelease.load("delf-base").network_path)(picture)
    features = np.asarray(trunk(part("export.tflite").scaled(picture)[None], training=False))[0]
    assert np.corrcoef(scores.ravel(), np.square(features).sum(axis=-1).ravel())[0, 1] > 0.95
