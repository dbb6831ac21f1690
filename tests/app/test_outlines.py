"""Where landmarks lie in frames, over several answers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.app.outlines import Outline, Placement, deviations, place
from steeple.client import Candidate
from steeple.delf.homographies import Homography, about, mapped, middle, rotating, scaling, shifting, tilting

from .answering import SIZE, answer, features, matches

STRIDE = 16
BOX = np.array([[40, 40], [680, 40], [680, 500], [40, 500]], np.float32)


def view(seed: int) -> Homography:
    random = np.random.default_rng(seed)
    turned = rotating(random.uniform(-10, 10)) @ scaling(0.7, 0.7) @ tilting(15.0, random.uniform(0, 90), 1500.0)
    return np.asarray(shifting(*random.uniform(-60, 20, 2)) @ about(middle(720, 540), turned), np.float64)


def candidate(homography: Homography, seed: int, error: float = 4.0) -> Candidate:
    query, reference = matches(homography, seed, error=error)
    return answer(("a", 0.9), query=query, reference=reference).candidates[0]


def error(found: Homography | None, homography: Homography) -> float:
    """Mean error at the corners of a box, pixels."""
    assert found is not None
    return float(np.linalg.norm(mapped(found, BOX) - mapped(homography, BOX), axis=1).mean())


@pytest.mark.parametrize("seed", range(5))
def test_matches_tell_where_a_reference_image_lies(seed: int) -> None:
    exact = candidate(view(seed), seed, error=0.0)
    placed = place(exact, features(exact.query_points), STRIDE)
    assert placed is not None
    assert error(placed.homography, view(seed)) < 0.5
    noisy = candidate(view(seed), seed)
    placed = place(noisy, features(noisy.query_points), STRIDE)
    assert placed is not None
    assert error(placed.homography, view(seed)) < 6.0


def test_coarse_features_count_for_less() -> None:
    known = candidate(view(1), 1, error=1.0)
    half = len(known.query_points) // 2
    points = known.query_points.copy()
    points[half:] += np.random.default_rng(0).normal(0.0, 12.0, points[half:].shape).astype(np.float32)
    astray = replace(known, query_points=points)
    fine = features(points)
    told = replace(fine, scales=np.where(np.arange(len(points)) < half, 0.25, 4.0).astype(np.float32))
    assert deviations(points, told, STRIDE)[[0, -1]] == pytest.approx([STRIDE * 0.25 / 6**0.5, STRIDE * 4 / 6**0.5])
    blind, knowing = place(astray, fine, STRIDE), place(astray, told, STRIDE)
    assert blind is not None
    assert knowing is not None
    assert error(knowing.homography, view(1)) < 0.7 * error(blind.homography, view(1))


def test_too_few_matches_or_a_line_of_them_tell_nothing() -> None:
    known = candidate(view(1), 1)
    few = replace(known, query_points=known.query_points[:5], reference_points=known.reference_points[:5])
    assert place(few, features(known.query_points), STRIDE) is None
    line = np.column_stack([np.arange(20), np.arange(20)]).astype(np.float32) * 10
    on_a_line = replace(known, query_points=line, reference_points=line)
    assert place(on_a_line, features(line), STRIDE) is None
    mirrored = replace(known, reference_points=known.reference_points * np.array([-1, 1], np.float32))
    assert place(mirrored, features(known.query_points), STRIDE) is None
    none = replace(known, query_points=line[:0], reference_points=line[:0])
    assert place(none, features(known.query_points), STRIDE) is None


def added(outline: Outline, homography: Homography, seed: int) -> Placement:
    known = candidate(homography, seed)
    told = features(known.query_points)
    placed = place(known, told, STRIDE)
    assert placed is not None
    outline.add(placed, known.reference_points, deviations(known.query_points, told, STRIDE))
    return placed


def area(polygon: NDArray[np.float32] | None) -> float:
    assert polygon is not None
    x, y = polygon[:, 0], polygon[:, 1]
    return 0.5 * float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())  # positive where y is down: clockwise


def test_the_outline_grows_to_all_that_was_ever_matched_and_lies_still() -> None:
    outline = Outline("landmarks/a/images/1")
    assert outline.polygon is outline.homography is None
    areas, single, settled = [], [], []
    for seed in range(12):
        placed = added(outline, view(3), seed)
        outline.settle(placed.homography, SIZE)
        areas.append(area(outline.polygon))
        single.append(error(placed.homography, view(3)))
        settled.append(error(outline.homography, view(3)))
    assert all(after > 0.97 * before for before, after in pairwise(areas))
    assert areas[-1] > 1.02 * areas[0]
    assert float(np.mean(settled[4:])) < 0.75 * float(np.mean(single[4:]))


def test_a_match_that_is_none_does_not_stretch_it() -> None:
    outline, known = Outline("landmarks/a/images/1"), candidate(view(1), 1)
    placed = place(known, features(known.query_points), STRIDE)
    assert placed is not None
    astray = np.concatenate([known.reference_points, [[5000.0, 5000.0]]]).astype(np.float32)
    with_astray = replace(placed, points=np.concatenate([placed.points, [[320.0, 240.0]]]).astype(np.float32))
    outline.add(with_astray, astray, np.full(len(astray), 8.0))
    assert outline.hull.max() < 720


def test_a_view_that_is_far_off_replaces_what_was_before() -> None:
    outline = Outline("landmarks/a/images/1")
    outline.settle(added(outline, view(1), 1).homography, SIZE)
    far = added(outline, shifting(150.0, 0.0) @ view(1), 2).homography
    outline.settle(far, SIZE)
    assert outline.homography is far


def test_it_moves_with_the_picture_and_is_gone_when_nobody_knows_how_that_moved() -> None:
    outline = Outline("landmarks/a/images/1")
    outline.carry(shifting(1.0, 1.0))
    assert outline.homography is None
    outline.settle(added(outline, view(1), 1).homography, SIZE)
    before = outline.polygon
    assert before is not None
    outline.carry(shifting(10.0, -5.0))
    after = outline.polygon
    assert after is not None
    assert after - before == pytest.approx(np.broadcast_to([10.0, -5.0], before.shape), abs=1e-3)
    outline.carry(None)
    assert outline.polygon is None
    assert len(outline.hull)
