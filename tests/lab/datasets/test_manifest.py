"""Anyone's photos as a data set of the lab, and what must hold for every data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from steeple.errors import InvalidArgumentError
from steeple.lab.datasets import FORMATS, check, open_dataset
from steeple.lab.photos import Benchmark, Box, Grade, LabDataset, LabPhoto

MANIFEST = """path,landmark,role,tier
a/1.jpg,a,reference,
b/1.jpg,b,reference,
a/2.jpg,a,reference,
x/1.jpg,,filler,
a/3.jpg,a,query,hard
x/2.jpg,,distractor,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    for name in ("a/1", "a/2", "a/3", "b/1", "x/1", "x/2"):
        write(folder / f"{name}.jpg")
    (folder / "manifest.csv").write_text(MANIFEST, encoding="utf-8")
    return folder


def write(path: Path, content: str | None = None) -> None:
    """A file that passes for a photo: readers do not look into photos."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content or path.as_posix(), encoding="utf-8")


def test_a_manifest_becomes_gallery_and_queries(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert dataset.name == "mine"
    assert dataset.benchmark is Benchmark.RECOGNITION
    assert [photo.key for photo in dataset.gallery] == ["a/1.jpg", "b/1.jpg", "a/2.jpg", "x/1.jpg"]
    assert dataset.landmarks == ("a", "b", "a", "")
    query, distractor = dataset.queries
    assert (query.photo.key, query.landmark, query.tier) == ("a/3.jpg", "a", "hard")
    assert query.grades == {0: Grade.EASY, 2: Grade.EASY}
    assert (distractor.photo.key, distractor.landmark, distractor.grades) == ("x/2.jpg", "", {})
    assert all(photo.path.is_file() for photo in dataset.gallery)


def test_folders_are_recognised(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "_others/1"):
        write(tmp_path / f"{name}.jpg")
    dataset = open_dataset(tmp_path)
    assert [photo.key for photo in dataset.gallery] == ["a/1.jpg"]
    assert [query.grades for query in dataset.queries] == [{}, {0: Grade.EASY}]


def test_training_photos_come_from_a_folder_of_their_own(folder: Path, tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path / f"training/{number}/photo.jpg")
    dataset = open_dataset(folder, training=tmp_path / "training", training_limit=3)
    assert [photo.key for photo in dataset.training] == [f"training/{number}/photo.jpg" for number in (0, 2, 4)]
    assert len(open_dataset(folder, training=str(tmp_path / "training")).training) == 6


@pytest.mark.parametrize("known", ["a/1.jpg", "a/3.jpg"])
def test_a_training_photo_that_is_asked_or_searched_is_refused(known: str, folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "training/copy.jpg", (folder / known).read_text(encoding="utf-8"))
    write(tmp_path / "training/other.jpg", "x" * (folder / known).stat().st_size)  # as long, and another
    with pytest.raises(InvalidArgumentError, match=rf"1 training photos are also .*copy\.jpg is .*{known}"):
        open_dataset(folder, training=tmp_path / "training")


def test_what_is_no_data_set_gets_all_layouts(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="no data set of a known layout") as caught:
        open_dataset(tmp_path)
    assert all(each.layout in caught.value.message for each in FORMATS.values())
    with pytest.raises(InvalidArgumentError, match="there is no folder"):
        open_dataset(tmp_path / "missing")
    with pytest.raises(InvalidArgumentError, match=r"no format 'zip'.*manifest, .*folders"):
        open_dataset(tmp_path, "zip")


def test_an_unknown_option_is_named(folder: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="manifest has no option 'task'; it has no options"):
        open_dataset(folder, task="retrieval")


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_takes_something(limit: int, folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "training/1.jpg")
    with pytest.raises(InvalidArgumentError, match="at least one"):
        open_dataset(folder, training=tmp_path / "training", training_limit=limit)


def test_keys_stand_for_one_picture_each(tmp_path: Path) -> None:
    def photo(name: str, box: Box | None = None) -> LabPhoto:
        write(tmp_path / name)
        return LabPhoto("photo", tmp_path / name, box)

    with pytest.raises(InvalidArgumentError, match="called photo"):
        check(LabDataset("x", (photo("1.jpg"), photo("2.jpg")), ("", ""), ()))
    with pytest.raises(InvalidArgumentError, match="called photo"):
        check(LabDataset("x", (photo("1.jpg"),), ("",), (), (photo("1.jpg", (0, 0, 1, 1)),)))
    with pytest.raises(InvalidArgumentError, match="twice"):
        check(LabDataset("x", (photo("1.jpg"), photo("1.jpg")), ("", ""), ()))
