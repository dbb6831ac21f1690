"""HPatches and WxBS as they are published, in small."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from steeple.errors import ImageError, InvalidArgumentError
from steeple.lab.matching import open_pairs, read_hpatches, read_wxbs
from tests.scenes import encoded, scene


def sequence(folder: Path, name: str) -> None:
    place = folder / name
    place.mkdir(parents=True)
    for number in range(1, 7):
        (place / f"{number}.ppm").write_bytes(encoded(scene(number, 16, 12), ".ppm"))
        if number > 1:
            (place / f"H_1_{number}").write_text(f"1 0 {number}\n0 1.5 0\n1e-4 0 1\n", encoding="utf-8")


@pytest.fixture
def hpatches(tmp_path: Path) -> Path:
    for name in ("v_wall", "i_lamp", "v_talent"):
        sequence(tmp_path, name)
    return tmp_path


def test_sequences_are_five_pairs_with_the_first(hpatches: Path) -> None:
    pairs = open_pairs(hpatches)
    assert [pair.key for pair in pairs[:2]] == ["i_lamp/2", "i_lamp/3"]
    assert [pair.group for pair in pairs] == ["illumination"] * 5 + ["viewpoint"] * 5, "v_talent is left out"
    last = pairs[-1]
    assert (last.first.key, last.second.key) == ("v_wall/1.ppm", "v_wall/6.ppm")
    assert last.homography is not None
    assert last.homography.tolist() == [[1, 0, 6], [0, 1.5, 0], [1e-4, 0, 1]]
    assert last.correspondences is None
    np.testing.assert_array_equal(last.second.read(), scene(6, 16, 12))


def test_large_sequences_can_be_had(hpatches: Path) -> None:
    assert {pair.key.split("/")[0] for pair in read_hpatches(hpatches, large=True)} == {"i_lamp", "v_talent", "v_wall"}


@pytest.mark.parametrize(
    "text", ["1 0 0\n0 1 0\n", "1 0 0\n0 1\n0 0 1\n", "1 0 0\n0 x 0\n0 0 1", "0 0 0\n" * 3, "nan 0 0"]
)
def test_malformed_homographies_are_told(text: str, hpatches: Path) -> None:
    (hpatches / "v_wall/H_1_4").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgumentError, match=r"v_wall/H_1_4"):
        read_hpatches(hpatches)


def test_missing_files_are_told(hpatches: Path) -> None:
    (hpatches / "v_wall/5.ppm").unlink()
    with pytest.raises(InvalidArgumentError, match=r"there is no file .*v_wall/5\.ppm"):
        read_hpatches(hpatches)


@pytest.mark.parametrize("content", [b"", b"P6 nonsense", b"P6\n40 30\n255\nfew", b"GIF89a"])
def test_malformed_pictures_are_told(content: bytes, hpatches: Path) -> None:
    (hpatches / "v_wall/2.ppm").write_bytes(content)
    pair = next(pair for pair in read_hpatches(hpatches) if pair.key == "v_wall/2")
    with pytest.raises(ImageError, match=r"v_wall/2\.ppm"):
        pair.second.read()


@pytest.fixture
def wxbs(tmp_path: Path) -> Path:
    for name, suffix in (("WGBS/church", ".png"), ("WLABS/gate", ".jpg")):
        place = tmp_path / name
        place.mkdir(parents=True)
        for number in (1, 2):
            (place / f"0{number}{suffix}").write_bytes(encoded(scene(number, 16, 12), suffix))
        (place / "corrs.txt").write_text("1.5 2 3 4\n5 6 7 8.25\n", encoding="utf-8")
        (place / "crossval_errors.txt").write_text("0.1\n0.2\n", encoding="utf-8")
    return tmp_path


def test_wxbs(wxbs: Path) -> None:
    first, second = open_pairs(wxbs)
    assert (first.key, first.group, first.second.key) == ("WGBS/church", "WGBS", "WGBS/church/02.png")
    assert (second.key, second.group, second.second.key) == ("WLABS/gate", "WLABS", "WLABS/gate/02.jpg")
    assert first.homography is None
    assert first.correspondences is not None
    assert first.correspondences.tolist() == [[1.5, 2, 3, 4], [5, 6, 7, 8.25]]
    np.testing.assert_array_equal(first.first.read(), scene(1, 16, 12))


@pytest.mark.parametrize(
    ("text", "message"), [("", "no correspondences"), ("1 2 3\n", "lines of 4 numbers"), ("a b c d", "cannot be read")]
)
def test_malformed_correspondences_are_told(text: str, message: str, wxbs: Path) -> None:
    (wxbs / "WGBS/church/corrs.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgumentError, match=message):
        read_wxbs(wxbs)


def test_folders_of_something_else_are_told(tmp_path: Path) -> None:
    for read in (read_hpatches, read_wxbs, open_pairs):
        with pytest.raises(InvalidArgumentError):
            read(tmp_path)
    with pytest.raises(InvalidArgumentError, match="there is no folder"):
        open_pairs(tmp_path / "missing")


def test_a_pixmap_is_read_in_rgb(tmp_path: Path) -> None:
    (tmp_path / "v_red").mkdir()
    red = np.zeros((4, 5, 3), np.uint8)
    red[..., 0] = 200
    for number in range(1, 7):
        assert cv2.imwrite(str(tmp_path / f"v_red/{number}.ppm"), red[..., ::-1])
        np.savetxt(tmp_path / f"v_red/H_1_{number}", np.eye(3))
    np.testing.assert_array_equal(open_pairs(tmp_path)[0].first.read(), red)
