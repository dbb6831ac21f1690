"""Weights in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steeple.delf.training.recipe import NetworkParameters
from steeple.errors import ReleaseError
from tests.tiny_training import NEEDS_TENSORFLOW, part

pytestmark = NEEDS_TENSORFLOW


@pytest.fixture(scope="module")
def model() -> Any:
    return part("training.network").delf_network(NetworkParameters(attention_channels=8, global_dimensions=6))


def test_weights_come_back_in_half_precision(model: Any, tmp_path: Path) -> None:
    weights, network = part("training.weights"), part("training.network")
    weights.save(model, tmp_path / "weights.npz")
    found, exact = weights.load(tmp_path / "weights.npz"), network.get_weights(model)
    assert list(found) == list(exact)
    for name, arrays in exact.items():
        for array, expected in zip(found[name], arrays, strict=True):
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, expected.astype(np.float16))
    assert (tmp_path / "weights.npz").stat().st_size < 2.2 * model.count_params()

    network.set_weights(model, found)
    weights.save(model, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "weights.npz").read_bytes()


def test_a_damaged_file_is_refused(model: Any, tmp_path: Path) -> None:
    weights = part("training.weights")
    file = tmp_path / "weights.npz"
    weights.save(model, file)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(ReleaseError, match=r"weights\.npz cannot be read"):
        weights.load(file)
    with pytest.raises(ReleaseError):
        weights.load(tmp_path / "none.npz")
