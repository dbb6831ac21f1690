"""Homographies, and pictures seen through them."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.delf.homographies import (
    Homography,
    about,
    clipped,
    corners,
    framed,
    in_front,
    mapped,
    middle,
    resized,
    rotating,
    scaling,
    shifting,
    tilting,
    warped,
)
from steeple.server.robustness.photos import fit_vga
from tests.scenes import scene


def test_points_go_where_the_matrix_sends_them() -> None:
    homography = np.array([[2, 0, 1], [0, 3, -1], [0.01, 0, 1]])
    assert mapped(homography, np.array([[100.0, 10.0]])) == pytest.approx(np.array([[201 / 2, 29 / 2]]))


def test_resizing_keeps_edges_at_edges() -> None:
    enlarged = mapped(scaling(2, 3), corners(320, 240))
    assert enlarged == pytest.approx(corners(640, 720))


def test_a_quarter_turn_fills_its_frame() -> None:
    homography, size = framed(rotating(90), 320, 240)
    assert size == (240, 320)
    # Clockwise: the top left pixel comes to the top right.
    assert mapped(homography, np.array([[0.0, 0.0]])) == pytest.approx(np.array([[239.0, 0.0]]))


def test_a_tilted_plane_is_foreshortened_across_its_axis() -> None:
    points = np.array([[100.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    seen = mapped(tilting(60, 0, 1000), points)
    assert seen[0] == pytest.approx([100, 0])
    assert seen[1, 1] - seen[2, 1] == pytest.approx(2 * np.cos(np.radians(60)), rel=1e-3)
    aside = mapped(tilting(60, 90, 1000), points[:, ::-1])
    assert aside[0] == pytest.approx([0, 100])


def test_the_part_of_a_polygon_inside() -> None:
    polygon = clipped(mapped(shifting(300, 0), corners(320, 240)), (320, 240))
    assert polygon[:, 0].min() == pytest.approx(299.5)
    assert polygon[:, 0].max() == pytest.approx(319.5)
    assert clipped(mapped(shifting(900, 0), corners(320, 240)), (320, 240)).shape == (0, 2)


def test_what_lies_behind_the_camera_is_told() -> None:
    assert in_front(np.eye(3), corners(320, 240))
    assert in_front(-np.eye(3), corners(320, 240)), "a homography has no sign"
    assert not in_front(np.array([[1, 0, 0], [0, 1, 0], [-0.01, 0, 1]]), corners(320, 240))


@pytest.mark.parametrize(
    "homography",
    [
        shifting(7, -4),
        scaling(0.5, 0.5),
        about(middle(320, 240), rotating(20) @ tilting(30, 70, 400)),
    ],
)
def test_pictures_are_seen_where_the_homography_sends_them(homography: Homography) -> None:
    """A bright dot is the brightest where its position is mapped to."""
    dark = np.full((240, 320, 3), 20, np.uint8)
    dark[118:123, 148:153] = 255  # its centre is (150, 120)
    seen = warped(dark, homography, (320, 240)).astype(float).sum(axis=2)
    seen -= seen.min()
    rows, columns = np.nonzero(seen > 0.2 * seen.max())
    weights = seen[rows, columns]
    centroid = [float(np.average(columns, weights=weights)), float(np.average(rows, weights=weights))]
    assert centroid == pytest.approx(mapped(homography, np.array([[150.0, 120.0]]))[0], abs=0.1)


def test_nothing_changes_through_the_identity() -> None:
    picture = scene(1, 320, 240)
    assert np.abs(warped(picture, np.eye(3), (320, 240)).astype(int) - picture).mean() < 2
    same, homography = resized(picture, 320, 240)
    assert same is picture
    assert homography == pytest.approx(np.eye(3))


@pytest.mark.parametrize(
    ("size", "fitted"),
    [((1280, 960), (640, 480)), ((900, 1200), (480, 640)), ((1600, 400), (640, 160)), ((300, 200),) * 2],
)
def test_photos_are_shrunk_to_fit_and_never_enlarged(size: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert fit_vga(np.zeros((size[1], size[0], 3), np.uint8)).shape == (fitted[1], fitted[0], 3)
