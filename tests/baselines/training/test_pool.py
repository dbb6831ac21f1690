"""Pools of pairs of patches: the same whoever makes them, of the photos they should be of."""

import time
from pathlib import Path

import numpy as np
import pytest

from steeple.baselines.training.correspondences import PairParameters
from steeple.baselines.training.patch_pairs import PatchArrays, PatchParameters
from steeple.baselines.training.pool import PHOTO, SCENE, PatchPhotos, batch, drawn, make_pool
from steeple.errors import InvalidArgumentError
from tests.scenes import encoded, scene
from tests.tiny_training import quiet

PAIRS = PairParameters(per_photo=12)


def photos(folder: Path, count: int) -> list[Path]:
    files = [folder / f"{number:03}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(encoded(scene(number, 200, 150)))
    return files


def test_a_pool_is_the_same_however_many_processes_make_it(tmp_path: Path) -> None:
    files = photos(tmp_path, 3)

    def made(workers: int) -> PatchArrays:
        return make_pool(files, 60, PAIRS, PatchParameters(), seed=7, workers=workers, progress=quiet)

    one, two = made(1), made(2)
    assert set(one) == {"first", "second", PHOTO, SCENE}
    assert one["first"].shape == one["second"].shape == (60, 32, 32)
    assert set(one[PHOTO].tolist()) == {0, 1, 2}
    assert len(np.unique(one[SCENE])) > 3  # a photo is used again, with other views
    np.testing.assert_array_equal(one[SCENE] % 3, one[PHOTO])
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    assert len(np.unique(one["first"], axis=0)) > 50


def test_when_time_is_up_a_pool_is_what_there_is(tmp_path: Path) -> None:
    files = photos(tmp_path, 2)
    pool = make_pool(
        files, 10**9, PAIRS, PatchParameters(), seed=7, workers=1, progress=quiet, until=time.monotonic() + 0.01
    )
    assert 0 < len(pool[PHOTO]) < 1000


def test_photos_without_texture_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "plain.png"
    file.write_bytes(encoded(np.full((60, 80, 3), 100, np.uint8), ".png"))
    with pytest.raises(InvalidArgumentError, match="so plain"):
        make_pool([file, file], 10, PAIRS, PatchParameters(), seed=0, workers=1, progress=quiet)


def test_photos_to_validate_on_are_not_trained_on_and_stay_the_same(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number:03}.jpg").write_bytes(b"chosen by name")
    found = PatchPhotos.below(tmp_path)
    assert len(found.training) + len(found.validation) == 100
    assert 2 <= len(found.validation) <= 12
    assert not set(found.training) & set(found.validation)
    for file in found.training[:50]:
        file.unlink()
    assert PatchPhotos.below(tmp_path).validation == found.validation


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_photos_are_refused(count: int, tmp_path: Path) -> None:
    for number in range(count):
        (tmp_path / f"{number}.jpg").touch()
    with pytest.raises(InvalidArgumentError, match=r"no photo|must be more"):
        PatchPhotos.below(tmp_path)
    with pytest.raises(InvalidArgumentError, match="no folder"):
        PatchPhotos.below(tmp_path / "elsewhere")


def test_a_batch_is_mirrored_and_turned_as_one() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (40, 32, 32)).astype(np.uint8)
    pool: PatchArrays = {"first": first, "second": 255 - first, PHOTO: np.arange(40, dtype=np.int32)}
    pool[SCENE] = pool[PHOTO]
    changes = set()
    for number in range(60):
        drawn = batch(pool, 8, (3, number))
        np.testing.assert_array_equal(drawn["second"], 255 - drawn["first"])
        original = first[drawn[PHOTO]]
        ways = [np.rot90(m, turns, axes=(1, 2)) for m in (original, original[:, :, ::-1]) for turns in range(4)]
        (way,) = [number for number, changed in enumerate(ways) if np.array_equal(changed, drawn["first"])]
        changes.add(way)
    assert changes == set(range(8))
    np.testing.assert_array_equal(batch(pool, 8, (3, 5))["first"], batch(pool, 8, (3, 5))["first"])


def test_pairs_are_drawn_once_and_eight_neighbours_at_a_time() -> None:
    pool: PatchArrays = {PHOTO: np.zeros(1000, np.int32)}
    chosen = drawn(pool, 64, (1, 2))
    assert len(np.unique(chosen)) == 64
    np.testing.assert_array_equal(chosen.reshape(8, 8) - chosen[::8, None], np.tile(np.arange(8), (8, 1)))
    assert len(np.unique(drawn(pool, 61, (1, 2)))) == 61  # no multiple of eight: one by one
    assert len(np.unique(drawn(pool, 5000, (1, 2)))) == 1000  # all that there are
    seen = np.unique(np.concatenate([drawn(pool, 64, (1, number)) for number in range(200)]))
    assert len(seen) == 1000
