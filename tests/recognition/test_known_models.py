"""Verification of matches of planted affine models and homographies, and of layouts that prove nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from steeple.recognition.homography import refine_homography
from steeple.recognition.verification import Verification, verify, verify_sorted

Points = NDArray[np.float32]
SIZE = np.array([640.0, 480.0])
CORNERS = np.array([[0, 0], [640, 0], [640, 480], [0, 480]], np.float64)
RADIUS = 16.0
NOISE = 2.0
SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
MATCHES = 300


def mapped(model: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points through an affine model float64[2, 3] or a homography float64[3, 3]."""
    lifted = np.column_stack([points, np.ones(len(points))]) @ model.T
    return lifted[:, :2] / lifted[:, 2:] if len(model) == 3 else lifted


def affine_view(random: np.random.Generator) -> NDArray[np.float64]:
    """float64[3, 3]: zoomed by 0.6 to 1.6, turned by up to 15 degrees and sheared about the middle, then shifted."""
    angle, zoom = np.radians(random.uniform(-15, 15)), np.exp(random.uniform(-0.5, 0.5))
    turned = zoom * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turned @ (np.eye(2) + random.uniform(-0.08, 0.08, (2, 2)))
    shift = SIZE / 2 + random.uniform(-40, 40, 2) - linear @ (SIZE / 2)
    return np.vstack([np.column_stack([linear, shift]), [0.0, 0.0, 1.0]])


def tilted_view(random: np.random.Generator) -> NDArray[np.float64]:
    """The same, of a facade whose far end is up to a fifth smaller than its near one."""
    tilt = np.eye(3)
    tilt[2, :2] = random.uniform(-0.2, 0.2, 2) / SIZE
    return np.asarray(affine_view(random) @ tilt)


def matches(model: NDArray[np.float64], share: float, random: np.random.Generator) -> tuple[Points, Points]:
    reference = random.uniform((0, 0), SIZE, (MATCHES, 2))
    query = mapped(model, reference) + random.normal(0, NOISE, (MATCHES, 2))
    wrong = np.arange(MATCHES) >= round(share * MATCHES)
    query[wrong] = random.uniform((0, 0), SIZE, (int(wrong.sum()), 2))
    return query.astype(np.float32), reference.astype(np.float32)


def check(query: Points, reference: Points) -> Verification | None:
    return verify(query, reference, inlier_radius=RADIUS, iterations=1000)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("seed", range(5))
