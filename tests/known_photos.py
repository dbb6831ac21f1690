"""A small data set with known answers, of pictures made on the spot."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.scenes import encoded, scene

LANDMARKS = 6


def write_known_photos(folder: Path, *, strangers: int = 12, width: int = 400, height: int = 300) -> Path:
    """One folder per landmark with one reference and two other views of it; and strangers, all of them distractors."""
    for number in range(LANDMARKS):
        (folder / f"landmark-{number}").mkdir(parents=True)
        for view in range(3):
            picture = seen_from(scene(500 + number, width, height), view)
            (folder / f"landmark-{number}" / f"{view}.jpg").write_bytes(encoded(picture))
    (folder / "_strangers").mkdir()
    for number in range(strangers):
        (folder / "_strangers" / f"{number:02}.jpg").write_bytes(encoded(scene(600 + number, width, height)))
    return folder


def seen_from(picture: NDArray[np.uint8], view: int) -> NDArray[np.uint8]:
    """The picture itself for view 0, else as seen from another side."""
    height, width = picture.shape[:2]
    homography = np.array([[1 - 0.05 * view, 0.04 * view, 6.0 * view], [-0.03 * view, 1, 9.0], [1e-4 * view, 0, 1]])
    if view == 0:
        return picture
    return np.asarray(cv2.warpPerspective(picture, homography, (width, height), borderValue=(90, 90, 90)), np.uint8)
