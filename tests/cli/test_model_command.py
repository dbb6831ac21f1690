"""``steeple model verify`` and ``build``; ``list`` and ``show`` are tested with the catalogue, as they ask a server."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from steeple.cli.model_build import build
from steeple.delf import ModelRelease
from steeple.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, ReleaseError
from steeple.server.calibration import EVIDENCE
from steeple.server.evaluation import Progress
from tests.known_photos import write_known_photos

from .support import Steeple

SHIPPED = ModelRelease.load()


def quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def copied(photos: Path, output: Path, progress: Progress) -> ModelRelease:
    """The network and codebook of the release that ships, with a calibration that is of no use."""
    shutil.copytree(SHIPPED.path, output, dirs_exist_ok=True)
    manifest = json.loads((output / "release.json").read_text(encoding="utf-8"))
    manifest["calibration"] = {"bias": -3.0, "weights": {"inliers": 1.0}, "threshold": 0.5}
    (output / "release.json").write_text(json.dumps(manifest), encoding="utf-8")
    return ModelRelease.load(output)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_known_photos(tmp_path_factory.mktemp("build") / "known", strangers=6)


def test_a_whole_release_is_verified(steeple: Steeple) -> None:
    ran = steeple("model", "verify", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["release"] == "delf-base"
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


def test_a_build_without_tensorflow_says_what_to_install(
    known: Path, steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "steeple.delf.export.base", raising=False)
    ran = steeple("model", "build", "--photos", known, "--output", tmp_path / "release", "--json")
    assert (ran.code, ran.error["status"]) == (6, "FAILED_PRECONDITION")
    assert "pip install 'steeple[server,cpu,train]'" in ran.error["message"]
    assert not (tmp_path / "release").exists()


def test_a_built_release_is_calibrated_on_photos_with_known_answers(known: Path, tmp_path: Path) -> None:
    output = tmp_path / "releases" / "delf-mine"
    release = build(copied, known, known, output, quiet)
    assert release.path == output
    assert release.tflite_sha256 == SHIPPED.tflite_sha256
    assert set(release.calibration.weights) == set(EVIDENCE)
    assert 0.5 <= release.calibration.threshold < 1
    facts = release.manifest["provenance"]["calibration"]["photos"]
    assert {role: count for role, count in facts.items() if role != "sha256"} == {
        "reference": 6,
        "query": 12,
        "distractor": 6,
    }
    assert len(facts["sha256"]) == 64
    assert [path.name for path in output.parent.iterdir()] == ["delf-mine"], "nothing is left beside it"

    first = (output / "release.json").read_bytes()
    with pytest.raises(AlreadyExistsError, match="--force"):
        build(copied, known, known, output, quiet)
    build(copied, known, known, output, quiet, replace=True)
    assert (output / "release.json").read_bytes() == first, "the same photos make the same calibration"


def test_a_build_that_fails_leaves_what_was_there(known: Path, tmp_path: Path) -> None:
    output = tmp_path / "release"
    shutil.copytree(SHIPPED.path, output)
    before = {path.name: path.read_bytes() for path in output.iterdir()}

    def torn(photos: Path, folder: Path, progress: Progress) -> ModelRelease:
        (folder / "model.tflite").write_bytes(b"half a netw")
        raise ReleaseError("the quantized network does not fit")

    with pytest.raises(ReleaseError):
        build(torn, known, known, output, quiet, replace=True)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


def test_photos_without_answers_are_refused_before_the_long_work(known: Path, tmp_path: Path) -> None:
    def never(photos: Path, folder: Path, progress: Progress) -> ModelRelease:
        raise AssertionError("the long work has begun")

    with pytest.raises(InvalidArgumentError, match="has no reference photos"):
        build(never, known, tmp_path, tmp_path / "release", quiet)
    with pytest.raises(InvalidArgumentError, match="cannot be written"):
        build(never, known, known, Path("/dev/null/release"), quiet)
