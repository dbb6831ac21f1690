"""Metrics of matches against values worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.delf.homographies import rotating, scaling, shifting
from steeple.lab.metrics.matching import (
    area_under_errors,
    corner_error,
    epipolar_distances,
    shares_within,
    transfer_errors,
)

HORIZON = np.array([[1.0, 0, 0], [0, 1, 0], [0.1, 0, 1]])  # x = -10 goes to infinity


def test_transfer_errors_by_hand() -> None:
    first, second = np.array([[0.0, 0], [10, 5]]), np.array([[3.0, 6], [13, 7]])
    # Shifted by (3, 2): (3, 2) and (13, 7), off by 4 and by 0.
    assert transfer_errors(shifting(3, 2), first, second).tolist() == [4, 0]
    assert transfer_errors(HORIZON, np.array([[-10.0, 0], [-10, 5]]), second).tolist() == [math.inf] * 2


def test_shares_within_by_hand() -> None:
    assert shares_within(np.array([0.5, 1.0, 3.0, np.inf]), (1, 2, 3)).tolist() == [0.5, 0.5, 0.75]
    assert shares_within(np.array([]), (1, 2)).tolist() == [0, 0]


def test_corner_errors_by_hand() -> None:
    assert corner_error(shifting(1, 1), shifting(4, 5), (20, 10)) == pytest.approx(5)
    # Twice as large about the first corner: (0, 0), (4, 0), (4, 3) and (0, 3) are off by 0, 4, 5 and 3.
    assert corner_error(np.eye(3), np.diag([2.0, 2.0, 1.0]), (5, 4)) == pytest.approx((0 + 4 + 5 + 3) / 4)
    assert corner_error(np.eye(3), None, (5, 4)) == math.inf
    assert corner_error(np.eye(3), np.array([[1.0, 0, 0], [0, 1, 0], [-0.25, 0, 1]]), (5, 4)) == math.inf


def test_areas_under_errors_by_hand() -> None:
    # Of two pairs one is off by 1, one by 3, up to 4: a rise to 1/2 over 1, one to 1 over 2, and 1 over 1.
    assert area_under_errors([3, 1], 4) == pytest.approx((1 / 4 + 2 * 3 / 4 + 1) / 4)
    # Up to 2: the rise to 1/2, and 1/2 over 1.
    assert area_under_errors([1, 3], 2) == pytest.approx((1 / 4 + 1 / 2) / 2)
    assert area_under_errors([0, 0], 5) == 1
    assert area_under_errors([math.inf, 7], 5) == 0
    assert math.isnan(area_under_errors([], 5))


@settings(deadline=None)
@given(st.lists(st.floats(0, 20) | st.just(math.inf), min_size=1, max_size=20), st.integers(1, 10))
def test_areas_are_shares_and_never_more_than_what_is_within(errors: list[float], threshold: int) -> None:
    area = area_under_errors(errors, threshold)
    assert 0 <= area <= shares_within(np.array(errors), [threshold])[0] + 1e-9


def test_epipolar_distances_by_hand() -> None:
    sideways = np.array([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # a camera moved along x: lines are level
    truth = np.array([[1.0, 2, 7, 2], [1, 2, 7, 5]])
    # The second is 3 pixels off its line in both pictures: sqrt(9 + 9).
    assert epipolar_distances(sideways, truth).tolist() == pytest.approx([0, math.sqrt(18)])
    assert epipolar_distances(np.zeros((3, 3)), truth).tolist() == [math.inf] * 2


@settings(deadline=None)
@given(st.floats(-180, 180), st.floats(0.2, 5), st.floats(-100, 100))
def test_the_truth_is_off_by_nothing(degrees: float, factor: float, shift: float) -> None:
    truth = shifting(shift, 3) @ scaling(factor, factor) @ rotating(degrees)
    points = np.array([[0.0, 0], [10, 7], [-3, 200]])
    ends = np.column_stack([points, np.ones(3)]) @ truth.T
    assert transfer_errors(truth, points, ends[:, :2] / ends[:, 2:]).max() < 1e-6
    assert corner_error(truth, truth * -2, (40, 30)) < 1e-6, "a homography has no scale"
