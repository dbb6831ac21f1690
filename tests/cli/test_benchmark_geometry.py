"""``steeple benchmark geometry`` on scenes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from steeple.delf import ModelRelease
from tests.known_photos import seen_from
from tests.scenes import encoded, scene

from .support import Steeple

Photos = Callable[..., list[Path]]
HEADER = "query,reference,h11,h12,h13,h21,h22,h23,h31,h32,h33"


def test_known_views_and_pairs(photos: Photos, steeple: Steeple, tmp_path: Path) -> None:
    photos(1, 2, 3, 4, 5)
    pairs = tmp_path / "pairs.csv"
    rows = [f"photos/001.jpg,photos/001.jpg,1,0,{x},0,1,0,0,0,1" for x in (0, 0, 30)]
    pairs.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    ran = steeple("benchmark", "geometry", tmp_path / "photos", "--photos", 3, "--pairs", pairs, "--json")
    assert ran.code == 0, ran.err
    facts = ran.json
    assert facts["tflite_sha256"] == ModelRelease.load().tflite_sha256
    views = facts["known_views"]
    assert (views["count"], views["verified"], views["identified"]) == (3, 1, 1)
    assert 0 < views["outline_error"]["median"] <= views["outline_error"]["p90"] < 40
    assert views["outline_error"]["of"] == 3
    known = facts["known_pairs"]
    assert known["count"] == 3
    assert known["outline_error"]["median"] < 1
    assert known["outline_error"]["p90"] == pytest.approx(0.8 * 30 * 640 / 480, rel=0.1), "the third is 30 px off"
    assert facts["real_pairs"] is None


def test_pairs_of_a_manifest(steeple: Steeple, tmp_path: Path) -> None:
    lines = ["path,landmark,role,tier"]
    for seed in (1, 2):
        for view, role in enumerate(("reference", "query")):
            (tmp_path / f"{seed}-{view}.jpg").write_bytes(encoded(seen_from(scene(seed), view)))
            lines.append(f"{seed}-{view}.jpg,scene-{seed},{role},")
    (tmp_path / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    ran = steeple("benchmark", "geometry", tmp_path, "--photos", 1, "--json")
    assert ran.code == 0, ran.err
    real = ran.json["real_pairs"]
    assert (real["tried"], real["count"], real["verified"]) == (2, 2, 1)
    assert real["rootsift_inliers"] > 100
    assert 0 < real["error"]["median"] < 24

    text = steeple("benchmark", "geometry", tmp_path, "--photos", 1, "--real-pairs", 1)
    for part in ("1 known views", "outline's corners, px", "agreement with RootSIFT+MAGSAC on 1 real pairs of 1 tried"):
        assert part in text.out
    for seed in (1, 2):
        (tmp_path / f"{seed}-1.jpg").write_bytes(encoded(scene(seed + 5, 320, 240)))
    text = steeple("benchmark", "geometry", tmp_path, "--photos", 1)
    assert "real pairs: none of 2 tried" in text.out


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ([], 2, "give a folder of photos, or pairs of photos with --pairs"),
        (["nowhere"], 2, "there is no file or folder nowhere"),
        (["photos", "--pairs", "none.csv"], 2, "none.csv cannot be read"),
        (["--pairs", "bad.csv"], 2, "bad.csv, line 2: h33 must be a number, not 'x'"),
        (["--pairs", "manifest.csv"], 2, "lacks the columns"),
        (["photos", "--model", "delf-none"], 4, "delf-none"),
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
    photos(1)
    (tmp_path / "bad.csv").write_text(f"{HEADER}\nphotos/001.jpg,photos/001.jpg,1,0,0,0,1,0,0,0,x", encoding="utf-8")
    (tmp_path / "manifest.csv").write_text("path,landmark,role,tier\n", encoding="utf-8")
    ran = steeple("benchmark", "geometry", *args, "--json")
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.error["message"]
