from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.recognition.verification import MIN_MATCHES, Verification, outline, verify

Points = NDArray[np.float32]
AFFINE = np.array([[0.8, -0.3, 120.0], [0.25, 0.9, 40.0]])


def planted(
    share: float, matches: int = 100, *, noise: float = 2.0, seed: int = 1
) -> tuple[Points, Points, NDArray[np.bool_]]:
    """Matches of which ``share`` follow AFFINE, to within ``noise`` pixels: query, reference, which."""
    random = np.random.default_rng(seed)
    reference = random.uniform((0, 0), (640, 480), (matches, 2))
    query = reference @ AFFINE[:, :2].T + AFFINE[:, 2] + random.normal(0, noise, (matches, 2))
    true = np.arange(matches) < round(share * matches)
    query[~true] = random.uniform((0, 0), (640, 480), (int((~true).sum()), 2))
    return query.astype(np.float32), reference.astype(np.float32), true


def check(query: Points, reference: Points) -> Verification | None:
    return verify(query, reference, inlier_radius=16, iterations=1000)


@pytest.mark.parametrize("share", [0.15, 0.2, 0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_model_is_recovered(share: float, seed: int) -> None:
    query, reference, true = planted(share, seed=seed)
    found = check(query, reference)
    assert found is not None
    corners = np.array([[0, 0], [640, 0], [640, 480], [0, 480]]) @ AFFINE[:, :2].T + AFFINE[:, 2]
    mapped = np.array([[0, 0], [640, 0], [640, 480], [0, 480]]) @ found.affine[:, :2].T + found.affine[:, 2]
    assert np.abs(mapped - corners).max() < 12
    assert found.inliers[true].mean() > 0.6  # the others share a spot with one of these
    assert found.inliers[~true].sum() <= 0.1 * (~true).sum()


def test_the_same_matches_give_the_same_model() -> None:
    query, reference, _ = planted(0.3)
    first, second = check(query, reference), check(query, reference)
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.affine, second.affine)
    np.testing.assert_array_equal(first.inliers, second.inliers)


def test_chance_agrees_on_little() -> None:
    counts = []
    for seed in range(30):
        found = check(*planted(0.0, seed=seed)[:2])
        counts.append(found.count if found else 0)
    assert max(counts) <= 9


@pytest.mark.parametrize("matches", range(MIN_MATCHES))
def test_too_few_matches_prove_nothing(matches: int) -> None:
    query, reference, _ = planted(1.0, MIN_MATCHES)
    assert check(query[:matches], reference[:matches]) is None


@pytest.mark.parametrize(
    ("linear", "most"),
    [
        ([[-1.0, 0.0], [0.0, 1.0]], 25),
        ([[1.0, 0.0], [0.0, 0.05]], 25),
        ([[0.02, 0.0], [0.0, 0.02]], 0),
        ([[30.0, 0.0], [0.0, 30.0]], 0),
    ],
    ids=["mirrored", "squashed", "shrunk to a dot", "blown up"],
)
def test_what_no_camera_sees_gains_little(linear: list[list[float]], most: int) -> None:
    """A hundred matches agree on a model that is no view of a scene: at best, a few of them agree on one that is."""
    reference = planted(1.0)[1]
    query = (reference - [320, 240]) @ np.array(linear).T + [320, 240]
    found = check(query.astype(np.float32), reference)
    assert (found.count if found else 0) <= most
    if found:
        assert np.linalg.det(found.affine[:, :2]) > 0
        largest, smallest = np.linalg.svd(found.affine[:, :2], compute_uv=False)
        assert largest < 4 * smallest


def test_matches_on_a_line_prove_nothing() -> None:
    along = np.linspace(0, 600, 80)
    line = np.stack([along, 0.5 * along + 10], axis=1).astype(np.float32)
    found = check(line + np.float32(5), line)
    assert found is None or np.abs(found.affine[:, :2] - np.eye(2)).max() < 0.2


def test_matches_at_one_point_prove_nothing() -> None:
    query, reference, _ = planted(1.0)
    assert check(np.full_like(query, 100), reference) is None
    assert check(query, np.full_like(reference, 100)) is None


def test_matches_that_crowd_one_spot_count_once() -> None:
    """Twenty matches of one watermark on several levels are one observation, not twenty."""
    random = np.random.default_rng(1)
    corners = np.array([[50, 400], [60, 400], [50, 410], [60, 410]], np.float32)
    reference = np.repeat(corners, 20, axis=0) + random.uniform(-1, 1, (80, 2)).astype(np.float32)
    found = check(reference + np.float32(3), reference)
    assert found is None or found.count <= 6


def projective(found: Verification) -> NDArray[np.float64]:
    return np.vstack([found.affine, [0, 0, 1]])


def test_the_outline_lies_where_the_model_sends_it() -> None:
    query, reference, _ = planted(1.0, 200, noise=0.5)
    found = check(query, reference)
    assert found is not None
    polygon = outline(projective(found), reference[found.inliers], (1200, 900))
    true = reference @ AFFINE[:, :2].T.astype(np.float32) + AFFINE[:, 2].astype(np.float32)
    expected = cv2.convexHull(true[found.inliers])
    assert abs(cv2.contourArea(polygon) / cv2.contourArea(expected) - 1) < 0.03
    inside, _ = cv2.intersectConvexConvex(polygon, expected)
    assert inside > 0.97 * cv2.contourArea(expected)


def test_the_outline_is_cut_off_at_the_border_and_runs_clockwise() -> None:
    query, reference, _ = planted(1.0, 200)
    found = check(query, reference)
    assert found is not None
    polygon = outline(projective(found), reference[found.inliers], (300, 200))
    assert len(polygon) >= 3
    assert (polygon >= -0.5).all()
    assert (polygon <= [299.5, 199.5]).all()
    following = np.roll(polygon, -1, axis=0)
    # With y down, a positive shoelace sum is clockwise on the screen.
    assert (polygon[:, 0] * following[:, 1] - following[:, 0] * polygon[:, 1]).sum() > 0


def test_an_outline_outside_is_empty() -> None:
    query, reference, _ = planted(1.0)
    found = check(query, reference)
    assert found is not None
    moved = Verification(found.affine + np.array([[0, 0, 9000], [0, 0, 0]]), found.inliers)
    assert outline(projective(moved), reference[moved.inliers], (640, 480)).shape == (0, 2)
