"""Files that pictures are saved in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steeple.cli.canvas import FORMATS, save
from steeple.cli.writable import check_writable
from steeple.delf import read_image
from steeple.errors import InvalidArgumentError


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_the_suffix_names_the_format(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"picture{suffix}"
    check_writable(path, "--sheet", FORMATS)
    assert not path.exists()
    image = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    assert save(image, path) == path
    assert path.read_bytes()[:3] == (b"\x89PN" if suffix == ".png" else b"\xff\xd8\xff")
    assert np.abs(read_image(path).astype(int) - image).max() <= 3
    before = path.read_bytes()
    check_writable(path, "--sheet", FORMATS)
    assert path.read_bytes() == before, "looking changes nothing"


@pytest.mark.parametrize(
    ("path", "says"), [("sheet.gif", r"--sheet must name a file that ends in \.jpeg"), ("there.png/x.png", "written")]
)
def test_what_cannot_be_saved_is_said_before(path: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "there.png").write_bytes(b"a file, not a folder")
    with pytest.raises(InvalidArgumentError, match=says):
        check_writable(tmp_path / path, "--sheet", FORMATS)
