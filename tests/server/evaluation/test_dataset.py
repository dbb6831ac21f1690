"""Data sets as they lie on disk, well and badly made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from steeple.errors import InvalidArgumentError
from steeple.server.evaluation import Dataset, Photo, Role

HEADER = "path,landmark,role,tier"
GOOD = [
    "a/1.jpg,tower,reference,easy",
    "a/2.jpg,tower,query,hard",
    "b/3.jpg,,distractor,standard",
    "b/4.jpg,nothing,filler,",
]


def write(folder: Path, lines: Sequence[str], *, header: str = HEADER, encoding: str = "utf-8") -> Path:
    for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "manifest.csv").write_text("\n".join([header, *lines]) + "\n", encoding=encoding)
    return folder


def touch(folder: Path, names: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_manifest_is_read_in_its_order(tmp_path: Path, encoding: str) -> None:
    dataset = Dataset.open(write(tmp_path, GOOD, encoding=encoding))
    assert dataset.photos == (
        Photo(tmp_path / "a/1.jpg", "tower", Role.REFERENCE, "easy"),
        Photo(tmp_path / "a/2.jpg", "tower", Role.QUERY, "hard"),
        Photo(tmp_path / "b/3.jpg", "", Role.DISTRACTOR, "standard"),
        Photo(tmp_path / "b/4.jpg", "", Role.FILLER, ""),
    )
    assert [photo.path.name for photo in dataset.gallery] == ["1.jpg", "4.jpg"]
    assert [photo.path.name for photo in dataset.queries] == ["2.jpg", "3.jpg"]


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    lines = ["reference,x,tower,,a/1.jpg", "query,x,tower,,a/2.jpg"]
    assert len(Dataset.open(write(tmp_path, lines, header="role,note,landmark,tier,path")).photos) == 2


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([*GOOD, "a/1.jpg,tower,referee,"], "line 6: role 'referee' is none of reference, query, distractor, filler"),
        ([*GOOD, "a/1.jpg"], "line 6: role '' is none of"),
        ([*GOOD, "a/9.jpg,tower,query,"], "line 6: there is no file .*9.jpg"),
        ([*GOOD, ",tower,query,"], "line 6: there is no file"),
        ([*GOOD, "b/3.jpg,,query,"], "line 6: a query needs its landmark"),
        ([*GOOD, "b/3.jpg,,reference,"], "line 6: a reference needs its landmark"),
        ([*GOOD, "b/3.jpg,gate,query,"], "asks for 'gate', which has no reference; .* is a distractor"),
        (GOOD[2:], "has no reference photos"),
        ([GOOD[0]], "has no query photos"),
        ([], "has no reference photos"),
    ],
)
def test_a_bad_manifest_is_refused_with_the_place(tmp_path: Path, lines: list[str], says: str) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        Dataset.open(write(tmp_path, lines))


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="lacks the columns role, tier"):
        Dataset.open(write(tmp_path, [], header="path,landmark"))


@pytest.mark.parametrize("content", [b"path,landmark,role,tier\n\xff\xfe,x,query,\n", b"", b"\xff\xd8\xff\xe0"])
def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(InvalidArgumentError, match=r"manifest\.csv"):
        Dataset.open(tmp_path)


def test_folders_are_split_evenly(tmp_path: Path) -> None:
    touch(tmp_path / "tower", [f"{number:02}.jpg" for number in range(40)])
    touch(tmp_path / "gate", ["1.jpg", "2.PNG", "3.jpeg", "notes.txt", ".hidden.jpg"])
    touch(tmp_path / "alone", ["1.jpg"])
    touch(tmp_path / ".git", ["1.jpg", "2.jpg"])
    touch(tmp_path / "_others" / "deeper", [f"{number}.jpg" for number in range(6)])
    touch(tmp_path, ["stray.jpg"])
    dataset = Dataset.open(tmp_path)
    assert Counter((photo.landmark, photo.role) for photo in dataset.photos) == {
        ("tower", Role.REFERENCE): 5,
        ("tower", Role.QUERY): 25,
        ("gate", Role.REFERENCE): 1,
        ("gate", Role.QUERY): 2,
        ("", Role.DISTRACTOR): 6,
    }
    references = [photo.path.name for photo in dataset.photos if photo.landmark == "tower"][:5]
    assert references == ["00.jpg", "08.jpg", "16.jpg", "24.jpg", "32.jpg"]
    assert len({photo.path for photo in dataset.photos}) == len(dataset.photos), "no photo is both"
    assert Dataset.open(tmp_path) == dataset


def test_fillers_from_elsewhere_join_the_gallery(tmp_path: Path) -> None:
    dataset = Dataset.open(write(tmp_path, GOOD))
    touch(tmp_path / "holiday" / "beach", ["2.jpg", "1.webp", "song.mp3"])
    more = dataset.with_fillers(tmp_path / "holiday")
    assert more.queries == dataset.queries
    assert [photo.path.name for photo in more.gallery] == ["1.jpg", "4.jpg", "1.webp", "2.jpg"]
    with pytest.raises(InvalidArgumentError, match="there is no photo"):
        dataset.with_fillers(tmp_path / "nowhere")


def test_a_folder_without_photos_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"manifest\.csv \(path, landmark, role, tier\), or one folder"):
        Dataset.open(tmp_path)
    with pytest.raises(InvalidArgumentError, match=r"there is no folder .*nowhere"):
        Dataset.open(tmp_path / "nowhere")
