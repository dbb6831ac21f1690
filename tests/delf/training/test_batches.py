"""Batches: what is in them, and that each is a function of its number."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steeple.delf.training.batches import Batch, BatchMaker, ahead
from steeple.delf.training.mining import MinedPair
from steeple.delf.training.photos import TrainingPhotos
from steeple.delf.training.recipe import LightParameters, ViewParameters
from tests.scenes import encoded, scene

STRIDE, SIDE = 16, 96
CELLS = (SIDE // STRIDE) ** 2
DARK = LightParameters(toned=0, night=0, grey=0, blurred=0, noisy=0, compressed=0, occluded=0)
COLOURS = [(160, 90, 90), (90, 160, 90), (90, 90, 160)]
"""Of the photos of the landmarks a and b, and of none: a picture's colour tells what it was made of."""


def shapes(batch: Batch) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for part in batch for name, array in part.items()}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> TrainingPhotos:
    """Of landmark a 1 photo, of b 3, of none 4."""
    folder = tmp_path_factory.mktemp("photos")
    for name, count, colour in zip(("a", "b", "_none"), (1, 3, 4), COLOURS, strict=True):
        (folder / name).mkdir()
        for number in range(count):
            flat = np.full((120, 160, 3), colour, np.uint8)
            (folder / name / f"{number}.png").write_bytes(encoded(flat, ".png"))
    return TrainingPhotos.below(folder)


@pytest.fixture(scope="module")
def make(photos: TrainingPhotos) -> BatchMaker:
    views = ViewParameters(side=SIDE, light=DARK)
    return BatchMaker(photos, (), views, STRIDE, 4, 6, strangers=0.5, mined_share=0.0, seed=(1, 1))


@pytest.fixture(scope="module")
def vivid(tmp_path_factory: pytest.TempPathFactory) -> BatchMaker:
    """Of pictures with something on them, in every light."""
    folder = tmp_path_factory.mktemp("vivid")
    for landmark, number in itertools.product(range(2), range(2)):
        path = folder / f"{landmark}" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded(scene(10 * landmark + number, 200, 150), ".png"))
    views = ViewParameters(side=SIDE)
    return BatchMaker(TrainingPhotos.below(folder), (), views, STRIDE, 3, 2, 0.5, 0.0, seed=(1, 1))


def arrays(batch: Batch) -> dict[str, np.ndarray[Any, Any]]:
    return {**batch[0], **batch[1]}


def colour_of(picture: np.ndarray[Any, Any]) -> int:
    return int(np.abs(np.array(COLOURS) - np.median(picture, axis=(0, 1))).sum(axis=1).argmin())


def assert_same(first: Batch, second: Batch) -> None:
    assert arrays(first).keys() == arrays(second).keys()
    for name, array in arrays(first).items():
        np.testing.assert_array_equal(array, arrays(second)[name])


def test_shapes_and_types(make: BatchMaker) -> None:
    batch = make(0)
    assert shapes(batch) == {
        "first": (4, SIDE, SIDE, 3),
        "second": (4, SIDE, SIDE, 3),
        "labelled": (6, SIDE, SIDE, 3),
        "positions": (4, CELLS, 2),
        "valid": (4, CELLS),
        "targets": (4, CELLS),
        "scenes": (4,),
        "classes": (6,),
    }
    types = {name: array.dtype.name for name, array in arrays(batch).items()}
    assert {types[name] for name in ("first", "second", "labelled")} == {"uint8"}
    assert {types[name] for name in ("targets", "scenes", "classes")} == {"int32"}
    assert {types[name] for name in ("positions", "valid")} == {"float32"}
    assert shapes(dataclasses.replace(make, labelled=0)(0)).keys() == shapes(batch).keys() - {"labelled", "classes"}


def test_a_batch_is_a_function_of_the_seed_and_its_number(vivid: BatchMaker) -> None:
    backwards = {number: vivid(number) for number in (7, 3, 0)}
    again = dataclasses.replace(vivid)
    for number in (0, 3, 7):
        assert_same(again(number), backwards[number])
    assert (again(0)[0]["first"] != again(3)[0]["first"]).any()
    for seed in ((2, 1), (1, 2)):
        assert (dataclasses.replace(vivid, seed=seed)(0)[0]["first"] != again(0)[0]["first"]).any()


