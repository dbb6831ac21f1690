"""The network: what its heads make of the trunk's features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.training.recipe import NetworkParameters
from steeple.errors import ReleaseError
from tests.tiny_training import NEEDS_TENSORFLOW, part

pytestmark = NEEDS_TENSORFLOW

SMALL = NetworkParameters(fusion=True, learned_attention=True, attention_channels=8, global_dimensions=6)
PLAIN = NetworkParameters(fusion=False, learned_attention=False, global_dimensions=6)


@pytest.fixture(scope="module")
def network() -> Any:
    return part("training.network")


@pytest.fixture(scope="module")
def imagenet() -> Any:
    return part("training.weights").imagenet("efficientnet-lite0")


@pytest.fixture(scope="module")
def small(network: Any, imagenet: Any) -> Any:
    model = network.delf_network(SMALL)
    network.set_weights(model, imagenet, missing_ok=True)
    return model


def outputs(model: Any, height: int = 64, width: int = 96) -> dict[str, NDArray[np.float32]]:
    images = np.random.default_rng(1).uniform(-1, 1, (2, height, width, 3)).astype(np.float32)
    return {name: np.asarray(value) for name, value in model(images, training=False).items()}


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


@pytest.mark.parametrize(("height", "width", "rows", "columns"), [(64, 96, 4, 6), (72, 49, 5, 4)])
def test_there_is_a_cell_for_every_sixteen_pixels(height: int, width: int, rows: int, columns: int, small: Any) -> None:
    shapes = {name: value.shape for name, value in outputs(small, height, width).items()}
    assert shapes == {
        "features": (2, rows, columns, 112),
        "descriptors": (2, rows, columns, 40),
        "attention_logits": (2, rows, columns, 1),
        "attention": (2, rows, columns, 1),
        "global": (2, 6),
    }


def test_the_heads_are_what_they_are_said_to_be(small: Any) -> None:
    made = outputs(small)
    projection = small.get_layer("descriptors").get_weights()[0][0, 0]
    # L2, projection and L2 again (DELF, section 4.3) come to one projection and one L2.
    np.testing.assert_allclose(unit(made["descriptors"]), unit(unit(made["features"]) @ projection), atol=1e-5)
    np.testing.assert_allclose(made["attention"], np.maximum(made["attention_logits"], 0))

    kernel, bias = small.get_layer("global_wide").get_weights()
    wide = np.maximum(made["features"] / 16 @ kernel[0, 0] + bias, 1e-3)
    pooled = np.cbrt((wide.astype(np.float64) ** 3).mean(axis=(1, 2)))
    kernel, bias = small.get_layer("global").get_weights()
    np.testing.assert_allclose(made["global"], pooled @ kernel + bias, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("parameters", [SMALL, PLAIN])
def test_the_network_for_inference_is_the_same_function(parameters: NetworkParameters, network: Any) -> None:
    model = network.delf_network(parameters)
    folded = network.for_inference(model)
    expected = outputs(model)
    for name, value in outputs(folded).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    assert not any(type(layer).__name__ == "Rescaling" for layer in folded.layers)


def test_the_generalised_mean_by_hand(network: Any) -> None:
    cells = np.array([1.0, 2, 3, 4, -5, -5, -5, -5], np.float32).reshape(1, 2, 2, 2, order="F")
    cells = np.stack([np.arange(1, 5).reshape(2, 2), np.full((2, 2), -5)], axis=-1)[None].astype(np.float32)
    made = np.asarray(network.GeneralisedMean()(cells))
    np.testing.assert_allclose(made, [[25 ** (1 / 3), 1e-3]], rtol=1e-5)


def test_without_a_head_of_its_own_attention_is_the_squared_norm(network: Any, imagenet: Any) -> None:
    model = network.delf_network(PLAIN)
    network.set_weights(model, imagenet, missing_ok=True)
    made = outputs(model)
    np.testing.assert_allclose(made["attention"][..., 0], np.square(made["features"]).sum(axis=-1), rtol=1e-4)


def test_fusion_begins_as_if_it_were_not_there(network: Any, imagenet: Any, small: Any) -> None:
    plain = network.delf_network(PLAIN)
    network.set_weights(plain, imagenet, missing_ok=True)
    np.testing.assert_allclose(outputs(small)["features"], outputs(plain)["features"], atol=1e-5)
    fused = network.delf_network(SMALL)
    network.set_weights(fused, network.get_weights(small))
    kernel, bias = fused.get_layer("fusion_project").get_weights()
    fused.get_layer("fusion_project").set_weights([kernel + 0.05, bias])
    assert np.abs(outputs(fused)["features"] - outputs(small)["features"]).max() > 0.1


def test_weights_go_from_one_network_to_another(network: Any, small: Any) -> None:
    weights = network.get_weights(small)
    other = network.delf_network(SMALL)
    network.set_weights(other, weights)
    for name, value in outputs(other).items():
        np.testing.assert_array_equal(value, outputs(small)[name])


def test_weights_of_another_network_are_refused(network: Any, small: Any) -> None:
    weights = network.get_weights(small)
    missing = {name: arrays for name, arrays in weights.items() if name != "global"}
    with pytest.raises(ReleaseError, match="there are no weights for layer global; they are of another network"):
        network.set_weights(network.delf_network(SMALL), missing)
    network.set_weights(network.delf_network(SMALL), missing, missing_ok=True)
    wider = {**weights, "descriptors": [np.zeros((1, 1, 112, 64), np.float32)]}
    with pytest.raises(ReleaseError, match=r"layer descriptors are of another shape: \[\(1, 1, 112, 64\)\]"):
        network.set_weights(network.delf_network(SMALL), wider)
