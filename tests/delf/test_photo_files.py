from __future__ import annotations

from pathlib import Path

import pytest

from steeple.delf import photo_files
from steeple.errors import InvalidArgumentError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/2.JPG", "a/1.png", "b/notes.txt", "c.webp", ".hidden/3.jpg", "a/.4.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "folder.jpg").mkdir()
    return tmp_path


def test_photos_are_found_in_order(folder: Path) -> None:
    found = photo_files.photos_below(folder)
    assert [path.relative_to(folder).as_posix() for path in found] == ["a/1.png", "b/2.JPG", "c.webp"]
    assert photo_files.some_photos_below(folder) == found


def test_a_folder_without_photos_is_told(folder: Path) -> None:
    assert photo_files.photos_below(folder / "nowhere") == []
    with pytest.raises(InvalidArgumentError, match=r"no photo \(\.bmp, \.jpeg"):
        photo_files.some_photos_below(folder / "nowhere")


def test_the_digest_is_of_contents_and_their_order(folder: Path) -> None:
    found = photo_files.photos_below(folder)
    assert photo_files.digest(found) == photo_files.digest(iter(found))
    assert photo_files.digest(found) != photo_files.digest(found[::-1])


def test_photos_are_chosen_evenly() -> None:
    paths = [Path(str(number)) for number in range(10)]
    assert photo_files.evenly(paths, 5) == paths[::2]
    assert photo_files.evenly(paths, 20) == paths
    assert photo_files.evenly(paths, 3) == [paths[0], paths[3], paths[6]]
