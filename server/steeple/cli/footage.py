"""Films of a flat picture, made by panning, zooming and turning over it, with the geometry known for each frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from steeple.delf.homographies import Homography, Image, about, middle, rotating, scaling, shifting, tilting
from steeple.errors import InvalidArgumentError, UnavailableError

RATE: Final = 30.0
"""Frames a second."""

_SHAKE_PIXELS: Final = 1.2  # of a hand
_NOISE: Final = 3.0  # grey levels of a sensor


@dataclass(frozen=True, eq=False)
class Shot:
    """Some seconds over one picture.

    Attributes:
        picture: uint8[H, W, 3], RGB.
        frames: How many.
        seed: Of the path; each gives another.
    """

    picture: Image
    frames: int
    seed: int = 0

    def homography(self, number: int, size: tuple[int, int]) -> Homography:
        """float64[3, 3]: maps pixels of the picture to those of a frame.

        Args:
            number: Of the frame within the shot, from 0.
            size: Width and height of the frames.
        """
        height, width = self.picture.shape[:2]
        random = np.random.default_rng(self.seed)
        phases = random.uniform(0.0, 2.0 * math.pi, 6)
        seconds = number / RATE
        fit = min(size[0] / width, size[1] / height)
        shake = np.random.default_rng((self.seed, number)).normal(0.0, _SHAKE_PIXELS, 2)
        zoom = fit * (1.15 + 0.25 * math.sin(0.9 * seconds + phases[0]))
        turn = 6.0 * math.sin(0.7 * seconds + phases[1])
        tilt = 10.0 + 8.0 * math.sin(0.5 * seconds + phases[2])
        to_middle = np.subtract(middle(*size), middle(width, height))
        x = to_middle[0] + 0.14 * size[0] * math.sin(0.8 * seconds + phases[3]) + shake[0]
        y = to_middle[1] + 0.10 * size[1] * math.sin(1.1 * seconds + phases[4]) + shake[1]
        moved = tilting(tilt, 90.0 * math.sin(0.3 * seconds + phases[5]), 2.0 * size[0] / fit)
        seen = about(middle(width, height), rotating(turn) @ scaling(zoom, zoom) @ moved)
        return np.asarray(shifting(float(x), float(y)) @ seen, np.float64)


class Footage:
    """Shots one after the other, with cuts between.

    Args:
        shots: In their order.
        size: Width and height of the frames.
    """

    def __init__(self, shots: Sequence[Shot], size: tuple[int, int] = (640, 480)) -> None:
        if not shots or any(shot.frames < 1 for shot in shots):
            raise InvalidArgumentError("footage takes a shot or more, of one frame or more each")
        self.shots = tuple(shots)
        self.size = size
        self.rate = RATE

    def __len__(self) -> int:
        return sum(shot.frames for shot in self.shots)

    def shot(self, number: int) -> tuple[int, int]:
        """Which shot a frame is of, and its number within that; films begin again at their end."""
        starts = np.cumsum([0, *(shot.frames for shot in self.shots)])
        number %= len(self)
        index = int(np.searchsorted(starts, number, side="right")) - 1
        return index, number - int(starts[index])

    def homography(self, number: int) -> Homography:
        """float64[3, 3]: maps pixels of the frame's picture to those of the frame."""
        index, within = self.shot(number)
        return self.shots[index].homography(within, self.size)

    def frame(self, number: int) -> Image:
        """uint8[h, w, 3], RGB: the frame, with the noise of a sensor."""
        index, _ = self.shot(number)
        picture, homography = self.shots[index].picture, self.homography(number)
        # Not as finely as the picture could be seen: a film has hundreds of frames.
        seen = cv2.warpPerspective(picture, homography, self.size, borderMode=cv2.BORDER_REFLECT)
        noise = np.random.default_rng(number).normal(0.0, _NOISE, seen.shape[:2])[..., None]
        return np.asarray(np.clip(seen + noise, 0, 255), np.uint8)

    def write(self, path: Path, on_frame: Callable[[], None] = lambda: None) -> None:
        """Writes the film as Motion JPEG, which OpenCV writes and reads everywhere.

        Args:
            path: Ends with ``.avi``.
            on_frame: Called after each frame.

        Raises:
            UnavailableError: If it cannot be written.
        """
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, self.size)
        if not writer.isOpened():
            raise UnavailableError(
                f"{path} cannot be written; give a path that ends with .avi in a folder that is there"
            )
        try:
            for number in range(len(self)):
                writer.write(cv2.cvtColor(self.frame(number), cv2.COLOR_RGB2BGR))
                on_frame()
        finally:
            writer.release()
