"""Checkpoints on disk: whole or refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.delf.training import checkpoint
from steeple.errors import ReleaseError


class Variable:
    """What of a Keras variable is used."""

    def __init__(self, value: NDArray[Any]) -> None:
        self.value = value

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.value, dtype)

    def assign(self, value: NDArray[Any]) -> None:
        self.value = value


def variables(seed: int) -> list[Variable]:
    random = np.random.default_rng(seed)
    shapes = [(3, 3, 2, 4), (4,), (), (7, 1)] * 3  # more than ten: "10" comes before "2" in order of names
    return [Variable(random.standard_normal(shape).astype(np.float32)) for shape in shapes]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    file = tmp_path / "descriptors-checkpoint.npz"
    checkpoint.save(file, 300, variables(1))
    return file


def test_variables_come_back_in_order_to_the_bit(saved: Path) -> None:
    fresh = variables(2)
    assert checkpoint.restore(saved, fresh) == 300
    for variable, expected in zip(fresh, variables(1), strict=True):
        np.testing.assert_array_equal(variable.value, expected.value)
        assert variable.value.dtype == np.float32


def test_the_same_values_make_the_same_bytes(saved: Path) -> None:
    other = saved.with_name("other.npz")
    checkpoint.save(other, 300, variables(1))
    assert other.read_bytes() == saved.read_bytes()
    checkpoint.save(other, 301, variables(1))
    assert other.read_bytes() != saved.read_bytes()


def test_numpy_can_read_it(saved: Path) -> None:
    with np.load(saved) as arrays:
        assert int(arrays["step"]) == 300
        np.testing.assert_array_equal(arrays["11"], variables(1)[11].value)


def test_a_checkpoint_of_another_network_is_refused(saved: Path) -> None:
    for others in (variables(1)[:-1], [*variables(1), Variable(np.zeros(3))], variables(1)[::-1]):
        before = [variable.value.copy() for variable in others]
        with pytest.raises(ReleaseError, match="checkpoint of another network; train into another folder"):
            checkpoint.restore(saved, others)
        for variable, value in zip(others, before, strict=True):
            np.testing.assert_array_equal(variable.value, value)
    checkpoint.write_arrays(saved, {str(n): variable.value for n, variable in enumerate(variables(1))})
    with pytest.raises(ReleaseError, match="another network"):
        checkpoint.restore(saved, variables(1))


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize("content", [b"", b"not at all", npy(), b"PK\x03\x04"])
def test_anything_else_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.npz"
    file.write_bytes(content)
    with pytest.raises(ReleaseError, match=r"checkpoint\.npz cannot be read"):
        checkpoint.restore(file, variables(1))
    with pytest.raises(ReleaseError):
        checkpoint.read_arrays(tmp_path / "none.npz")


def test_a_damaged_file_is_refused_wherever_the_damage_is(tmp_path: Path) -> None:
    """Cut off anywhere, or with a bit turned over: never another error, and never other values."""
    file, damaged = tmp_path / "a.npz", tmp_path / "b.npz"
    arrays = {"step": np.array(3), "0": np.arange(12, dtype=np.float32).reshape(3, 4)}
    checkpoint.write_arrays(file, arrays)
    content = file.read_bytes()
    for cut in range(0, len(content), 7):
        damaged.write_bytes(content[:cut])
        with pytest.raises(ReleaseError):
            checkpoint.read_arrays(damaged)
    refused = 0
    for place in range(len(content)):
        turned = bytearray(content)
        turned[place] ^= 1 << place % 8
        damaged.write_bytes(turned)
        try:
            found = checkpoint.read_arrays(damaged)
        except ReleaseError:
            refused += 1
            continue
        for name in arrays.keys() & found.keys():
            np.testing.assert_array_equal(found[name], arrays[name])
    assert refused > len(content) / 2


def test_a_save_that_fails_leaves_what_was_there(saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(ValueError, match="allow_pickle"):
        checkpoint.write_arrays(saved, {"step": np.array(400), "0": np.array([object()])})
    assert saved.read_bytes() == before
    checkpoint.save(saved, 400, variables(3))
    assert checkpoint.restore(saved, variables(1)) == 400
    assert [path.name for path in saved.parent.iterdir()] == [saved.name], "nothing is left beside it"
