"""``steeple model verify``, and ``train`` and ``export`` as far as they go without TensorFlow.

``list`` and ``show`` are tested with the catalogue, as they ask a server; training with TensorFlow in
``test_model_train.py``.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from steeple.cli.model_export import export_run
from steeple.delf import ModelRelease
from steeple.delf.progress import Progress
from steeple.delf.release import IndexParameters
from steeple.delf.training.photos import is_held_back
from steeple.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, ReleaseError
from steeple.server.calibration import EVIDENCE
from tests.known_photos import write_known_photos

from .support import Steeple

SHIPPED = ModelRelease.load()
HELD_BACK = {"held_back": ["landmark-1", "landmark-2", "landmark-3"], "held_back_share": 0.5}

Make = Callable[[Path], None]


def quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True)
class Parameters:
    """As those of the exporter that needs TensorFlow."""

    name: str
    index: IndexParameters = SHIPPED.index
    in_float: bool = False


def copied(output: Path) -> None:
    """The network and codebook of the release that ships, with a calibration that is of no use."""
    shutil.copytree(SHIPPED.path, output, dirs_exist_ok=True)
    manifest = json.loads((output / "release.json").read_text(encoding="utf-8"))
    manifest["calibration"] = {"bias": -3.0, "weights": {"inliers": 1.0}, "threshold": 0.5}
    (output / "release.json").write_text(json.dumps(manifest), encoding="utf-8")


def never(output: Path) -> None:
    raise AssertionError("the long work has begun")


def exporter(make: Make, recipe: Mapping[str, Any] = HELD_BACK) -> ModuleType:
    """Stands in for :mod:`steeple.delf.export.release`: a finished run, of which ``make`` makes the release."""

    def finished_run(folder: Path, data: Path) -> tuple[None, dict[str, Any], list[Path]]:
        return None, {"recipe": dict(recipe)}, []

    def export(
        network: None,
        parameters: Parameters,
        photos: Sequence[Path],
        output: Path,
        provenance: Mapping[str, Any],
        progress: Progress,
    ) -> ModelRelease:
        make(output)
        return ModelRelease.load(output)

    module = ModuleType("exporter")
    vars(module).update(finished_run=finished_run, ReleaseParameters=Parameters, export=export)
    return module


def export(make: Make, photos: Path, output: Path, *, known: Path | None = None, force: bool = False) -> ModelRelease:
    return export_run(
        exporter(make),
        Path("run"),
        photos,
        output,
        "delf-mine",
        known,
        None,
        in_float=False,
        force=force,
        progress=quiet,
    )


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_known_photos(tmp_path_factory.mktemp("build") / "known", strangers=6)


def test_a_whole_release_is_verified(steeple: Steeple) -> None:
    ran = steeple("model", "verify", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["release"] == "delf-lite2-v1"
    assert ran.json["files"]["model.tflite"]["sha256"] == SHIPPED.tflite_sha256
    text = steeple("model", "verify", SHIPPED.path)
    assert text.code == 0
    assert SHIPPED.tflite_sha256 in text.out
    assert "whole" in text.out


@pytest.mark.parametrize("name", ["model.tflite", "codebook.faiss"])
def test_an_altered_release_is_found(name: str, steeple: Steeple, tmp_path: Path) -> None:
    folder = shutil.copytree(SHIPPED.path, tmp_path / "copy")
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    ran = steeple("model", "verify", folder, "--json")
    assert (ran.code, ran.error["reason"]) == (ReleaseError.exit_code, "RELEASE_INVALID")
    assert f"{name} was altered" in ran.error["message"]


def test_no_release_is_no_release(steeple: Steeple, tmp_path: Path) -> None:
    assert steeple("model", "verify", tmp_path).code == NotFoundError.exit_code
    assert steeple("model", "verify", "delf-none").code == NotFoundError.exit_code


# --- export ---


def test_a_release_is_calibrated_on_what_the_run_held_back(known: Path, tmp_path: Path) -> None:
    output = tmp_path / "releases" / "delf-mine"
    release = export(copied, known, output)
    assert release.path == output
    assert release.tflite_sha256 == SHIPPED.tflite_sha256
    assert set(release.calibration.weights) == set(EVIDENCE)
    assert 0.5 <= release.calibration.threshold < 1
    facts = release.manifest["provenance"]["calibration"]["photos"]
    back = [path for path in (known / "_strangers").iterdir() if is_held_back(path, 0.5)]
    assert {role: count for role, count in facts.items() if role != "sha256"} == {
        "reference": 3,
        "query": 6,
        "distractor": len(back),
        "filler": 9,
    }
    assert len(facts["sha256"]) == 64
    assert [path.name for path in output.parent.iterdir()] == ["delf-mine"], "nothing is left beside it"

    first = (output / "release.json").read_bytes()
    with pytest.raises(AlreadyExistsError, match="--force"):
        export(never, known, output)
    export(copied, known, output, force=True)
    assert (output / "release.json").read_bytes() == first, "the same photos make the same calibration"


def test_a_release_is_calibrated_on_other_photos_with_known_answers(known: Path, tmp_path: Path) -> None:
    release = export(copied, known, tmp_path / "release", known=known)
    facts = release.manifest["provenance"]["calibration"]["photos"]
    assert {role: count for role, count in facts.items() if role != "sha256"} == {
        "reference": 6,
        "query": 12,
        "distractor": 6,
    }


def test_an_export_that_fails_leaves_what_was_there(known: Path, tmp_path: Path) -> None:
    output = tmp_path / "release"
    shutil.copytree(SHIPPED.path, output)
    before = {path.name: path.read_bytes() for path in output.iterdir()}

    def torn(folder: Path) -> None:
        (folder / "model.tflite").write_bytes(b"half a netw")
        raise ReleaseError("the quantized network does not fit")

    with pytest.raises(ReleaseError):
        export(torn, known, output, force=True)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


def test_photos_without_answers_are_refused_before_the_long_work(known: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="has no reference photos"):
        export(never, known, tmp_path / "release", known=tmp_path)
    with pytest.raises(InvalidArgumentError, match="cannot be written"):
        export(never, known, Path("/dev/null/release"))
    nothing = exporter(never, {"held_back": [], "held_back_share": 0.0})
    with pytest.raises(InvalidArgumentError, match="held back too little to calibrate"):
        export_run(nothing, Path("run"), known, tmp_path / "release", "x", None, None, False, False, quiet)
    assert list(tmp_path.iterdir()) == []


# --- train ---


@pytest.fixture
def without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were not installed."""
    for name in [name for name in sys.modules if name.startswith(("steeple.delf.training", "steeple.delf.export"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "keras", None)


@pytest.mark.usefixtures("without_tensorflow")
@pytest.mark.parametrize(
    "command",
    [("train", "--output", "run", "--data", "photos"), ("export", "run", "--output", "out", "--data", "photos")],
)
def test_without_tensorflow_it_is_said_what_to_install(
    command: Sequence[str], steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = steeple("model", *command, "--json")
    assert (ran.code, ran.error["status"]) == (6, "FAILED_PRECONDITION")
    assert "needs keras, which is not installed: pip install 'steeple[server,cpu,train]'" in ran.error["message"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        (None, "cannot be read as JSON"),
        ("{", "cannot be read as JSON"),
        ("[]", "must hold one JSON object"),
        ('{"steps": 4}', "a recipe has no 'steps'"),
        ('{"descriptors": {"steps": "many"}}', "'descriptors.steps' of a recipe is like"),
        ('{"attention": {"pairs": 0}}', "'attention.pairs' of a recipe is at least 1"),
    ],
)
def test_a_recipe_that_is_none_is_refused_first(
    recipe: str | None, says: str, steeple: Steeple, tmp_path: Path
) -> None:
    file = tmp_path / "recipe.json"
    if recipe is not None:
        file.write_text(recipe, encoding="utf-8")
    ran = steeple("model", "train", "--data", tmp_path, "--output", tmp_path / "run", "--recipe", file, "--json")
    assert (ran.code, ran.error["status"]) == (2, "INVALID_ARGUMENT")
    assert says in ran.error["message"]
    assert not (tmp_path / "run").exists()
