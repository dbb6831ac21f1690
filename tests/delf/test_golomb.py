"""Sets of numbers in bits: what goes in comes out, and takes hardly more than it must."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.delf import golomb
from steeple.errors import FeatureSetError


@given(st.sets(st.integers(0, 9999), max_size=300), st.integers(0, golomb.MAX_PARAMETER))
def test_numbers_come_back(numbers: set[int], parameter: int) -> None:
    rising = np.array(sorted(numbers), np.int64)
    data = golomb.encode(rising, parameter)
    np.testing.assert_array_equal(golomb.decode(data, parameter, len(rising), 10_000), rising)


def test_the_bits_are_those_that_the_contract_describes() -> None:
    # 1: gap 1 = 0 ones, zero, "01"; 8: gap 6 = 1 one, zero, "10"; filled up with a one.
    assert golomb.encode(np.array([1, 8]), 2) == bytes([0b0_01_10_10_1])


@pytest.mark.parametrize("count", [30, 100, 400, 1000, 2500])
def test_a_random_set_takes_hardly_more_than_its_entropy(count: int) -> None:
    limit = 4800
    numbers = np.sort(np.random.default_rng(count).choice(limit, count, replace=False))
    bits = 8 * len(golomb.encode(numbers, golomb.parameter_for(count, limit)))
    entropy = (math.lgamma(limit + 1) - math.lgamma(count + 1) - math.lgamma(limit - count + 1)) / math.log(2)
    assert entropy - 1 < bits < 1.06 * entropy + 8


def test_nothing_takes_nothing() -> None:
    assert golomb.encode(np.empty(0, np.int64), 3) == b""
    assert len(golomb.decode(b"", 3, 0, 10)) == 0


@given(st.binary(max_size=64), st.integers(0, golomb.MAX_PARAMETER), st.integers(0, 200), st.integers(1, 5000))
def test_any_bytes_are_numbers_or_refused(data: bytes, parameter: int, count: int, limit: int) -> None:
    try:
        numbers = golomb.decode(data, parameter, count, limit)
    except FeatureSetError:
        return
    assert len(numbers) == count
    assert ((numbers >= 0) & (numbers < limit)).all()
    assert (np.diff(numbers) > 0).all()
    assert golomb.encode(numbers, parameter) == data  # one spelling only


def test_what_is_cut_off_or_too_long_is_refused() -> None:
    data = golomb.encode(np.arange(0, 100, 7), 2)
    for broken, message in ((data[:-1], "end after"), (data + b"\xff", "take")):
        with pytest.raises(FeatureSetError, match=message):
            golomb.decode(broken, 2, 15, 100)
    with pytest.raises(FeatureSetError, match="beyond the 50"):
        golomb.decode(data, 2, 15, 50)
