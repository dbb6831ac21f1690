"""The EfficientNet-Lite family with its pretrained weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.delf.network import Network
from tests.scenes import scene
from tests.tiny_training import NEEDS_TENSORFLOW, part

pytestmark = NEEDS_TENSORFLOW


# Of each: the last block at stride 16 and its channels.
FAMILY = pytest.mark.parametrize(
    ("name", "last_block", "channels"),
    [("efficientnet-lite0", 10, 112), ("efficientnet-lite1", 14, 112), ("efficientnet-lite2", 14, 120)],
)


def made(name: str, last_block: int) -> tuple[Any, Any]:
    weights = part("training.weights").imagenet(name)
    trunk = part("training.trunk").TRUNKS[name].network(last_block)
    part("training.trunk").set_weights(trunk, weights)
    return trunk, weights


@FAMILY
def test_every_layer_of_a_trunk_has_its_pretrained_weights(name: str, last_block: int, channels: int) -> None:
    trunk, weights = made(name, last_block)
    layers = {layer.name: layer.get_weights() for layer in trunk.layers if layer.weights}
    assert len(layers) == 2 + (last_block + 1) * 6 - 2, "the stem, and blocks of three convolutions, the first of two"
    for layer, arrays in layers.items():
        for array, expected in zip(arrays, weights[layer], strict=True):
            np.testing.assert_array_equal(array, expected)
    assert trunk.count_params() == sum(array.size for arrays in layers.values() for array in arrays)


@FAMILY
def test_a_trunk_is_that_of_its_paper(name: str, last_block: int, channels: int) -> None:
    trunk = part("training.trunk").TRUNKS[name]
    output = trunk.network(last_block)(np.zeros((1, 96, 128, 3), np.float32), training=False)
    assert tuple(output.shape) == (1, 6, 8, channels), "stride 16"
    assert trunk.last_block(16) == last_block
    further = trunk.network(last_block + 1)(np.zeros((1, 96, 128, 3), np.float32), training=False)
    assert tuple(further.shape[:3]) == (1, 3, 4), "and the block after it has stride 32"


def test_recipes_name_the_trunks_that_there_are() -> None:
    known = part("training.recipe").TRUNKS
    assert known == tuple(part("training.trunk").TRUNKS) == tuple(part("training.pretrained").IMAGENET)


def test_the_release_that_ships_was_made_of_it() -> None:
    """The same trunk, quantized, is in ``delf-base``; its attention is the squared norm of the trunk's features."""
    trunk, _ = made("efficientnet-lite0", 10)
    picture = scene(5, 320, 240)
    _, scores = Network(ModelRelease.load("delf-base").network_path)(picture)
    features = np.asarray(trunk(part("export.tflite").scaled(picture)[None], training=False))[0]
    assert np.corrcoef(scores.ravel(), np.square(features).sum(axis=-1).ravel())[0, 1] > 0.95
