"""Weights come back from their differences bit for bit."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from steeple.baselines import releases
from steeple.baselines.differences import differences, restored
from steeple.baselines.efficientnet import imagenet_weights
from steeple.errors import ReleaseError

HALVES = arrays.arrays(np.uint16, (3, 2), elements=st.integers(0, 0xFFFF))
TRAINED = "58f97feba896b9558c3eda37837cfbb59120a6e139b75eaa4b6adc7b6c2391bd"


@given(HALVES, HALVES)
def test_any_numbers_come_back(weights: np.ndarray, base: np.ndarray) -> None:
    """Infinite ones, both zeros and the smallest too; of numbers that are none, that they are none."""
    one, other = ({"dense": [bits.view(np.float16).astype(np.float32)]} for bits in (weights, base))
    found = restored(differences(one, other), other)["dense"][0]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, one["dense"][0])
    np.testing.assert_array_equal(np.signbit(found), np.signbit(one["dense"][0]))


def test_what_has_moved_little_has_no_high_byte() -> None:
    base = np.array([1.0, -1.0, 0.5, 0.0], np.float16)
    moved = np.array([np.nextafter(base[0], np.float16(2)), base[1], np.nextafter(base[2], np.float16(0)), -0.0])
    low, high = differences({"a": [moved.astype(np.float32)]}, {"a": [base.astype(np.float32)]})["a:0"]
    assert low.tolist() == [2, 0, 1, 1]
    assert high.tolist() == [0, 0, 0, 0]


def test_weights_of_another_network_are_refused() -> None:
    base = {"dense": [np.ones((2, 2), np.float32)]}
    others: list[dict[str, list[np.ndarray]]] = [{}, {"dense": []}, {"dense": [np.ones((2, 3), np.float32)]}]
    for other in others:
        with pytest.raises(ReleaseError, match="dense"):
            differences(base, other)
        with pytest.raises(ReleaseError, match="dense"):
            restored(differences(base, base), other)
    with pytest.raises(ReleaseError, match="no differences"):
        restored({"dense:0": np.ones((2, 2), np.float16)}, base)


def test_a_tuned_network_is_kept_as_what_it_differs_by(tmp_path: Path) -> None:
    base = imagenet_weights()
    tuned = {name: [array + np.float32(1e-3) for array in base[name]] for name in ("conv_stem", "bn0")}
    saved = releases.save(tmp_path / "tuned.npz", tuned, {"paper": "none"}, base="efficientnet-lite0")
    read = releases.load("tuned", tmp_path)
    assert read.facts == {"base": "efficientnet-lite0", "paper": "none"}
    for network in (saved, read):
        assert list(network.weights) == list(tuned)
        for name, layers in tuned.items():
            for found, wanted in zip(network.weights[name], layers, strict=True):
                np.testing.assert_array_equal(found, wanted.astype(np.float16).astype(np.float32))
    releases.save(tmp_path / "whole.npz", tuned, {})
    assert (tmp_path / "tuned.npz").stat().st_size < (tmp_path / "whole.npz").stat().st_size


def test_the_network_that_ships_is_the_one_that_was_trained() -> None:
    total = hashlib.sha256()
    for name, layers in sorted(releases.load("siamac").weights.items()):
        total.update(name.encode())
        for array in layers:
            total.update(array.astype(np.float16).tobytes())
    assert total.hexdigest() == TRAINED
