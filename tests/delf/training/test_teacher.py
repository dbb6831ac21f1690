"""XFeat as a teacher."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.scenes import scene
from tests.tiny_training import NEEDS_TENSORFLOW, part

pytestmark = NEEDS_TENSORFLOW


@pytest.fixture(scope="module")
def teacher() -> Any:
    return part("training.teacher").xfeat_teacher(16)


def test_the_teacher_finds_what_moved(teacher: Any) -> None:
    """Two windows of one picture, two cells apart: what lies in column 5 of the one lies in column 3 of the other."""
    wide = scene(4, 320, 256)
    first, second = wide[None, :, :256].astype(np.float32), wide[None, :, 32:288].astype(np.float32)
    here, there = (np.asarray(teacher(image))[0] for image in (first, second))
    assert here.shape == there.shape == (16 * 16, 64)
    np.testing.assert_allclose(np.linalg.norm(here, axis=1), 1, atol=1e-4)
    nearest = (here @ there.T).argmax(axis=1).reshape(16, 16)
    columns, rows = np.meshgrid(np.arange(16), np.arange(16))
    right = nearest == rows * 16 + columns - 2
    assert right[2:-2, 4:-2].mean() > 0.9


def test_brightness_and_contrast_do_not_matter(teacher: Any) -> None:
    picture = scene(5, 128, 128)[None].astype(np.float32)
    np.testing.assert_allclose(np.asarray(teacher(picture)), np.asarray(teacher(0.5 * picture + 40)), atol=1e-3)
