"""Published data sets of retrieval, in small: what is asked, searched and right."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from steeple.errors import InvalidArgumentError
from steeple.lab.datasets import open_dataset
from steeple.lab.photos import Benchmark, Grade, LabDataset

E, H, J = Grade.EASY, Grade.HARD, Grade.JUNK


def photos(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.as_posix(), encoding="utf-8")


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def keys(dataset: LabDataset) -> list[str]:
    return [photo.key for photo in dataset.gallery]


# --- Revisited Oxford and Paris ---


def revisited(folder: Path, **changes: Any) -> None:
    entry = {
        "bbx": np.array([1.5, 2, 30, 40]),
        "easy": np.array([2]),
        "hard": [0],
        "junk": np.array([], np.int64),
        **changes,
    }
    table = {
        "imlist": ["christ_church_000002", "all_souls_000001", "all_souls_000003"],
        "qimlist": ["all_souls_000013"],
        "gnd": [entry],
    }
    (folder / "gnd_roxford5k.pkl").write_bytes(pickle.dumps(table, 2))


@pytest.fixture
def roxford(tmp_path: Path) -> Path:
    photos(tmp_path / "jpg", *(f"all_souls_00000{number}" for number in (1, 3)), "all_souls_000013")
    photos(tmp_path / "jpg", "christ_church_000002", "unused_000001")
    revisited(tmp_path)
    return tmp_path


def test_revisited(roxford: Path) -> None:
    dataset = open_dataset(roxford)
    assert (dataset.name, dataset.benchmark) == ("roxford5k", Benchmark.REVISITED)
    assert keys(dataset) == [
        f"jpg/{name}.jpg" for name in ("christ_church_000002", "all_souls_000001", "all_souls_000003")
    ]
    assert set(dataset.landmarks) == {""}
    (query,) = dataset.queries
    assert query.photo.key == "jpg/all_souls_000013.jpg#1.5,2,30,40"
    assert query.photo.box == (1.5, 2.0, 30.0, 40.0)
    assert query.landmark == "all_souls"
    assert query.grades == {2: E, 0: H}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"easy": [3]}, "query all_souls_000013, easy: 3 is no position among 3 photos"),
        ({"easy": [0.5]}, "0.5 is no position"),
        ({"junk": [2]}, "photo 2 is both easy and junk"),
        ({"hard": "0"}, "hard: a list of numbers is needed"),
        ({"hard": [10**400]}, "no photo has such numbers"),
        ({"bbx": [0, 0, float("nan"), 1]}, "no photo has such numbers"),
        ({"bbx": [0, 0, 1]}, "3 numbers are not left, top, right, bottom"),
        ({"bbx": [10, 0, 5, 5]}, "has nothing in it"),
    ],
)
def test_malformed_truth_is_told(changes: dict[str, Any], message: str, roxford: Path) -> None:
    revisited(roxford, **changes)
    with pytest.raises(InvalidArgumentError, match=message):
        open_dataset(roxford)


def test_revisited_for_matlab(roxford: Path) -> None:
    (roxford / "gnd_roxford5k.pkl").unlink()
    names = np.array(["christ_church_000002", "all_souls_000001", "all_souls_000003"], object)
    entry = {"bbx": [1.5, 2, 30, 40], "easy": np.array([[3]]), "hard": np.array([[1]]), "junk": np.zeros((0, 0))}
    for queries in (1, 2):
        asked = np.array(["all_souls_000013"] * queries, object)
        table = {"imlist": names[None], "qimlist": asked[None], "gnd": np.array([entry] * queries, object)}
        savemat(roxford / "gnd_roxford5k.mat", table)
        dataset = open_dataset(roxford)
        assert (dataset.name, len(dataset.queries)) == ("roxford5k", queries)
        assert dataset.queries[0].grades == {2: E, 0: H}, "the first photo is number 1"
        assert dataset.queries[0].photo.box == (1.5, 2.0, 30.0, 40.0)
    revisited(roxford)
    with pytest.raises(InvalidArgumentError, match="has 2 files gnd_"):
        open_dataset(roxford)
    (roxford / "gnd_roxford5k.pkl").unlink()
    for content in (b"", b"nothing of MATLAB's", b"MATLAB 7.3 MAT-file" + bytes(200)):
        (roxford / "gnd_roxford5k.mat").write_bytes(content)
        with pytest.raises(InvalidArgumentError, match=r"gnd_roxford5k\.mat cannot be read"):
            open_dataset(roxford)


@pytest.mark.parametrize("table", [[], {"imlist": []}, {"imlist": [1], "qimlist": [], "gnd": []}])
def test_other_tables_are_told(table: Any, roxford: Path) -> None:
    (roxford / "gnd_roxford5k.pkl").write_bytes(pickle.dumps(table))
    with pytest.raises(InvalidArgumentError, match=r"gnd_roxford5k\.pkl is no ground truth"):
        open_dataset(roxford)


def test_missing_photos_are_counted(roxford: Path) -> None:
    (roxford / "jpg/all_souls_000001.jpg").unlink()
    with pytest.raises(InvalidArgumentError, match=r"1 of 3 photos of the data set are not .*all_souls_000001 among"):
        open_dataset(roxford)


# --- Oxford5k and Paris6k ---


@pytest.fixture
def oxford(tmp_path: Path) -> Path:
    photos(tmp_path / "oxbuild_images", "all_souls_000001", "all_souls_000013", "keble_000002", "oxford_000003")
    truth = tmp_path / "gt_files_170407"
    text(truth / "all_souls_1_query.txt", "oxc1_all_souls_000013 136.5 34.1 648.5 955.7")
    text(truth / "all_souls_1_good.txt", "all_souls_000013")
    text(truth / "all_souls_1_ok.txt", "all_souls_000001")
    text(truth / "all_souls_1_junk.txt", "oxford_000003", "")
    text(truth / "keble_1_query.txt", "keble_000002 1 2 3 4")
    for kind in ("good", "ok", "junk"):
        text(truth / f"keble_1_{kind}.txt", *(["keble_000002"] if kind == "good" else []))
    return tmp_path


def test_oxford(oxford: Path) -> None:
    dataset = open_dataset(oxford)
    assert dataset.benchmark is Benchmark.RETRIEVAL
    places = {key.split("/")[1].split(".")[0]: place for place, key in enumerate(keys(dataset))}
    assert len(places) == 4
    first, second = dataset.queries
    assert first.photo.key == "oxbuild_images/all_souls_000013.jpg#136.5,34.1,648.5,955.7"
    assert first.landmark == "all_souls"
    assert first.grades == {places["all_souls_000013"]: E, places["all_souls_000001"]: H, places["oxford_000003"]: J}
    assert second.grades == {places["keble_000002"]: E}


def test_files_of_the_truth_may_lie_beside_the_photos(oxford: Path) -> None:
    for path in (oxford / "gt_files_170407").iterdir():
        path.rename(oxford / path.name)
    assert len(open_dataset(oxford).queries) == 2


def test_a_malformed_query_is_told(oxford: Path) -> None:
    file = oxford / "gt_files_170407/keble_1_query.txt"
    for line in ("keble_000002 1 2 3", "keble_000002 1 2 3 x", ""):
        text(file, line)
        with pytest.raises(InvalidArgumentError, match=r"keble_1_query\.txt does not hold"):
            open_dataset(oxford)
    text(file, "keble_000009 1 2 3 4")
    with pytest.raises(InvalidArgumentError, match="keble_000009 among them"):
        open_dataset(oxford)
    text(file, "keble_000002 1 2 3 4")
    (oxford / "gt_files_170407/keble_1_junk.txt").unlink()
    with pytest.raises(InvalidArgumentError, match=r"keble_1_junk\.txt cannot be read"):
        open_dataset(oxford)


def test_two_photos_of_one_name_are_told(oxford: Path) -> None:
    photos(oxford / "oxbuild_images/copies", "keble_000002")
    with pytest.raises(InvalidArgumentError, match="have one name"):
        open_dataset(oxford)


# --- Holidays and UKBench ---


def test_holidays(tmp_path: Path) -> None:
    photos(tmp_path / "jpg", "100000", "100001", "100002", "149900", "149901")
    dataset = open_dataset(tmp_path)
    assert dataset.benchmark is Benchmark.RETRIEVAL
    assert keys(dataset) == [f"jpg/{name}.jpg" for name in ("100000", "100001", "100002", "149900", "149901")]
    first, second = dataset.queries
    assert (first.photo, first.grades) == (dataset.gallery[0], {0: J, 1: E, 2: E})
    assert (second.photo, second.grades) == (dataset.gallery[3], {3: J, 4: E})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("100000", "100001", "100100"), "group 1001 .* another"),
        (("100000", "100001", "100101"), "needs a photo 100100"),
        (("100000", "100001", "cover"), "cover is not named 1GGGNN.jpg"),
    ],
)
def test_other_names_than_holidays_are_told(names: tuple[str, ...], message: str, tmp_path: Path) -> None:
    photos(tmp_path, *names)
    with pytest.raises(InvalidArgumentError, match=message):
        open_dataset(tmp_path)


def test_ukbench(tmp_path: Path) -> None:
    names = [f"ukbench{number:05}" for number in range(8)]
    photos(tmp_path / "full", *names)
    photos(tmp_path / "thumbnails", *names)
    dataset = open_dataset(tmp_path)
    assert dataset.benchmark is Benchmark.UKBENCH
    assert len(dataset.gallery) == len(dataset.queries) == 8
    assert [query.photo for query in dataset.queries] == list(dataset.gallery)
    assert dataset.queries[6].grades == dict.fromkeys(range(4, 8), E)
    (tmp_path / "full/ukbench00005.jpg").unlink()
    with pytest.raises(InvalidArgumentError, match="3 of the four photos from ukbench00004 on"):
        open_dataset(tmp_path)


# --- Google Landmarks v2 ---


def landmark_photos(folder: Path, split: str, *names: str) -> None:
    photos(folder / split, *(f"{name[0]}/{name[1]}/{name[2]}/{name}" for name in names))


@pytest.fixture
def google(tmp_path: Path) -> Path:
    landmark_photos(tmp_path, "index", "aaa0", "aab1", "abc2")
    landmark_photos(tmp_path, "train", "ccc0", "ccd1", "cde2")
    landmark_photos(tmp_path, "test", "fff0", "fff1", "ffe2", "ffe3")
    text(tmp_path / "metadata/index.csv", "id", "aaa0", "aab1", "abc2")
    text(tmp_path / "metadata/train_clean.csv", "landmark_id,images", "7,ccc0 cde2", "9,ccd1")
    text(
        tmp_path / "ground_truth/retrieval_solution_v2.1.csv",
        "id,images,Usage",
        "fff0,abc2 aaa0,Private",
        "fff1,aab1,Public",
        "ffe2,None,Ignored",
    )
    text(
        tmp_path / "ground_truth/recognition_solution_v2.1.csv",
        "id,landmarks,Usage",
        "fff0,7 9,Private",
        "fff1,,Private",
        "ffe2,123,Private",
        "ffe3,7,Public",
    )
    return tmp_path


def test_google_retrieval(google: Path) -> None:
    dataset = open_dataset(google)
    assert (dataset.name, dataset.benchmark) == ("google-landmarks-v2-retrieval", Benchmark.MAP_AT_100)
    assert keys(dataset) == ["index/aaa0", "index/aab1", "index/abc2"]
    (query,) = dataset.queries
    assert (query.photo.key, query.grades) == ("test/fff0", {0: E, 2: E})
    assert query.photo.path == google / "test/f/f/f/fff0.jpg"
    assert len(open_dataset(google, part="all").queries) == 2


def test_google_recognition(google: Path) -> None:
    dataset = open_dataset(google, "google-landmarks", task="recognition")
    assert dataset.benchmark is Benchmark.MICRO_AP
    assert keys(dataset) == ["train/ccc0", "train/cde2", "train/ccd1"]
    assert dataset.landmarks == ("7", "7", "9")
    of_two, stranger, unclean = dataset.queries
    assert (of_two.landmark, of_two.grades) == ("7 9", {0: E, 1: E, 2: E})
    assert (stranger.landmark, stranger.grades) == ("", {})
    assert (unclean.landmark, unclean.grades) == ("123", {}), "it counts, and nothing answers it"
    (google / "metadata/train_clean.csv").unlink()
    text(google / "train.csv", "id,url,landmark_id", "ccd1,x,9", "ccc0,x,7")
    assert open_dataset(google, task="recognition").landmarks == ("9", "7")


def test_google_in_part(google: Path) -> None:
    for name in ("index/a/a/a/aaa0", "train/c/c/d/ccd1", "test/f/f/f/fff1"):
        (google / f"{name}.jpg").unlink()
    with pytest.raises(InvalidArgumentError, match=r"1 photos are missing, .*aaa0\.jpg among them; the option partial"):
        open_dataset(google)
    dataset = open_dataset(google, partial=True)
    assert dataset.name == "google-landmarks-v2-retrieval-partial"
    assert dataset.queries[0].grades == {1: E}
    recognition = open_dataset(google, task="recognition", partial=True)
    assert [query.landmark for query in recognition.queries] == ["7 9", ""]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "detection"}, "the task is one of retrieval, recognition"),
        ({"part": "secret"}, "the part one of private, public, all"),
        ({"parts": "all"}, "no option 'parts'; it has the options task, part, partial"),
    ],
)
def test_google_options(options: dict[str, Any], message: str, google: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        open_dataset(google, **options)


def test_google_tables_must_agree(google: Path) -> None:
    text(google / "metadata/index.csv", "id", "aaa0")
    with pytest.raises(InvalidArgumentError, match="names abc2, which the gallery does not have"):
        open_dataset(google)
    text(google / "metadata/index.csv", "name", "aaa0")
    with pytest.raises(InvalidArgumentError, match=r"index\.csv lacks the columns id"):
        open_dataset(google)
    (google / "metadata/index.csv").unlink()
    with pytest.raises(InvalidArgumentError, match=r"no index\.csv"):
        open_dataset(google)
    (google / "metadata/train_clean.csv").unlink()
    with pytest.raises(InvalidArgumentError, match=r"neither train_clean\.csv nor train\.csv"):
        open_dataset(google, task="recognition")
    (google / "ground_truth/recognition_solution_v2.1.csv").unlink()
    with pytest.raises(InvalidArgumentError, match="no recognition_solution"):
        open_dataset(google, task="recognition")
