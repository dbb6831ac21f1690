"""``steeple calibrate`` on drawn landmarks, and a server that answers by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.known_photos import write_known_photos

from .support import Steeple


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return write_known_photos(tmp_path / "known", strangers=12, width=320, height=240)


def test_a_calibration_with_its_figures(steeple: Steeple, known: Path, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    ran = steeple("calibrate", "--data", known, "--output", file, "--json")
    assert ran.code == 0, ran.err
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["calibration"] == ran.json["calibration"]
    assert written["model"] == ran.json["model"] == "delf-lite2-v1"
    assert set(ran.json["calibration"]["weights"]) == {"distinct", "support", "margin", "brevity"}
    assert ran.json["cross_validated"].keys() >= {"ece", "micro_ap", "tpr_at_1pct_fpr"}
    answers = sum(part["answers"] for part in ran.json["reliability"])
    assert answers == ran.json["photos"]["query"] + ran.json["photos"]["distractor"]
    named = ran.json["measured_false_positives"]
    assert named["strangers"] == ran.json["photos"]["distractor"] == 12
    assert 0 <= named["interval"][0] <= named["rate"] <= named["interval"][1] <= 1
    diagram = tmp_path / "reliability.svg"
    text = steeple("calibrate", "--data", known, "--output", file, "--diagram", diagram)
    assert text.code == 0
    assert f"ECE {ran.json['cross_validated']['ece']:.3f}" in diagram.read_text(encoding="utf-8")
    for part in ("threshold", "false positives", "of 12 strangers", "mean confidence", f"--calibration {file}"):
        assert part in " ".join(text.out.split())


def test_what_cannot_be_calibrated_is_said(steeple: Steeple, known: Path, tmp_path: Path) -> None:
    for arguments, says in (
        (("--data", tmp_path / "none", "--output", tmp_path / "c.json"), "none"),
        (("--data", known, "--output", tmp_path / "no" / "c.json"), "cannot be written"),
        (("--data", known, "--output", tmp_path / "c.json", "--diagram", tmp_path / "c.png"), "ends in .svg"),
    ):
        ran = steeple("calibrate", *arguments, "--json")
        assert ran.code == 2
        assert says in ran.error["message"]


def test_serving_by_another_releases_calibration_is_refused(steeple: Steeple, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_text("{}", encoding="utf-8")
    ran = steeple("serve", "--calibration", file, "--data-dir", tmp_path / "data", "--address", "127.0.0.1:0", "--json")
    assert ran.code == 2
    assert "is no calibration" in ran.err  # the log comes before it
