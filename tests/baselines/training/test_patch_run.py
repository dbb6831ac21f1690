"""A training run of a few steps on pictures made on the spot, and that what it writes is what was trained."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steeple.baselines import releases
from steeple.baselines.hardnet import HardNet
from steeple.baselines.lift import Lift
from steeple.baselines.training.correspondences import PairParameters
from steeple.baselines.training.pool import HELD_BACK
from steeple.delf.training.photos import is_held_back
from steeple.errors import InvalidArgumentError
from tests.scenes import encoded, scene
from tests.tiny_training import NEEDS_TENSORFLOW, quiet

pytestmark = NEEDS_TENSORFLOW


@pytest.fixture(scope="module")
def run() -> Iterator[Any]:
    module = importlib.import_module("steeple.baselines.training.patch_run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_VALIDATION_AT_LEAST", 100)
        yield module


@pytest.fixture(scope="module")
def objectives() -> Any:
    return importlib.import_module("steeple.baselines.training.patch_objectives")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    names = [f"{number}.jpg" for number in range(1000)]
    held = [name for name in names if is_held_back(Path(name), HELD_BACK)]
    used = [name for name in names if name not in held]
    for number, name in enumerate([*used[:34], *held[:6]]):
        (folder / name).write_bytes(encoded(scene(number, 160, 120)))
    return folder


def recipe(run: Any, network: str, steps: int) -> Any:
    return run.PatchRecipe(network, seed=1, steps=steps, batch=32, pool=300, pairs=PairParameters(per_photo=16))


@pytest.mark.parametrize("network", ["hardnet", "lift"])
def test_a_run_writes_what_it_did(network: str, run: Any, data: Path, tmp_path: Path) -> None:
    output = tmp_path / f"{network}.npz"
    trained = run.train(data, output, recipe(run, network, 12), quiet)
    assert releases.load(network, tmp_path).facts == trained.facts
    assert trained.facts["steps"] == 12
    assert trained.facts["recipe"]["network"] == network
    assert trained.facts["photos"]["training"] == 34
    assert trained.facts["photos"]["validation"] == 6
    assert 0 <= trained.facts["figures"]["fpr95"] <= 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{network}.json", f"{network}.npz"]


def test_the_loss_falls(run: Any, objectives: Any) -> None:
    """The same batch again and again must be learned by heart, by each part."""
    keras = importlib.import_module("keras")
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    found = importlib.import_module("steeple.baselines.training.correspondences").corresponding(
        scene(1, 320, 240), PairParameters(per_photo=24), rng
    )
    pairs = importlib.import_module("steeple.baselines.training.patch_pairs")
    for kind in (objectives.HardNetObjective, objectives.LiftObjective):
        objective = kind()
        arrays = pairs.patch_pairs(found, objective.patches, rng)
        arrays["photo"] = arrays["scene"] = np.arange(len(arrays["first"]), dtype=np.int32)
        objective.compile(optimizer=keras.optimizers.Adam(2e-3))
        told = []
        for _ in range(25):
            objective.reset_metrics()
            told.append(objective.train_on_batch(arrays, return_dict=True))
        for part in objective.parts:
            assert float(told[-1][part]) < 0.95 * float(told[0][part]), (kind, part)


def test_a_run_that_was_interrupted_goes_on_to_the_same_weights(
    run: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_VALIDATE_EVERY", 3)
    whole = run.train(data, tmp_path / "whole.npz", recipe(run, "hardnet", 6), quiet)

    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == "hardnet" and done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.train(data, tmp_path / "halves.npz", recipe(run, "hardnet", 6), interrupt)
    done: list[int] = []
    halves = run.train(
        data,
        tmp_path / "halves.npz",
        recipe(run, "hardnet", 6),
        lambda stage, number, total: done.append(number) if stage == "hardnet" else None,
    )
    assert done == [4, 5, 6]
    for layer, arrays in whole.weights.items():
        np.testing.assert_allclose(halves.weights[layer][0], arrays[0], atol=2e-3)


def test_time_that_is_up_ends_a_run_with_what_there_is(run: Any, data: Path, tmp_path: Path) -> None:
    trained = run.train(data, tmp_path / "hardnet.npz", recipe(run, "hardnet", 10**6), quiet, seconds=0.1)
    assert trained.facts["steps"] <= 3
    assert len(HardNet(trained.weights)(np.zeros((2, 32, 32), np.uint8))) == 2


def test_what_runs_in_the_lab_is_what_was_trained(objectives: Any) -> None:
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (5, 32, 32)).astype(np.uint8)
    pool = {"first": patches, "second": patches}
    networks = importlib.import_module("steeple.baselines.training.patch_networks")
    hardnet = objectives.HardNetObjective()
    made = np.asarray(hardnet(pool)["first"])
    np.testing.assert_allclose(HardNet(hardnet.weights_by_layer())(patches), made, atol=1e-4)

    lift = objectives.LiftObjective()
    lab = Lift(lift.weights_by_layer())
    described = np.asarray(lift.networks["descriptor"](networks.normalised(patches)))
    np.testing.assert_allclose(lab.descriptors(patches), described, atol=1e-4)
    directions = np.asarray(lift.networks["orientation"](networks.normalised(patches)))
    np.testing.assert_allclose(lab.angles(patches), np.arctan2(directions[:, 1], directions[:, 0]), atol=1e-3)
    scores = np.asarray(lift.networks["detector"](networks.grey(patches)))
    np.testing.assert_allclose(lab.scores(patches[0])[6:-6, 6:-6], scores[0], atol=1e-4)


def test_figures_of_descriptors_that_tell_all_apart_and_of_such_that_tell_nothing(objectives: Any) -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=(2000, 32)).astype(np.float32)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    photos = np.arange(2000) // 10
    perfect = objectives.descriptor_figures(first, first, photos, photos)
    assert perfect == {"fpr95": 0.0, "matched": 1.0, "within": 1.0}
    blind = objectives.descriptor_figures(first, np.roll(first, 1000, axis=0), photos, photos)
    assert 0.9 < blind["fpr95"] < 1
    assert blind["matched"] < 0.01
    assert blind["within"] == pytest.approx(0.1, abs=0.03)  # of ten in a scene


def test_a_run_begins_with_the_weights_that_it_is_given(run: Any, objectives: Any, data: Path, tmp_path: Path) -> None:
    begun = objectives.HardNetObjective()
    start = releases.save(tmp_path / "start.npz", begun.weights_by_layer(), {"paper": "none"})
    trained = run.train(data, tmp_path / "on.npz", recipe(run, "hardnet", 1), quiet, start=start)
    assert trained.facts["start"] == {"paper": "none"}
    for layer, arrays in start.weights.items():
        if layer.startswith("conv"):  # one step of warming up changes next to nothing
            np.testing.assert_allclose(trained.weights[layer][0], arrays[0], atol=2e-3)
    with pytest.raises(InvalidArgumentError, match="another network's"):
        run.train(data, tmp_path / "on.npz", recipe(run, "lift", 1), quiet, start=start)


def test_an_output_that_cannot_be_written_is_refused_at_once(run: Any, data: Path, tmp_path: Path) -> None:
    for output in (tmp_path / "missing" / "hardnet.npz", tmp_path / "hardnet.bin"):
        with pytest.raises(InvalidArgumentError, match=r"ending in \.npz"):
            run.train(data, output, recipe(run, "hardnet", 1), quiet)
    with pytest.raises(InvalidArgumentError, match="no patch network"):
        run.train(data, tmp_path / "x.npz", run.PatchRecipe("sift"), quiet)
