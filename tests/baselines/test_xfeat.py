"""XFeat as an ONNX graph, with its published weights."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.baselines.xfeat import Xfeat
from steeple.delf.training.xfeat import WEIGHTS
from steeple.errors import ReleaseError
from tests.scenes import scene
from tests.tiny_training import NEEDS_TENSORFLOW, part


@pytest.fixture(scope="module")
def xfeat() -> Xfeat:
    return Xfeat(WEIGHTS.state_dict())


def test_what_comes_out(xfeat: Xfeat) -> None:
    maps = xfeat(scene(4, 256, 192).astype(np.float32))
    assert maps.descriptors.shape == (1, 64, 24, 32)
    assert maps.reliability.shape == (1, 1, 24, 32)
    assert maps.keypoints.shape == (192, 256)
    np.testing.assert_allclose(np.linalg.norm(maps.descriptors, axis=1), 1, atol=1e-4)
    assert 0 <= maps.reliability.min() < 0.2
    assert 0.5 < maps.reliability.max() <= 1
    squares = maps.keypoints.reshape(24, 8, 32, 8).sum(axis=(1, 3))
    assert squares.max() <= 1 + 1e-5, "a square of 8 pixels has one keypoint or none"
    assert 0.01 < (maps.keypoints > 0.05).mean() < 0.1


def test_keypoints_are_near_edges(xfeat: Xfeat) -> None:
    """To within 4 pixels, which is as exact as the published network is on a drawn square."""
    image = np.full((160, 160, 3), 60, np.float32)
    image[52:108, 44:116] = 200
    y, x = np.nonzero(xfeat(image).keypoints > 0.05)
    outside = np.maximum(np.maximum(43.5 - x, x - 115.5), np.maximum(51.5 - y, y - 107.5))
    assert len(x) > 40
    assert np.abs(outside).max() <= 4


def test_what_moves_by_a_step_of_the_grid_is_described_alike(xfeat: Xfeat) -> None:
    wide = scene(4, 352, 256).astype(np.float32)
    first, second = xfeat(wide[:, :320]), xfeat(wide[:, 32:])
    here, there = first.descriptors[0, :, 4:-4, 8:-4], second.descriptors[0, :, 4:-4, 4:-8]
    assert (here * there).sum(axis=0).mean() > 0.98


def test_brightness_and_contrast_do_not_matter(xfeat: Xfeat) -> None:
    picture = scene(5, 128, 128).astype(np.float32)
    plain, changed = xfeat(picture), xfeat(0.5 * picture + 40)
    np.testing.assert_allclose(plain.descriptors, changed.descriptors, atol=1e-3)
    np.testing.assert_allclose(plain.keypoints, changed.keypoints, atol=1e-3)


def test_samples_at_the_centres_of_cells_are_the_cells(xfeat: Xfeat) -> None:
    maps = xfeat(scene(4, 96, 64).astype(np.float32))
    columns, rows = np.meshgrid(np.arange(12), np.arange(8))
    centres = np.stack([columns, rows], axis=-1).reshape(-1, 2) * 8 + 3.5
    cells = maps.descriptors[0].reshape(64, -1).T
    np.testing.assert_allclose(xfeat.descriptors_at(maps, centres.astype(np.float32)), cells, atol=1e-5)
    between = np.array([[7.5, 3.5]], np.float32)
    expected = maps.reliability[0, 0, 0, :2].mean()
    np.testing.assert_allclose(xfeat.reliability_at(maps, between), [expected], atol=1e-5)


def test_weights_that_are_missing_are_named() -> None:
    with pytest.raises(ReleaseError, match=r"no weights skip1\.1\.weight"):
        Xfeat({})


class TestTeacher:
    """The same network in Keras."""

    pytestmark = NEEDS_TENSORFLOW

    def test_descriptors_are_those_of_the_teacher(self, xfeat: Xfeat) -> None:
        picture = scene(6, 160, 128).astype(np.float32)
        grey = picture.mean(axis=-1)
        normal = (grey - grey.mean()) / np.sqrt(grey.var() + 1e-5)
        made = np.asarray(part("training.teacher").xfeat()(normal[None, ..., None]))[0]
        made = made / np.linalg.norm(made, axis=-1, keepdims=True)  # TensorFlow's memory is read-only
        np.testing.assert_allclose(xfeat(picture).descriptors[0].transpose(1, 2, 0), made, atol=1e-3)
