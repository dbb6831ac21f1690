"""``steeple benchmark robustness`` on scenes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from steeple.delf import ModelRelease
from steeple.server.robustness import TRANSFORMATIONS
from tests.scenes import encoded, scene

from .support import Steeple

Photos = Callable[..., list[Path]]
LITTLE = (200, 150)  # pixels: there are fifty views of each
FIGURES = {"strength", "recognised", "correct_share", "near_share", "correct", "matches"}


@pytest.fixture
def little_photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.jpg").write_bytes(encoded(scene(seed, *LITTLE)))
    return folder


def test_curves_as_json_with_a_chart(little_photos: Path, steeple: Steeple, tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    ran = steeple("benchmark", "robustness", little_photos, "--photos", 2, "--output", chart, "--json")
    assert ran.code == 0, ran.err
    facts = ran.json
    assert facts["model"] == "delf-lite2-v1"
    assert facts["tflite_sha256"] == ModelRelease.load().tflite_sha256
    assert facts["photos"] == 2
    assert (facts["correct_pixels"], facts["near_pixels"], facts["min_inliers"]) == (16, 8, 12)
    assert facts["inlier_radii"] == {"delf-lite2-v1": [24], "RootSIFT": [8, 24]}
    assert [each["name"] for each in facts["transformations"]] == [each.name for each in TRANSFORMATIONS]
    for each, known in zip(facts["transformations"], TRANSFORMATIONS, strict=True):
        for name in ("delf-lite2-v1", "RootSIFT"):
            points = each["points"][name]
            assert [point["strength"] for point in points] == list(known.strengths)
            assert all(point.keys() == FIGURES for point in points)
            mean = sum(point["recognised"] for point in points) / len(points)
            assert each["mean_recognised"][name] == pytest.approx(mean, abs=1e-3)
    assert "delf-lite2-v1 beside RootSIFT" in chart.read_text(encoding="utf-8")


def test_tables_as_text(little_photos: Path, steeple: Steeple) -> None:
    ran = steeple("benchmark", "robustness", little_photos, "--model", ModelRelease.load().path)
    assert ran.code == 0, ran.err
    for part in (*(each.name for each in TRANSFORMATIONS), "within 16 px", "RootSIFT", "ratio", "recognised, mean"):
        assert part in ran.out
    assert "n/a" in ran.out, "a share of nothing"
    assert "on 3 photos" in ran.out


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["nowhere"], 2, "there is no file or folder nowhere"),
        (["empty"], 2, "there is no photo"),
        (["one"], 2, "at least 2 photos are needed"),
        (["damaged"], 2, "damaged/x.jpg: "),
        (["one", "--photos", "1"], 2, "--photos"),
        (["one", "--output", "chart.gif"], 2, "must name a file that ends in .svg"),
        (["one", "--output", "one/001.jpg/chart.svg"], 2, "cannot be written"),
        (["one", "--model", "delf-none"], 4, "delf-none"),
    ],
)
def test_what_cannot_be_measured_is_said(
    args: list[str],
    code: int,
    says: str,
    photos: Photos,
    steeple: Steeple,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    photos(1, folder="one")
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "x.jpg").write_bytes(b"no picture")
    ran = steeple("benchmark", "robustness", *args, "--json")
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.error["message"]
