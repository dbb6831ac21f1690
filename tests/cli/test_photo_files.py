"""Which files of the given paths are photos."""

from __future__ import annotations

from pathlib import Path

import pytest

from steeple.cli.photo_files import find_photos
from steeple.errors import InvalidArgumentError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_folders_give_their_photos_in_order_and_nothing_else(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a/z.png", "a/y.webp", "c.txt", ".hidden.jpg", ".git/d.jpg", "e.jpeg", "f.bmp", "g.jpg/h")
    found = [str(path.relative_to(tmp_path)) for path in find_photos([tmp_path])]
    assert found == ["a/y.webp", "a/z.png", "b.JPG", "e.jpeg", "f.bmp"]


def test_named_files_are_taken_whatever_they_are_called_and_once(tmp_path: Path) -> None:
    touch(tmp_path, "photo", "x.jpg")
    paths = [tmp_path / "photo", tmp_path, tmp_path / "x.jpg"]
    assert find_photos(paths) == [tmp_path / "photo", tmp_path / "x.jpg"]


def test_a_folder_without_photos_and_a_missing_path_are_said(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(InvalidArgumentError, match="no photo"):
        find_photos([tmp_path])
    with pytest.raises(InvalidArgumentError, match="no file or folder"):
        find_photos([tmp_path / "gone"])
