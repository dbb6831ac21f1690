"""Which photos networks of whole photos learn from, and what they are shown of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from steeple.baselines.training import global_photos
from steeple.delf.training import mining
from steeple.errors import InvalidArgumentError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, count in (("bridge", 3), ("chapel", 2), ("tower", 3), ("_others", 12)):
        (tmp_path / name).mkdir()
        for number in range(count):
            Image.new("RGB", (60, 40), (number * 20, 90, 200)).save(tmp_path / name / f"{number}.png")
    return tmp_path


def paired(folder: Path, *pairs: tuple[str, str]) -> Path:
    file = folder / "pairs.json"
    found = [mining.MinedPair(first, second, 0, (1, 0, 0, 0, 1, 0), (0, 0, 9, 0, 9, 9), 20) for first, second in pairs]
    mining.save(found, file)
    return file


def test_held_out_photos_are_not_learned_from(folder: Path) -> None:
    taught, held = global_photos.collections(folder, None, ["chapel"], 0.5)

    assert not set(taught.paths) & set(held.paths)
    assert len(taught.paths) + len(held.paths) == 20
    assert taught.labels[:6].tolist() == [0, 0, 0, 1, 1, 1]
    assert held.labels[:2].tolist() == [0, 0]
    assert set(held.labels[2:]) == {-1}
    assert len(held.paths) > 2, "some of no landmark"


def test_matches_go_both_ways_and_leave_held_out_photos_alone(folder: Path) -> None:
    pairs = paired(
        folder, ("bridge/0.png", "bridge/2.png"), ("bridge/2.png", "bridge/1.png"), ("chapel/0.png", "chapel/1.png")
    )

    taught, held = global_photos.collections(folder, pairs, ["chapel"], 0.0)

    assert taught.matches == {0: (2,), 1: (2,), 2: (0, 1)}
    assert held.matches == {}


def test_what_cannot_be_trained_on_is_told(folder: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="--held-out"):
        global_photos.collections(folder, None, [], 0.0)
    with pytest.raises(InvalidArgumentError, match="no landmark left"):
        global_photos.collections(folder, None, ["bridge", "chapel", "tower"], 0.0)
    with pytest.raises(InvalidArgumentError, match=r"bridge/7\.png, which is not there"):
        global_photos.collections(folder, paired(folder, ("bridge/7.png", "bridge/0.png")), ["chapel"], 0.0)


def test_whole_photos_come_in_two_shapes_and_none_is_lost() -> None:
    photos = [
        np.full((height, width, 3), 10 * number, np.uint8)
        for number, (height, width) in enumerate([(30, 40), (40, 30), (20, 60), (33, 33), (50, 20)])
    ]

    batches = list(global_photos.whole(photos, 128, 2))

    assert [(batch.shape, numbers) for batch, numbers in batches] == [
        ((2, 96, 128, 3), [0, 2]),
        ((2, 96, 128, 3), [3]),
        ((2, 128, 96, 3), [1, 4]),
    ]
    for batch, numbers in batches:
        assert [int(picture.max()) for picture in batch[: len(numbers)]] == [10 * number for number in numbers]


def test_what_is_shown_is_a_function_of_the_randomness() -> None:
    photo = np.random.default_rng(3).integers(0, 255, (50, 80, 3), np.uint8)

    first, again, other = (global_photos.shown(photo, 64, np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert first.shape == (64, 64, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
