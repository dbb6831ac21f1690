"""The pyramid and the choice of cells, with a network that anybody can check."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steeple.delf.dense import best_cells, dense_levels
from steeple.delf.release import ExtractionParameters

CELL = 16


def brightness(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean colour of a cell is its descriptor, and the mean brightness above a half its attention."""
    height, width = image.shape[:2]
    cells = image.reshape(height // CELL, CELL, width // CELL, CELL, 3).mean(axis=(1, 3)).astype(np.float32)
    return cells, np.maximum(cells.mean(axis=-1) / 255 - 0.5, 0)


def parameters(count: int) -> ExtractionParameters:
    return ExtractionParameters((1.0, 0.5), CELL, max_pixels=10**6, max_features=count, score_threshold=0.0)


def picture() -> NDArray[np.uint8]:
    """Dark, with one bright cell and a larger square that is less bright, and orange."""
    image = np.full((192, 256, 3), 20, np.uint8)
    image[48:64, 96:112] = 250
    image[128:160, 192:224] = (255, 200, 100)
    return image


def test_the_best_cells_of_all_levels_are_kept_in_order() -> None:
    found = best_cells([brightness, brightness], picture(), parameters(100))
    # One of the first square, four of the second, and one of the second at half the size.
    assert len(found.scores) == 6
    np.testing.assert_allclose(found.keypoints[0], (103.5, 55.5))
    np.testing.assert_allclose(found.scales, [1, 1, 1, 1, 1, 2])
    np.testing.assert_allclose(found.keypoints[5], (207.5, 143.5))
    assert (np.diff(found.scores) <= 0).all()
    orange = np.array([255, 200, 100]) / np.linalg.norm([255, 200, 100])
    np.testing.assert_allclose(found.descriptors[1:], np.tile(orange, (5, 1)), atol=1e-3)


def test_fewer_are_the_first() -> None:
    every, few = (best_cells([brightness, brightness], picture(), parameters(count)) for count in (100, 3))
    np.testing.assert_array_equal(few.keypoints, every.keypoints[:3])
    assert len(best_cells([brightness] * 2, np.zeros((64, 64, 3), np.uint8), parameters(3)).scores) == 0


def test_levels_come_largest_first() -> None:
    made = list(dense_levels([brightness, brightness], picture(), parameters(1)))
    assert [(level.width, level.height) for level, _, _ in made] == [(256, 192), (128, 96)]
    assert [scores.shape for _, _, scores in made] == [(12, 16), (6, 8)]
