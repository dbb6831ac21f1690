"""Every change of a picture, and what is known of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from steeple.delf.homographies import corners, inverse, mapped
from steeple.server.robustness import TRANSFORMATIONS, Transformation
from tests.scenes import scene

PHOTO, OTHER = scene(1, 320, 240), scene(2, 300, 260)
BY_NAME = {transformation.name: transformation for transformation in TRANSFORMATIONS}
MOVE = ("rotation", "scale", "viewpoint")


@pytest.mark.parametrize("transformation", TRANSFORMATIONS, ids=lambda transformation: transformation.name)
def test_the_same_photo_changes_alike(transformation: Transformation) -> None:
    strength = transformation.strengths[-1]
    first, again = (transformation.view(PHOTO, strength, OTHER, 5) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.homography, again.homography)


@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - set(MOVE)))
def test_what_moves_no_pixel_says_so(name: str) -> None:
    view = BY_NAME[name].view(PHOTO, BY_NAME[name].strengths[-1], OTHER, 1)
    assert view.homography == pytest.approx(np.eye(3))
    assert view.image.shape == PHOTO.shape


@pytest.mark.parametrize(
    ("name", "strength"),
    [(name, strength) for name in MOVE for strength in BY_NAME[name].strengths],
)
def test_the_homography_is_that_of_the_pixels(name: str, strength: float) -> None:
    """The view is what the homography, applied by other means, makes of the photo: a smooth one, free of aliasing."""
    photo = cv2.GaussianBlur(PHOTO, (0, 0), 5).astype(np.uint8)
    view = BY_NAME[name].view(photo, strength, OTHER, 3)
    height, width = view.image.shape[:2]
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    origins = mapped(inverse(view.homography), np.stack([columns.ravel(), rows.ravel()], axis=1))
    maps = origins.astype(np.float32).reshape(height, width, 2)
    expected = cv2.remap(photo, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR).astype(float)
    inside = ((origins > 4) & (origins < np.array([320, 240]) - 5)).all(axis=1).reshape(height, width)
    assert inside.sum() > 0.1 * inside.size
    differences = [
        np.abs(np.roll(view.image, by, axis=(0, 1)).astype(float) - expected)[inside].mean()
        for by in ((0, 0), (0, 1), (1, 0))
    ]
    assert differences[0] < 1.0, "grey values"
    assert differences[0] < 0.6 * min(differences[1:]), "it fits better than what is a pixel off"


@pytest.mark.parametrize("name", ["rotation", "viewpoint"])
def test_the_frame_holds_all_of_the_photo(name: str) -> None:
    for strength in BY_NAME[name].strengths:
        view = BY_NAME[name].view(PHOTO, strength, OTHER, 4)
        height, width = view.image.shape[:2]
        outer = mapped(view.homography, corners(320, 240))
        assert outer.min() == pytest.approx(-0.5, abs=1e-6)
        assert (outer <= np.array([width, height]) - 0.5 + 1e-6).all()
        assert (outer.max(axis=0) > np.array([width, height]) - 1.6).all()


def test_a_share_is_hidden_by_the_other_photo() -> None:
    white, black = np.full((240, 320, 3), 255, np.uint8), np.zeros((200, 200, 3), np.uint8)
    before = np.zeros((240, 320), bool)
    for share in BY_NAME["occlusion"].strengths:
        hidden = BY_NAME["occlusion"].view(white, share, black, 7).image[..., 0] == 0
        assert hidden.mean() == pytest.approx(share, abs=0.01)
        assert (hidden | ~before).all(), "what was hidden stays hidden"
        before = hidden


def test_the_night_is_darker_and_noisier() -> None:
    grey = np.full((240, 320, 3), 120, np.uint8)
    nights = [BY_NAME["darkness"].view(grey, stops, OTHER, 0).image for stops in BY_NAME["darkness"].strengths]
    means = [night.mean() for night in nights]
    ratios = [night.std() / night.mean() for night in nights]
    assert means == sorted(means, reverse=True)
    assert means[0] == pytest.approx(120 * 2 ** (-1 / 2.2), rel=0.02), "of two stops, one is made up for"
    assert ratios == sorted(ratios)
    assert ratios[-1] > 5 * ratios[0]