def test_corners_of_a_planted_affine_model(share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = affine_view(random)
    query, reference = matches(truth, share, random)
    found = check(query, reference)
    assert found is not None
    errors = np.linalg.norm(mapped(found.affine, CORNERS) - mapped(truth, CORNERS), axis=1)
    assert errors.max() < (20 if share < 0.2 else 10)
    assert found.count > 0.5 * share * MATCHES


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("seed", range(5))
def test_corners_of_a_planted_homography(share: float, seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    truth = tilted_view(random)
    query, reference = matches(truth, share, random)
    found = check(query, reference)
    assert found is not None
    rows = found.inliers
    model = refine_homography(found.affine, query[rows], reference[rows], np.full(int(rows.sum()), NOISE))
    errors = np.linalg.norm(mapped(model, CORNERS) - mapped(truth, CORNERS), axis=1)
    assert errors.max() < (40 if share < 0.2 else 20)
    assert np.median(errors) < (20 if share < 0.2 else 10)


def grid(columns: int, rows: int, period: float) -> NDArray[np.float64]:
    x, y = np.meshgrid(np.arange(columns) * period + 60, np.arange(rows) * period + 60)
    return np.column_stack([x.ravel(), y.ravel()])


@pytest.mark.parametrize("seed", range(5))
def test_windows_matched_at_random_are_weaker_evidence_than_matched_rightly(seed: int) -> None:
    """A facade of equal windows, each matched with any other, has no more inliers than the one right alignment."""
    random = np.random.default_rng(seed)
    windows = grid(10, 8, 52.0)
    right = check(windows.astype(np.float32), windows.astype(np.float32))
    shifted = windows[random.permutation(len(windows))]
    wrong = check(shifted.astype(np.float32), windows.astype(np.float32))
    assert right is not None
    assert right.count == len(windows)
    assert (wrong.count if wrong else 0) < 0.4 * right.count


def test_mirrored_pictures_do_not_verify_as_mirrored() -> None:
    random = np.random.default_rng(1)
    reference = random.uniform((0, 0), SIZE, (MATCHES, 2)).astype(np.float32)
    found = check(np.column_stack([640 - reference[:, 0], reference[:, 1]]), reference)
    assert found is None or (np.linalg.det(found.affine[:, :2]) > 0 and found.count < 0.25 * MATCHES)


def collinear(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    return np.outer(random.uniform(0, 600, count), [1.0, 0.5]) + 10


def one_point(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    return np.full((count, 2), 100.0)


def two_points(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    return np.where(random.random((count, 1)) < 0.5, [[100.0, 100.0]], [[400.0, 300.0]])


def anywhere(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    return random.uniform((0, 0), SIZE, (count, 2))


Layout = Callable[[np.random.Generator, int], NDArray[np.float64]]
LAYOUTS: list[Layout] = [collinear, one_point, two_points, anywhere]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(LAYOUTS),
    st.sampled_from([*LAYOUTS, None]),
    st.integers(0, 120),
    st.floats(0, 3),
    st.integers(0, 2**32 - 1),
)
def test_whatever_the_layout_there_is_a_view_or_nothing(
    here: Layout, there: Layout | None, count: int, noise: float, seed: int
) -> None:
    """Degenerate on one side or on both, alike or unrelated (None: the same points), with noise or without."""
    random = np.random.default_rng(seed)
    reference = here(random, count)
    query = (reference if there is None else there(random, count)) + random.normal(0, noise, (count, 2))
    found = check(query.astype(np.float32), reference.astype(np.float32))
    if found is None:
        return
    assert np.isfinite(found.affine).all()
    largest, smallest = np.linalg.svd(found.affine[:, :2], compute_uv=False)
    assert np.linalg.det(found.affine[:, :2]) > 0
    assert largest < 4 * smallest
    assert 4 <= found.count <= count
    assert (found.count <= 4) or {here, there} != {one_point, two_points}
    inliers = found.inliers
    model = refine_homography(
        found.affine, query[inliers].astype(np.float32), reference[inliers].astype(np.float32), np.full(found.count, 4)
    )
    assert np.isfinite(model).all()


@pytest.mark.parametrize("layout", [one_point, two_points])
def test_points_that_are_all_the_same_prove_nothing(layout: Layout) -> None:
    points = layout(np.random.default_rng(2), 200).astype(np.float32)
    assert check(points, points) is None


def test_a_match_that_is_repeated_is_one() -> None:
    random = np.random.default_rng(3)
    query, reference = matches(affine_view(random), 1.0, random)
    once = check(query[:40], reference[:40])
    often = check(np.repeat(query[:40], 7, axis=0), np.repeat(reference[:40], 7, axis=0))
    assert once is not None
    assert often is not None
    assert often.count <= once.count + 2


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(30, 90))
def test_shifting_both_photos_changes_no_inlier_count_by_much(seed: int, shift: float) -> None:
    random = np.random.default_rng(seed)
    query, reference = matches(affine_view(random), 0.6, random)
    first = check(query, reference)
    second = check(query + np.float32(shift), reference + np.float32(shift / 2))
    assert first is not None
    assert second is not None
    assert abs(first.count - second.count) <= 0.15 * first.count
    np.testing.assert_allclose(first.affine[:, :2], second.affine[:, :2], atol=0.1)


def test_features_of_other_sizes_than_the_model_has_it_are_no_inliers() -> None:
    random = np.random.default_rng(4)
    truth = affine_view(random)
    query, reference = matches(truth, 1.0, random)
    zoom = math.sqrt(np.linalg.det(truth[:2, :2]))
    ratios = np.full(MATCHES, zoom, np.float32)
    ratios[:100] *= 2.7
    ratios[100:200] *= 1.6
    found = verify(query, reference, inlier_radius=RADIUS, iterations=1000, scale_ratios=ratios)
    assert found is not None
    assert not found.inliers[:100].any()
    assert found.inliers[100:].sum() > 100


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("seed", range(5))
def test_sorted_matches_give_the_planted_model(share: float, seed: int) -> None:
    """Most right ones come first, as they do among exact matches by distinctiveness."""
    random = np.random.default_rng(200 + seed)
    truth = affine_view(random)
    query, reference = matches(truth, share, random)
    quality = random.normal(0, 1, MATCHES) + 1.5 * (np.arange(MATCHES) < share * MATCHES)
    order = np.argsort(-quality)
    found = verify_sorted(query[order], reference[order], inlier_radius=RADIUS, iterations=1000)
    assert found is not None
    errors = np.linalg.norm(mapped(found.affine, CORNERS) - mapped(truth, CORNERS), axis=1)
    assert errors.max() < (25 if share < 0.2 else 10)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(LAYOUTS), st.sampled_from([*LAYOUTS, None]), st.integers(0, 80), st.integers(0, 2**32 - 1))
def test_sorted_matches_of_any_layout_give_a_view_or_nothing(
    here: Layout, there: Layout | None, count: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    reference = here(random, count).astype(np.float32)
    query = reference if there is None else there(random, count).astype(np.float32)
    found = verify_sorted(query, reference, inlier_radius=RADIUS, iterations=1000)
    if found is not None:
        assert np.isfinite(found.affine).all()
        assert np.linalg.det(found.affine[:, :2]) > 0
        assert 4 <= found.count <= count
