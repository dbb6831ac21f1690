"""Features that are kept are those that were made, whatever happens to the files."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from steeple.errors import UnavailableError
from steeple.lab.cache import FeatureCache, Kept, half

KEY: dict[str, Any] = {"kind": "spots", "squares": 3, "photo": "aa", "side": 800}
MADE = Kept({"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([7], np.uint8)}, 0.5)


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "cache")


def check(kept: Kept | None) -> None:
    assert kept is not None
    assert kept.seconds == MADE.seconds
    assert kept.arrays.keys() == MADE.arrays.keys()
    for name, array in MADE.arrays.items():
        assert kept.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(kept.arrays[name], array)


def test_what_is_stored_is_loaded(cache: FeatureCache) -> None:
    assert (cache.has(KEY), cache.load(KEY), cache.size_bytes()) == (False, None, 0)
    cache.store(KEY, MADE)
    assert cache.has(KEY)
    check(cache.load(KEY))
    check(cache.load(dict(reversed(KEY.items()))))
    assert cache.size_bytes() == cache.path(KEY).stat().st_size
    assert [path.name for path in cache.folder.rglob("*") if path.is_file()] == [cache.path(KEY).name]


@pytest.mark.parametrize("change", [{"squares": 4}, {"photo": "ab"}, {"side": 0}, {"kind": "bits"}, {"more": 1}])
def test_another_key_is_another_file(change: dict[str, Any], cache: FeatureCache) -> None:
    cache.store(KEY, MADE)
    assert cache.load({**KEY, **change}) is None


def test_damaged_and_foreign_files_are_as_if_they_were_not_there(cache: FeatureCache) -> None:
    cache.store(KEY, MADE)
    path = cache.path(KEY)
    whole = path.read_bytes()
    for damaged in (b"", b"nothing", whole[:-30], whole[: len(whole) // 2], flipped(whole)):
        path.write_bytes(damaged)
        assert cache.load(KEY) is None
    np.savez(path, a=np.arange(3))
    assert cache.load(KEY) is None, "no header"
    np.savez(path, header=np.array([{"key": 1}], object), a=np.arange(3))
    assert cache.load(KEY) is None, "what would have to be unpickled"
    other = {**KEY, "photo": "ff"}
    cache.store(other, MADE)
    shutil.copy(cache.path(other), path)
    assert cache.load(KEY) is None, "of another photo"
    cache.store(KEY, MADE)
    check(cache.load(KEY))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), byte=st.integers(1, 255))
def test_whatever_byte_is_wrong_no_wrong_number_is_read(place: int, byte: int, cache: FeatureCache) -> None:
    cache.store(KEY, MADE)
    data = bytearray(cache.path(KEY).read_bytes())
    data[place % len(data)] ^= byte
    cache.path(KEY).write_bytes(data)
    kept = cache.load(KEY)
    if kept is not None and kept.arrays.keys() == MADE.arrays.keys():  # such as the time of a file inside
        check(kept)


def flipped(whole: bytes) -> bytes:
    middle = whole.find(b"b.npy") + 60
    return whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]


def store_often(folder: str) -> None:
    cache = FeatureCache(Path(folder))
    for _ in range(30):
        cache.store(KEY, MADE)
        check(cache.load(KEY))


def test_two_at_once(cache: FeatureCache) -> None:
    """Whoever reads finds a whole file while two processes write it again and again."""
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=store_often, args=(str(cache.folder),)) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert [other.exitcode for other in others] == [0, 0]
    check(cache.load(KEY))


def test_what_a_killed_process_left_is_swept_later(cache: FeatureCache) -> None:
    cache.store(KEY, MADE)
    size = cache.size_bytes()
    young, old = (cache.path(KEY).parent / f".part-{name}" for name in ("young", "old"))
    for left in (young, old):
        left.write_bytes(b"12345")
    os.utime(old, (0, 0))
    assert cache.size_bytes() == size + 5
    assert (young.exists(), old.exists()) == (True, False)


def test_no_room_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnavailableError, match="--cache"):
        FeatureCache(tmp_path / "file").store(KEY, MADE)


@given(arrays.arrays(np.float32, st.integers(0, 9), elements=st.floats(0, 2.0**20, width=32)))
def test_half_precision_is_off_by_a_2000th_at_most(array: Any) -> None:
    rounded = half(array).astype(np.float32)
    np.testing.assert_allclose(rounded, array, rtol=1 / 2000, atol=6e-8)
