"""Folders of photos to train on, and what is held back of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steeple.delf import read_image
from steeple.delf.training.photos import TrainingPhotos, is_held_back, training_image
from steeple.errors import ImageError, InvalidArgumentError
from tests.scenes import encoded, scene


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return touch(
        tmp_path / "photos",
        "tower/2.jpg",
        "tower/1.jpg",
        "tower/deep/3.png",
        "tower/notes.txt",
        "gate/1.jpg",
        "bridge/1.jpg",
        "bridge/2.jpg",
        "empty/notes.txt",
        ".hidden/1.jpg",
        "loose.jpg",
        *(f"_others/{number:03}.jpg" for number in range(200)),
    )


def test_a_folder_is_a_landmark(folder: Path) -> None:
    photos = TrainingPhotos.below(folder)
    assert photos.landmarks == ("bridge", "gate", "tower")
    assert [[path.name for path in paths] for paths in photos.labelled] == [
        ["1.jpg", "2.jpg"],
        ["1.jpg"],
        ["1.jpg", "2.jpg", "3.png"],
    ]
    assert len(photos.unlabelled) == 200
    assert photos.all == sorted(photos.all)
    assert len(photos.all) == len(set(photos.all)) == 206


def test_what_is_held_back_is_not_trained_on(folder: Path) -> None:
    everything = TrainingPhotos.below(folder)
    photos = TrainingPhotos.below(folder, ["tower"], 0.3)
    assert photos.landmarks == ("bridge", "gate")
    assert not any("tower" in path.parts for path in photos.all)
    back = [path for path in everything.unlabelled if is_held_back(path, 0.3)]
    assert set(back) | set(photos.unlabelled) == set(everything.unlabelled)
    assert not set(back) & set(photos.unlabelled)
    assert 40 < len(back) < 80, "0.3 of 200, by hash"


def test_the_split_is_by_name_alone(folder: Path, tmp_path: Path) -> None:
    """Other photos beside it, another folder, another day: a photo stays on its side."""
    before = {path.name for path in TrainingPhotos.below(folder, (), 0.3).unlabelled}
    moved = touch(
        tmp_path / "moved",
        *(f"_elsewhere/{number:03}.jpg" for number in range(50, 200)),
        *(f"_elsewhere/new-{number}.jpg" for number in range(40)),
    )
    after = {path.name for path in TrainingPhotos.below(moved, (), 0.3).unlabelled}
    assert {name for name in after if not name.startswith("new")} == {name for name in before if name >= "050.jpg"}
    assert not is_held_back(Path("000.jpg"), 0.0)
    assert is_held_back(Path("000.jpg"), 1.0)
    grown = [{path for path in map(Path, before) if is_held_back(path, share)} for share in (0.4, 0.6, 0.8)]
    assert grown[0] <= grown[1] <= grown[2], "a larger share holds back what the smaller did"


def test_folders_without_enough_photos_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="there is no folder"):
        TrainingPhotos.below(folder / "none")
    with pytest.raises(InvalidArgumentError, match="has no folders of photos to train on"):
        TrainingPhotos.below(touch(tmp_path / "few", "tower/1.jpg", "2.jpg"))
    with pytest.raises(InvalidArgumentError, match="has no landmark castle, mill to hold back"):
        TrainingPhotos.below(folder, ["mill", "tower", "castle"])
    with pytest.raises(InvalidArgumentError, match="has no landmark _others to hold back"):
        TrainingPhotos.below(folder, ["_others"])


@pytest.mark.parametrize(
    ("width", "height", "size"), [(640, 480, (448, 336)), (300, 900, (149, 448)), (448, 100, (448, 100))]
)
def test_photos_are_read_no_larger_than_needed(width: int, height: int, size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(scene(1, width, height), ".png"))
    image = training_image(path)
    assert (image.shape, image.dtype.name) == ((size[1], size[0], 3), "uint8")
    assert np.abs(image.mean(axis=(0, 1)) - read_image(path).mean(axis=(0, 1))).max() < 1


def test_a_photo_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(encoded(scene(1, 320, 240))[:3000])
    with pytest.raises(ImageError, match=r"broken\.jpg: the JPEG is truncated"):
        training_image(path)