def test_batches_made_ahead_are_those_made_one_by_one(vivid: BatchMaker) -> None:
    made = list(ahead(vivid, range(2, 12)))
    assert len(made) == 10
    for number, batch in enumerate(made, start=2):
        assert_same(batch, vivid(number))
    assert list(ahead(vivid, range(3, 3))) == []


def test_batches_are_made_no_further_ahead_than_a_few() -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def make(number: int) -> Batch:
        with lock:
            begun.append(number)
        return {}, {"number": np.array(number)}

    stream = ahead(make, range(1000))
    assert int(next(stream)[1]["number"]) == 0
    stream.close()
    assert len(begun) < 12, "and none after the stream is closed"


def test_what_goes_wrong_in_a_batch_is_raised_in_its_turn() -> None:
    def make(number: int) -> Batch:
        if number == 2:
            raise OSError("no such photo")
        return {}, {}

    stream = ahead(make, range(5))
    assert [next(stream), next(stream)] == [({}, {}), ({}, {})]
    with pytest.raises(OSError, match="no such photo"):
        next(stream)


def test_targets_are_the_nearest_cells(vivid: BatchMaker) -> None:
    wanted = vivid(1)[1]
    axis = np.arange(SIDE // STRIDE) * STRIDE + 7.5
    centres = np.array([(x, y) for y in axis for x in axis])
    distances = np.linalg.norm(wanted["positions"][:, :, None] - centres, axis=-1)
    valid = wanted["valid"] > 0
    assert valid.any()
    chosen = np.take_along_axis(distances, wanted["targets"][..., None], axis=2)[..., 0]
    np.testing.assert_allclose(chosen[valid], distances.min(axis=2)[valid], atol=1e-3)
    assert ((wanted["targets"] >= 0) & (wanted["targets"] < CELLS)).all(), "of invalid cells, too"


def test_classes_are_what_is_on_the_pictures(make: BatchMaker) -> None:
    counted: Counter[int] = Counter()
    for number in range(40):
        inputs, wanted = make(number)
        assert [colour_of(picture) for picture in inputs["labelled"]] == wanted["classes"].tolist()
        counted.update(wanted["classes"].tolist())
    # Half are strangers, and the landmarks share the rest evenly, however many photos each has.
    assert counted[2] == pytest.approx(120, abs=30)
    assert counted[0] == pytest.approx(60, abs=25)
    assert counted[1] == pytest.approx(60, abs=25)


def test_pairs_of_one_landmark_are_one_scene(make: BatchMaker) -> None:
    drawn: Counter[int] = Counter()
    for number in range(60):
        inputs, wanted = make(number)
        shown = [colour_of(picture) for picture in inputs["first"]]
        drawn.update(shown)
        for one, other in itertools.combinations(range(4), 2):
            same = wanted["scenes"][one] == wanted["scenes"][other]
            assert same == (shown[one] == shown[other] != 2), "strangers are each a scene of their own"
    # Pairs are drawn from photos, not from landmarks: 1, 3 and 4 of 8.
    assert [drawn[kind] / 240 for kind in range(3)] == pytest.approx([1 / 8, 3 / 8, 4 / 8], abs=0.1)


def test_mined_pairs_are_drawn_as_often_as_asked(make: BatchMaker, tmp_path: Path) -> None:
    """A mined pair of two colours is known by its second view."""
    files = []
    for name, colour in (("1", COLOURS[1]), ("2", COLOURS[2])):
        files.append(tmp_path / f"{name}.png")
        files[-1].write_bytes(encoded(np.full((120, 160, 3), colour, np.uint8), ".png"))
    pair = MinedPair(str(files[0]), str(files[1]), 1, (1, 0, 0, 0, 1, 0), (20, 20, 140, 20, 140, 100, 20, 100), 30)
    mixed = dataclasses.replace(make, mined=(pair,), mined_share=0.3)
    seen = []
    for number in range(40):
        inputs, wanted = mixed(number)
        pairs = zip(inputs["first"], inputs["second"], wanted["scenes"], strict=True)
        found = [(colour_of(one), colour_of(two), int(scene)) for one, two, scene in pairs]
        seen += [one != two for one, two, _ in found]
        assert all(scene == 1 for one, two, scene in found if one != two), "the scene is its landmark"
    assert np.mean(seen) == pytest.approx(0.3, abs=0.1)


def test_without_strangers_every_picture_is_of_a_landmark(vivid: BatchMaker) -> None:
    classes = np.concatenate([vivid(number)[1]["classes"] for number in range(10)])
    assert set(classes.tolist()) == {0, 1}
