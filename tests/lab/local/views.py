"""Views of a picture whose geometry is known exactly, and what local features make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.lab.features import LocalFeatures
from tests.scenes import scene

WIDTH: Final = 640
HEIGHT: Final = 480
PICTURE: Final = scene(3, WIDTH, HEIGHT)


@dataclass(frozen=True, eq=False)
class View:
    """Another view of the picture.

    Attributes:
        image: uint8[H, W, 3].
        homography: float64[3, 3]; from pixels of the picture to pixels of the view.
    """

    image: NDArray[np.uint8]
    homography: NDArray[np.float64]


def shifted(x: int, y: int) -> View:
    """What is left when so many columns and rows are cut off at the left and at the top."""
    return View(PICTURE[y:, x:].copy(), np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]], np.float64))


def doubled() -> View:
    """Twice the size."""
    image = np.asarray(cv2.resize(PICTURE, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_LINEAR), np.uint8)
    return View(image, np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]], np.float64))


def quarter_turned() -> View:
    """Turned by 90 degrees, clockwise on the screen: no pixel is changed."""
    turned = np.ascontiguousarray(np.rot90(PICTURE, -1))
    return View(turned, np.array([[0, -1, HEIGHT - 1], [1, 0, 0], [0, 0, 1]], np.float64))


def half_turned() -> View:
    """Turned by 180 degrees: no pixel is changed."""
    turned = np.ascontiguousarray(PICTURE[::-1, ::-1])
    return View(turned, np.array([[-1, 0, WIDTH - 1], [0, -1, HEIGHT - 1], [0, 0, 1]], np.float64))


def tilted() -> View:
    """As a wall is seen from aside."""
    homography = np.array([[0.9, 0.08, 20], [0.02, 0.95, 10], [2e-4, 1e-4, 1]], np.float64)
    warped = cv2.warpPerspective(PICTURE, homography, (WIDTH, HEIGHT), borderValue=(128, 128, 128))
    return View(np.asarray(warped, np.uint8), homography)


@dataclass(frozen=True, eq=False)
class Found:
    """Mutual nearest neighbours among the features of the picture and of a view.

    Attributes:
        offsets: float64[M, 2]; from where the homography sends the first to where the second is.
        turns: float64[M]; by how much the second's angle is greater, radians, -pi to pi.
    """

    offsets: NDArray[np.float64]
    turns: NDArray[np.float64]

    @property
    def errors(self) -> NDArray[np.float64]:
        """float64[M]: pixels."""
        lengths: NDArray[np.float64] = np.linalg.norm(self.offsets, axis=1)
        return lengths

    def share(self, radius: float) -> float:
        """Of the matches, how many are right to within so many pixels."""
        return float((self.errors <= radius).mean())

    def right(self, radius: float) -> Found:
        """Those of them alone."""
        kept = self.errors <= radius
        return Found(self.offsets[kept], self.turns[kept])


def matched(first: LocalFeatures, second: LocalFeatures, homography: NDArray[np.float64]) -> Found:
    """Compares features of the picture with those of a view."""
    one, other = (_comparable(features) for features in (first, second))
    similarity = one @ other.T
    forth, back = similarity.argmax(axis=1), similarity.argmax(axis=0)
    rows = np.flatnonzero(back[forth] == np.arange(len(first)))
    sent = np.column_stack([first.positions[rows], np.ones(len(rows))]) @ homography.T
    turns = (second.angles[forth[rows]] - first.angles[rows]).astype(np.float64)
    return Found(second.positions[forth[rows]] - sent[:, :2] / sent[:, 2:], (turns + np.pi) % (2 * np.pi) - np.pi)


def _comparable(features: LocalFeatures) -> NDArray[np.float32]:
    if features.binary:
        bits = np.unpackbits(features.descriptors.view(np.uint8), axis=1)
        return bits.astype(np.float32) * 2 - 1
    return np.asarray(features.descriptors, np.float32)
