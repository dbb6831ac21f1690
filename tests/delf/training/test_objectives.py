"""The two stages as losses of a network."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
from typing import Any

import numpy as np
import pytest

from steeple.delf.training.batches import Batch, BatchMaker
from steeple.delf.training.photos import TrainingPhotos
from steeple.delf.training.recipe import AttentionStage, DescriptorStage, NetworkParameters, ViewParameters
from tests.scenes import encoded, scene
from tests.tiny_training import NEEDS_TENSORFLOW, part

pytestmark = NEEDS_TENSORFLOW

NETWORK = NetworkParameters(
    last_block=5, fusion=True, learned_attention=True, attention_channels=8, global_dimensions=16
)
DESCRIPTORS = DescriptorStage(temperature=0.1, forgiveness=0.0, classification=0.25, distillation=0.5)
ATTENTION = AttentionStage(classification=0.5, reliability=3.0)
LANDMARKS, CELLS = 2, 16


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    folder = tmp_path_factory.mktemp("photos")
    for name, number in itertools.product(("a", "b", "_none"), range(3)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / f"{number}.png").write_bytes(encoded(scene(ord(name[0]) + number, 160, 120), ".png"))
    photos = TrainingPhotos.below(folder)
    return BatchMaker(photos, (), ViewParameters(side=64), 16, 4, 4, 0.5, 0.0, seed=(1,))(0)


@pytest.fixture
def network() -> Any:
    importlib.import_module("keras").utils.set_random_seed(1)
    made = part("training.network").delf_network(NETWORK)
    part("training.network").set_weights(made, part("training.weights").imagenet("efficientnet-lite0"), missing_ok=True)
    return made


def teacher(images: Any) -> Any:
    """Tells cells apart by where they are."""
    pairs = images.shape[0]
    return np.tile(np.eye(CELLS, dtype=np.float32), (pairs, 1, 1))


def compiled(objective: Any, rate: float, *, eagerly: bool = False) -> Any:
    objective.compile(optimizer=importlib.import_module("keras").optimizers.Adam(rate), run_eagerly=eagerly)
    return objective


def steps(objective: Any, batch: Batch, count: int) -> list[dict[str, float]]:
    made = []
    for _ in range(count):
        objective.reset_metrics()
        logs = objective.train_on_batch(*batch, return_dict=True)
        made.append({name: float(value) for name, value in logs.items()})
    return made


def test_the_first_stage_learns_from_all_of_its_losses(network: Any, batch: Batch) -> None:
    objectives = part("training.objectives")
    objective = compiled(objectives.DescriptorObjective(network, LANDMARKS + 1, DESCRIPTORS, 16, teacher), 2e-3)
    every = steps(objective, batch, 12)
    for logs in every:
        parts = logs["matching"] + 0.25 * logs["classification"] + 0.5 * logs["distillation"]
        assert logs["loss"] == pytest.approx(parts, rel=1e-4)
        assert 0 <= logs["matched"] <= 1
    first, last = every[0], every[-1]
    for name in ("matching", "classification", "distillation"):
        assert last[name] < 0.9 * first[name], "a dozen steps on one batch"
    assert last["matched"] > first["matched"]


def test_the_loss_is_that_of_the_network_s_descriptors(network: Any, batch: Batch) -> None:
    """By the functions that are tested alone, on outputs of the network called alone."""
    losses, objectives = part("training.losses"), part("training.objectives")
    stage = dataclasses.replace(DESCRIPTORS, forgiveness=0.4, distillation=0.0)
    objective = compiled(objectives.DescriptorObjective(network, LANDMARKS + 1, stage, 16), 0.0, eagerly=True)
    inputs, wanted = batch
    views = {name: (inputs[name].astype(np.float32) - 127) / 128 for name in ("first", "second")}
    local = [np.asarray(network(view, training=False)["descriptors"]).reshape(4, CELLS, 40) for view in views.values()]
    unit = [vectors / np.linalg.norm(vectors, axis=-1, keepdims=True) for vectors in local]
    each = losses.matching(*unit, wanted["targets"], wanted["positions"], wanted["scenes"], stage.temperature, 16)
    (logs,) = steps(objective, batch, 1)
    assert logs["matching"] == pytest.approx(float(losses.weighted_mean(each, wanted["valid"])), rel=1e-3)
    forgiven = losses.forgiving(np.asarray(each), 0.4)
    expected = float(losses.weighted_mean(forgiven, wanted["valid"])) + 0.25 * logs["classification"]
    assert logs["loss"] == pytest.approx(expected, rel=1e-3)
    likely = (np.asarray(each) < np.log(2)) * wanted["valid"]
    assert logs["matched"] == pytest.approx(likely.sum() / wanted["valid"].sum(), abs=0.02)


def test_the_second_stage_learns_attention_and_leaves_descriptors_alone(network: Any, batch: Batch) -> None:
    """With all of the network free to learn, so that it is the loss that leaves them alone."""
    import tensorflow as tf  # noqa: PLC0415 - only where these tests run

    objectives = part("training.objectives")
    objective = compiled(objectives.AttentionObjective(network, LANDMARKS, ATTENTION, 16, 0.1, learned=True), 2e-3)
    inputs, wanted = ({name: tf.constant(array) for name, array in part.items()} for part in batch)
    local = network.get_layer("descriptors").kernel
    with tf.GradientTape() as tape:
        loss = objective.compute_loss(y=wanted, y_pred=objective(inputs))
    attention = network.get_layer("attention_logits").kernel
    to_descriptors, to_attention = tape.gradient(loss, [local.value, attention.value])
    assert to_descriptors is None
    assert float(tf.norm(to_attention)) > 1e-4

    for layer in network.layers:  # as a run has it
        layer.trainable = layer.name.startswith(("attention", "global"))
    compiled(objective, 5e-3)
    before = part("training.network").get_weights(network)
    every = steps(objective, batch, 12)
    for logs in every:
        parts = 0.5 * logs["classification"] + 3 * logs["reliability"] + logs["global"] + logs["global_classification"]
        assert logs["loss"] == pytest.approx(parts, rel=1e-4)
        assert 0 <= logs["recognised"] <= 1
    for name in ("classification", "reliability", "global", "global_classification"):
        assert every[-1][name] < every[0][name]
    learned = set()
    for name, arrays in part("training.network").get_weights(network).items():
        if any((array != old).any() for array, old in zip(arrays, before[name], strict=True)):
            learned.add(name)
    assert learned == {"attention_hidden", "attention_logits", "global_wide", "global"}


def test_attention_that_is_not_learned_costs_nothing_and_only_the_global_descriptor_learns(
    network: Any, batch: Batch
) -> None:
    objectives = part("training.objectives")
    for layer in network.layers:  # as a run has it
        layer.trainable = layer.name.startswith("global")
    objective = compiled(objectives.AttentionObjective(network, LANDMARKS, ATTENTION, 16, 0.1, learned=False), 5e-3)
    before = part("training.network").get_weights(network)
    every = steps(objective, batch, 12)
    for logs in every:
        assert set(logs) == {"loss", "global", "global_classification"}
        assert logs["loss"] == pytest.approx(logs["global"] + logs["global_classification"], rel=1e-5)
    assert every[-1]["loss"] < every[0]["loss"]
    after = part("training.network").get_weights(network)
    changed = {
        name
        for name, arrays in after.items()
        if any((array != old).any() for array, old in zip(arrays, before[name], strict=True))
    }
    assert changed == {"global_wide", "global"}
