"""Rewriting the calibration of a release."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from steeple.delf import ModelRelease
from steeple.delf.release import Calibration
from steeple.delf.release_files import set_calibration, set_figures
from steeple.errors import NotFoundError, ReleaseError

CALIBRATION = Calibration(bias=-4.25, weights={"inliers": 1.5, "margin": 0.25}, threshold=0.75)


def test_only_the_calibration_changes(tmp_path: Path) -> None:
    folder = shutil.copytree(ModelRelease.load().path, tmp_path / "copy")
    before = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    others = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "release.json"}
    release = set_calibration(folder, CALIBRATION, {"photos": {"query": 3}})
    assert release.calibration == ModelRelease.load(folder).calibration == CALIBRATION
    after = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    assert after["provenance"].pop("calibration") == {"photos": {"query": 3}}
    before["provenance"].pop("calibration", None)
    before.pop("calibration")
    after.pop("calibration")
    assert after == before
    assert list(after) == list(before), "in the same order"
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "release.json"} == others


def test_an_altered_release_is_not_touched(tmp_path: Path) -> None:
    folder = shutil.copytree(ModelRelease.load().path, tmp_path / "copy")
    before = (folder / "release.json").read_bytes()
    (folder / "model.tflite").write_bytes(b"another")
    with pytest.raises(ReleaseError, match="altered"):
        set_calibration(folder, CALIBRATION, {})
    assert (folder / "release.json").read_bytes() == before
    with pytest.raises(NotFoundError):
        set_calibration(tmp_path, CALIBRATION, {})


def test_figures_stand_beside_the_rest(tmp_path: Path) -> None:
    folder = shutil.copytree(ModelRelease.load().path, tmp_path / "copy")
    before = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    before.pop("figures", None)
    release = set_figures(folder, {"micro_ap": 0.5})
    after = dict(release.manifest)
    assert after.pop("figures") == {"micro_ap": 0.5}
    assert after == before
