"""``steeple model train`` and ``export`` from photos to a release. Run by `make test-train`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from steeple.delf import ModelRelease
from steeple.delf.training.photos import is_held_back
from steeple.server.calibration import EVIDENCE
from tests.conftest import TinyRun
from tests.tiny_training import INDEX, NEEDS_TENSORFLOW, RECIPE, part, write_recipe

from .support import Steeple

pytestmark = NEEDS_TENSORFLOW


def test_a_finished_run_is_told_again(tiny_run: TinyRun, steeple: Steeple) -> None:
    given = ("model", "train", "--data", tiny_run.photos, "--recipe", tiny_run.recipe, "--output", tiny_run.folder)
    ran = steeple(*given, "--json")
    assert ran.code == 0, ran.err
    facts = json.loads((tiny_run.folder / "run.json").read_text(encoding="utf-8"))
    assert {name: ran.json[name] for name in facts} == facts
    assert ran.json["run"] == str(tiny_run.folder)
    assert {stage: entry["step"] for stage, entry in ran.json["last"].items()} == {
        stage: RECIPE[stage]["steps"] for stage in ("descriptors", "attention")
    }
    text = steeple(*given)
    assert text.code == 0
    assert "3 landmarks" in text.out
    assert f"{ran.json['last']['attention']['loss']:.4g}" in text.out
    assert f"steeple model export {tiny_run.folder} --data {tiny_run.photos}" in " ".join(text.out.split())


def test_options_go_before_the_recipe(tiny_run: TinyRun, steeple: Steeple) -> None:
    """What the run was begun with may be said either way; what differs is another run."""
    given = ("model", "train", "--data", tiny_run.photos, "--recipe", tiny_run.recipe, "--output", tiny_run.folder)
    back = [argument for name in RECIPE["held_back"] for argument in ("--hold-back", name)]
    assert steeple(*given, *back, "--hold-back-share", 0.5, "--seed", RECIPE["seed"], "--json").code == 0
    for other in (("--seed", 4), ("--hold-back-share", 0.25), ("--hold-back", "landmark-0")):
        ran = steeple(*given, *other, "--json")
        assert (ran.code, ran.error["status"]) == (5, "ALREADY_EXISTS")
        assert "another recipe, start or set of photos" in ran.error["message"]


def test_what_cannot_be_trained_is_said(tiny_run: TinyRun, steeple: Steeple, tmp_path: Path) -> None:
    given = ("model", "train", "--output", tmp_path / "run", "--json")
    for arguments, code, says in (
        (("--data", tmp_path / "none"), 2, "there is no folder"),
        (("--data", tmp_path), 2, "has no folders of photos to train on"),
        (("--data", tiny_run.photos, "--hold-back", "castle"), 2, "has no landmark castle to hold back"),
        (("--data", tiny_run.photos, "--from", "delf-base"), 6, "delf-base carries no weights to train on from"),
        (("--data", tiny_run.photos, "--from", "delf-none"), 4, "delf-none"),
        (("--data", tiny_run.photos, "--hold-back-share", "2"), 2, "--hold-back-share"),
    ):
        ran = steeple(*given, *arguments)
        assert (ran.code, says in ran.error["message"]) == (code, True), ran.err
    assert not (tmp_path / "run").exists()


def test_a_release_is_trained_on(tiny_run: TinyRun, tiny_release: Path, steeple: Steeple, tmp_path: Path) -> None:
    """One step a stage, with the teacher: what the release knew is still there."""
    recipe = write_recipe(
        tmp_path / "finetune.json",
        descriptors={"steps": 1, "pairs": 2, "labelled": 2, "mined": 0.0, "rate": 1e-3, "distillation": 0.5},
        attention={"steps": 0},
    )
    ran = steeple(
        *("model", "train", "--data", tiny_run.photos, "--from", tiny_release),
        *("--recipe", recipe, "--output", tmp_path / "run", "--json"),
    )
    assert ran.code == 0, ran.err
    assert ran.json["start"] == "delf-tiny"
    assert ran.json["last"]["descriptors"]["distillation"] > 0
    load = part("training.weights").load
    before, after = load(tiny_release / "weights.npz"), load(tmp_path / "run" / "weights.npz")
    moved = {
        name: max(float(np.abs(one - two).max()) for one, two in zip(arrays, after[name], strict=True) if one.size)
        for name, arrays in before.items()
    }
    assert 1e-4 < moved["descriptors"] < 2e-3, "a step of Adam is as long as the rate"
    for name, distance in moved.items():
        learns = name.startswith(("descriptors", "fusion")) or (
            name.startswith("block") and "_bn" not in name and int(name[5:].split("_")[0]) >= 5
        )
        assert distance < (2e-3 if learns else 1e-9), name
    assert sum(distance > 0 for distance in moved.values()) > 10


def test_a_release_is_made_and_calibrated(tiny_run: TinyRun, tiny_release: Path, steeple: Steeple) -> None:
    assert steeple("model", "verify", tiny_release).code == 0
    release = ModelRelease.load(str(tiny_release))
    assert set(release.calibration.weights) == set(EVIDENCE)
    assert 0.5 <= release.calibration.threshold < 1
    facts = release.manifest["provenance"]["calibration"]["photos"]
    strangers = [path for path in (tiny_run.photos / "_strangers").iterdir() if is_held_back(path, 0.5)]
    assert {name: count for name, count in facts.items() if name != "sha256"} == {
        "reference": 3,
        "query": 6,
        "distractor": len(strangers),
        "filler": 9,
    }
    assert [path.name for path in tiny_release.parent.iterdir()] == ["delf-tiny"], "nothing is left beside it"


def test_the_same_run_makes_the_same_bytes(
    tiny_run: TinyRun, tiny_release: Path, steeple: Steeple, tmp_path: Path
) -> None:
    given = ("model", "export", tiny_run.folder, "--data", tiny_run.photos, "--index", INDEX, "--json")
    ran = steeple(*given, "--output", tiny_release)
    assert (ran.code, ran.error["status"]) == (5, "ALREADY_EXISTS")
    assert "--force" in ran.error["message"]
    again = steeple(*given, "--output", tmp_path / "again", "--name", "delf-tiny")
    assert again.code == 0, again.err
    assert (again.json["release"], again.json["index"]) == ("delf-tiny", INDEX)
    for file in tiny_release.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes(), file.name


def test_what_cannot_be_exported_is_said(tiny_run: TinyRun, steeple: Steeple, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    others = shutil.copytree(tiny_run.photos, tmp_path / "others")
    (others / "landmark-1" / "1.jpg").unlink()
    # A run that held nothing back: the same photos, but for those that this one held back.
    all_trained = shutil.copytree(tiny_run.photos, tmp_path / "all")
    for path in (all_trained / "_strangers").iterdir():
        if is_held_back(path, RECIPE["held_back_share"]):
            path.unlink()
    for name in RECIPE["held_back"]:
        shutil.rmtree(all_trained / name)
    bare = shutil.copytree(tiny_run.folder, tmp_path / "bare")
    facts = json.loads((bare / "run.json").read_text(encoding="utf-8"))
    facts["recipe"] |= {"held_back": [], "held_back_share": 0.0}
    (bare / "run.json").write_text(json.dumps(facts), encoding="utf-8")

    for run, arguments, code, says in (
        (tmp_path, ("--data", tiny_run.photos), 4, "holds no finished training run"),
        (tiny_run.folder, ("--data", others), 2, "holds other photos than those that"),
        (bare, ("--data", all_trained), 2, "give --calibration, or train with --hold-back LANDMARK"),
        (
            tiny_run.folder,
            ("--data", tiny_run.photos, "--calibration", tmp_path / "empty"),
            2,
            "has no reference photos",
        ),
    ):
        ran = steeple("model", "export", run, *arguments, "--output", tmp_path / "release", "--json")
        assert (ran.code, says in ran.error["message"]) == (code, True), ran.err
    assert not (tmp_path / "release").exists()
