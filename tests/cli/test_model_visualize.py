"""``steeple model visualize`` on pictures made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from steeple.delf import ModelRelease, read_image
from tests.scenes import encoded, scene

from .support import Steeple


def test_every_photo_gets_a_picture_and_figures(
    steeple: Steeple, photos: Callable[..., list[Path]], tmp_path: Path
) -> None:
    """Two photos of one name get pictures of two names."""
    first, second = photos(1, 2)
    (same,) = photos(1, folder="others")
    output = tmp_path / "deep" / "pictures"
    ran = steeple("model", "visualize", first.parent, same, "--output", output, "--json")
    assert ran.code == 0, ran.err
    facts = ran.json
    release = ModelRelease.load()
    assert (facts["model"], facts["tflite_sha256"], facts["failed"]) == ("delf-lite2-v1", release.tflite_sha256, [])
    assert [entry["photo"] for entry in facts["photos"]] == [str(first), str(second), str(same)]
    names = [Path(entry["picture"]).name for entry in facts["photos"]]
    assert names == ["001-attention.jpg", "002-attention.jpg", "001-2-attention.jpg"]
    assert sorted(path.name for path in output.iterdir()) == sorted(names)
    for entry in facts["photos"]:
        assert read_image(entry["picture"]).shape[1] == 1600
        assert len(entry["levels"]) == len(release.extraction.pyramid_scales)
        assert sum(level["features"] for level in entry["levels"]) == entry["features"] > 0
        assert sum(level["cells"] for level in entry["levels"]) == entry["cells"] >= entry["features"]
        assert sum(level["attention_share"] for level in entry["levels"]) == pytest.approx(1)
        assert 0.1 < entry["top_tenth_share"] <= 1
        assert 0 < entry["kept_share"] <= 1 + 1e-9
    assert facts["photos"][0] | {"photo": "", "picture": ""} == facts["photos"][2] | {"photo": "", "picture": ""}


def test_as_text(steeple: Steeple, photos: Callable[..., list[Path]], tmp_path: Path) -> None:
    ran = steeple("model", "visualize", *photos(3), "--model", ModelRelease.load().path, "-o", tmp_path)
    assert ran.code == 0, ran.err
    assert str(tmp_path / "003-attention.jpg") in ran.out
    assert "top tenth" in ran.out


def test_an_unusable_photo_does_not_stop_the_others(steeple: Steeple, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(scene(4, 20, 300), ".png"))
    (tmp_path / "b.png").write_bytes(encoded(scene(5, 300, 200), ".png"))
    ran = steeple("model", "visualize", tmp_path, "--output", tmp_path / "out", "--json")
    assert ran.code == 1
    assert [Path(entry["photo"]).name for entry in ran.json["photos"]] == ["b.png"]
    (failed,) = ran.json["failed"]
    assert Path(failed["photo"]).name == "a.png"
    assert "at least 32 a side" in failed["error"]["message"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b-attention.jpg"]

    alone = steeple("model", "visualize", tmp_path / "a.png", "--output", tmp_path / "out", "--json")
    assert (alone.code, alone.out) == (2, "")
    assert "at least 32 a side" in alone.error["message"]


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["nowhere.jpg"], 2, "there is no file or folder nowhere.jpg"),
        (["000.jpg", "--model", "delf-none"], 4, "delf-none"),
        (["000.jpg", "--output", "000.jpg"], 2, "cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    args: list[str], code: int, says: str, steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("000.jpg").write_bytes(encoded(scene(6, 300, 200)))
    ran = steeple("model", "visualize", *args, "--json")
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.error["message"]
