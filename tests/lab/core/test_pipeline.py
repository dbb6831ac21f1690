"""A system answers with what its parts find, and counts what that takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from steeple.errors import ImageError, InvalidArgumentError
from steeple.lab.cache import FeatureCache
from steeple.lab.datasets import open_dataset
from steeple.lab.parts import read_part
from steeple.lab.photo_set import LazySequence, ShownDataset, ShownPhoto
from steeple.lab.photos import LabPhoto
from steeple.lab.pipeline import Answered, answer, check_parts, union
from steeple.lab.rankings import Ranking
from steeple.lab.subset import some_photos
from steeple.lab.systems import read_system
from steeple.lab.vectors import make_vectors
from tests.scenes import encoded, scene

from .stand_ins import GLOBAL, LOCAL, SIDE, Work, dataset_of, stand_ins, write_photos, write_training


def quiet(title: str, done: int, total: int) -> None:
    assert 0 <= done <= total


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> ShownDataset:
    folder = tmp_path_factory.mktemp("pipeline")
    write_photos(folder / "photos")
    write_training(folder / "training")
    return ShownDataset.of(open_dataset(folder / "photos", training=folder / "training"), SIDE, quiet)


def ask(shown: ShownDataset, cache: Path, work: Work | None = None, **definition: Any) -> Answered:
    parts = stand_ins(work or Work())
    return answer(read_system(definition, parts, "test"), shown, parts, FeatureCache(cache), quiet)


def first_landmarks(answered: Answered, shown: ShownDataset) -> list[str]:
    """Of the queries that have one."""
    pairs = zip(shown.dataset.queries, answered.rankings, strict=True)
    return [shown.dataset.landmarks[ranking.keys[0]] for query, ranking in pairs if query.landmark]


def asked(shown: ShownDataset) -> list[str]:
    return [query.landmark for query in shown.dataset.queries if query.landmark]


@pytest.mark.parametrize("definition", [GLOBAL, LOCAL, {**LOCAL, "local": "bits"}])
def test_what_is_known_is_found(definition: dict[str, Any], shown: ShownDataset, tmp_path: Path) -> None:
    answered = ask(shown, tmp_path, **definition)
    assert first_landmarks(answered, shown) == asked(shown)
    assert all(len(ranking) == 4 for ranking in answered.rankings), "the whole gallery"
    assert (answered.confidence, answered.identified) == (None, None)
    assert (answered.extract_seconds > 0).all()
    assert (answered.search_seconds > 0).all()


def test_a_projection_stands_between_features_and_their_search(shown: ShownDataset, tmp_path: Path) -> None:
    projection = {"kind": "pca", "dimensions": 2}
    answered = ask(shown, tmp_path, **LOCAL, projection=projection, rerank=["again"])
    assert first_landmarks(answered, shown) == asked(shown)
    assert answered.query_bytes.tolist() == [16 * (2 * 2 + 8)] * 8, "two numbers a feature, and its geometry"
    assert answered.stage_bytes == 16 * (2 * 2 + 8)
    with pytest.raises(InvalidArgumentError, match="projection needs local and local-search"):
        ask(shown, tmp_path, **GLOBAL, projection=projection)
    with pytest.raises(InvalidArgumentError, match="no principal components"):
        ask(shown, tmp_path, **{**LOCAL, "local": "bits"}, projection=projection)


def test_what_is_sent_and_kept(shown: ShownDataset, tmp_path: Path) -> None:
    """16 features of 3 numbers as float16, and 8 bytes of geometry each where a stage reads them."""
    alone = ask(shown, tmp_path, **LOCAL)
    assert (alone.query_bytes.tolist(), alone.index_bytes, alone.stage_bytes) == ([96] * 8, 100, 0)
    assert alone.features == 16
    verified = ask(shown, tmp_path, **LOCAL, rerank=["again"])
    assert (verified.query_bytes[0], verified.index_bytes, verified.stage_bytes) == (96 + 128, 100, 96 + 128)
    bits = ask(shown, tmp_path, **{**LOCAL, "local": "bits"}, rerank=["again"])
    assert (bits.query_bytes[0], bits.stage_bytes) == (16 * (3 + 8), 16 * (3 + 8))
    vector = ask(shown, tmp_path, **GLOBAL)
    assert (vector.query_bytes[0], vector.index_bytes, vector.stage_bytes) == (2 * 192, 4 * 192, 0)
    whitened = ask(shown, tmp_path, **GLOBAL, whitening={"dimensions": 3})
    assert (whitened.query_bytes[0], whitened.index_bytes) == (6, 12)


def test_stages_come_after_the_search(shown: ShownDataset, tmp_path: Path) -> None:
    """The search turned upside down, of which the stage sees three photos, and finds the right one there or never."""
    both = {**GLOBAL, "local": "spots", "global-search": {"kind": "exact", "sign": -1}}
    before, after = ask(shown, tmp_path, **both), ask(shown, tmp_path, **both, rerank=[{"kind": "again", "first": 4}])
    assert first_landmarks(before, shown) != asked(shown)
    assert first_landmarks(after, shown) == asked(shown)
    assert (after.rerank_seconds > 0).all()
    assert (after.query_bytes[0], after.stage_bytes) == (2 * 192 + 96 + 128, 96 + 128)


def test_two_searches_are_joined() -> None:
    first = Ranking(np.array([3, 1, 0]), np.array([9, 8, 7], np.float32))
    second = Ranking(np.array([1, 2]), np.array([0.2, 0.1], np.float32))
    joined = union([first, second], 5)
    assert joined.keys.tolist() == [1, 3, 2, 0], "1/62 + 1/61, 1/61, 1/62, 1/63; and 4 was not found"
    np.testing.assert_allclose(joined.scores, [1 / 62 + 1 / 61, 1 / 61, 1 / 62, 1 / 63], rtol=1e-6)


def test_both_branches_at_once(shown: ShownDataset, tmp_path: Path) -> None:
    both = {**GLOBAL, **LOCAL, "group": "after", "name": "both"}
    answered = ask(shown, tmp_path, **both)
    assert first_landmarks(answered, shown) == asked(shown)
    assert answered.index_bytes == 100 + 4 * 192


def test_nothing_is_extracted_twice(shown: ShownDataset, tmp_path: Path) -> None:
    work = Work()
    first = ask(shown, tmp_path, work, **LOCAL)
    assert work.photos == {"spots": len(shown.gallery) + len(shown.queries) + len(shown.training)}
    second = ask(shown, tmp_path, work, **LOCAL, rerank=["again"])
    ask(shown, tmp_path, work, **GLOBAL)
    again = ask(shown, tmp_path, work, **{**GLOBAL, "global-search": {"kind": "exact", "sign": -1}})
    assert work.photos == {"spots": 18, "colours": 18}
    np.testing.assert_array_equal(first.extract_seconds, second.extract_seconds)
    assert (again.extract_seconds > 0).all()
    ask(shown, tmp_path, work, **{**LOCAL, "local": {"kind": "spots", "squares": 3}})
    assert work.photos["spots"] == 36, "other parameters"


def test_what_is_read_is_what_was_made(shown: ShownDataset, tmp_path: Path) -> None:
    """The run that extracts has the numbers of the run that reads them."""
    rankings = [ask(shown, tmp_path, **LOCAL).rankings for _ in range(2)]
    for one, other in zip(*rankings, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)


def test_a_damaged_file_is_made_anew(shown: ShownDataset, tmp_path: Path) -> None:
    work = Work()
    before = ask(shown, tmp_path, work, **LOCAL)
    part = read_part("spots", stand_ins(work).extractors, "test")
    searched, query = (
        FeatureCache(tmp_path).path({**part.identity, **photos[0].identity})
        for photos in (shown.gallery, shown.queries)
    )
    searched.write_bytes(searched.read_bytes()[:-9])
    np.savez(query, header=np.zeros(3, np.uint8))
    after = ask(shown, tmp_path, work, **LOCAL)
    assert work.photos == {"spots": 20}
    np.testing.assert_array_equal(
        [ranking.scores for ranking in before.rankings], [ranking.scores for ranking in after.rankings]
    )
    ask(shown, tmp_path, work, **LOCAL)
    assert work.photos == {"spots": 20}


def test_vectors_are_whitened_by_the_training_photos_alone(shown: ShownDataset, tmp_path: Path) -> None:
    parts = stand_ins(Work())
    branch = read_system({**GLOBAL, "whitening": {"dimensions": 4}}, parts, "test").branch
    assert branch is not None
    vectors = make_vectors(branch, shown, parts, FeatureCache(tmp_path), quiet, "test")
    assert [part.shape for part in (vectors.training, vectors.gallery, vectors.queries)] == [(6, 4), (4, 4), (8, 4)]
    np.testing.assert_allclose(np.linalg.norm(vectors.gallery, axis=1), 1, rtol=1e-5)
    again = make_vectors(branch, shown, parts, FeatureCache(tmp_path), quiet, "test")
    np.testing.assert_array_equal(vectors.queries, again.queries)


def test_errors_name_the_system_or_the_photo(shown: ShownDataset, tmp_path: Path) -> None:
    parts = stand_ins(Work())
    unfit = read_system({**LOCAL, "local": {"kind": "spots", "squares": 0}}, parts, "test")
    with pytest.raises(InvalidArgumentError, match="spots, spots: squares must be 1 or more"):
        answer(unfit, shown, parts, FeatureCache(tmp_path), quiet)
    check_parts(read_system(GLOBAL, parts, "test"), parts)
    bare = ShownDataset.of(open_dataset(shown.gallery[0].photo.path.parent.parent), SIDE, quiet)
    with pytest.raises(InvalidArgumentError, match="flat: whitening is fitted on training photos, and there are none"):
        ask(bare, tmp_path, **GLOBAL, whitening={"dimensions": 4})
    with pytest.raises(InvalidArgumentError, match="again needs local features"):
        ask(shown, tmp_path, **GLOBAL, rerank=["again"])
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff no photo")
    with pytest.raises(ImageError, match=r"broken\.jpg: "):
        ShownPhoto(LabPhoto("broken", path), "", 0).pixels()


def test_photos_are_cut_and_made_smaller(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    picture = scene(1, 80, 60)
    path.write_bytes(encoded(picture, ".png"))

    def pixels(side: int, box: tuple[float, float, float, float] | None = None) -> Any:
        return ShownPhoto(LabPhoto("photo", path, box), "", side).pixels()

    np.testing.assert_array_equal(pixels(0), picture)
    np.testing.assert_array_equal(pixels(80), picture)
    np.testing.assert_array_equal(pixels(40), cv2.resize(picture, (40, 30), interpolation=cv2.INTER_AREA))
    np.testing.assert_array_equal(pixels(0, (10.5, 20, 30, 99)), picture[20:, 10:30])
    assert pixels(10, (0, 0, 20, 40)).shape == (10, 5, 3)
    with pytest.raises(ImageError, match="outside of its 80x60 pixels"):
        pixels(0, (80, 0, 90, 10))


def test_the_digest_is_of_photos_and_truth(shown: ShownDataset, tmp_path: Path) -> None:
    copy = write_photos(tmp_path / "copy")
    dataset = open_dataset(copy)
    bare = ShownDataset.of(open_dataset(shown.gallery[0].photo.path.parent.parent), SIDE, quiet)
    assert ShownDataset.of(dataset, SIDE, quiet).digest == bare.digest != shown.digest, "wherever they lie"
    assert ShownDataset.of(dataset, 0, quiet).digest != bare.digest
    (copy / "landmark-0").rename(copy / "landmark-9")
    assert ShownDataset.of(open_dataset(copy), SIDE, quiet).digest != bare.digest


def test_members_are_read_when_asked_for_and_kept_while_there_is_room() -> None:
    read: list[int] = []

    def load(place: int) -> str:
        read.append(place)
        return "x" * place

    sequence = LazySequence(5, load, len, 4)
    assert (len(sequence), read) == (5, [])
    assert [len(item) for item in sequence] == [0, 1, 2, 3, 4]
    assert (sequence[1], sequence[-1], list(sequence[3:])) == ("x", "xxxx", ["xxx", "xxxx"])
    assert read == [0, 1, 2, 3, 4, 4, 3, 4], "3 and 4 find no room any more"
    with pytest.raises(IndexError):
        sequence[5]


def test_a_part_of_a_data_set_can_be_answered() -> None:
    dataset = dataset_of(["a", "b", "a", "", "c", "c"], ["a", "b", "c", "", "", "a"])
    part = some_photos(dataset, 3)
    assert (len(part.gallery), len(part.queries)) == (3, 3)
    for query in part.queries:
        assert all(part.landmarks[key] == query.landmark for key in query.grades)
        assert bool(query.grades) == bool(query.landmark)
    assert some_photos(dataset, 10) == dataset
