"""The homography of a candidate, on planted matches."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.recognition.homography import refine_homography

AFFINE = np.array([[0.9, -0.2, 60.0], [0.25, 0.8, -20.0]])
PERSPECTIVE = np.array([[0.9, -0.2, 60.0], [0.25, 0.8, -20.0], [4e-4, -3e-4, 1.0]])
CORNERS = np.array([[20.0, 20], [620, 20], [620, 460], [20, 460]])


def mapped(model: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    lifted = np.column_stack([points, np.ones(len(points))]) @ model.T
    return lifted[:, :2] / lifted[:, 2:]


def planted(
    model: NDArray[np.float64], deviations: NDArray[np.float64], seed: int = 3
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    reference = random.uniform((0, 0), (640, 480), (len(deviations), 2))
    query = mapped(model, reference) + random.normal(0, 1, (len(deviations), 2)) * deviations[:, None]
    return query.astype(np.float32), reference.astype(np.float32)


def fitted_affine(query: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float64]:
    design = np.column_stack([reference, np.ones(len(reference))]).astype(np.float64)
    return np.asarray(np.linalg.lstsq(design, query.astype(np.float64), rcond=None)[0].T)


def error(model: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(mapped(model, CORNERS) - mapped(truth, CORNERS), axis=1).mean())


def test_exact_matches_give_the_homography() -> None:
    query, reference = planted(PERSPECTIVE, np.zeros(60))
    model = refine_homography(fitted_affine(query, reference), query, reference, np.full(60, 0.1))
    assert error(model, PERSPECTIVE) < 0.05


def test_perspective_is_found_that_an_affine_model_misses() -> None:
    deviations = np.full(150, 5.0)
    query, reference = planted(PERSPECTIVE, deviations)
    affine = fitted_affine(query, reference)
    refined = refine_homography(affine, query, reference, deviations)
    assert error(np.vstack([affine, [0, 0, 1]]), PERSPECTIVE) > 15
    assert error(refined, PERSPECTIVE) < 5


def test_precise_matches_outweigh_coarse_ones() -> None:
    deviations = np.concatenate([np.full(30, 1.0), np.full(300, 20.0)])
    truth = np.vstack([AFFINE, [0, 0, 1]])
    told, alike = [], []
    for seed in range(10):
        query, reference = planted(truth, deviations, seed)
        affine = fitted_affine(query, reference)
        told.append(error(refine_homography(affine, query, reference, deviations), truth))
        alike.append(error(refine_homography(affine, query, reference, np.full(330, 10.0)), truth))
    assert np.mean(told) < 0.5 * np.mean(alike)
    assert np.mean(told) < 1.5


def test_wrong_matches_pull_little() -> None:
    deviations = np.full(100, 3.0)
    query, reference = planted(PERSPECTIVE, deviations)
    affine = fitted_affine(query, reference)
    query[:15] += np.random.default_rng(1).uniform(-60, 60, (15, 2)).astype(np.float32)
    assert error(refine_homography(affine, query, reference, deviations), PERSPECTIVE) < 6


def test_no_perspective_is_made_up_of_few_coarse_matches() -> None:
    deviations = np.full(12, 20.0)
    query, reference = planted(np.vstack([AFFINE, [0, 0, 1]]), deviations)
    model = refine_homography(fitted_affine(query, reference), query, reference, deviations)
    assert np.abs(model[2, :2]).max() * 300 < 0.35


@pytest.mark.parametrize("count", [0, 4, 5])
def test_too_few_matches_leave_the_affine_model(count: int) -> None:
    query, reference = planted(PERSPECTIVE, np.ones(count))
    model = refine_homography(AFFINE, query, reference, np.ones(count))
    assert np.array_equal(model, np.vstack([AFFINE, [0, 0, 1]]))


def test_matches_on_one_line_do_no_harm() -> None:
    reference = np.column_stack([np.linspace(0, 600, 40), np.linspace(0, 400, 40)]).astype(np.float32)
    query = mapped(np.vstack([AFFINE, [0, 0, 1]]), reference.astype(np.float64)).astype(np.float32)
    model = refine_homography(AFFINE, query, reference, np.ones(40))
    assert np.isfinite(model).all()
    assert mapped(model, reference.astype(np.float64)) == pytest.approx(query, abs=0.5)
