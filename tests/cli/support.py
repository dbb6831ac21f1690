"""Photos made of random shapes, and what a command printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def scene(seed: int, width: int = 480, height: int = 360) -> NDArray[np.uint8]:
    """uint8[height, width, 3]: a picture with much to recognise, another one for each seed."""
    random = np.random.default_rng(seed)
    image = np.full((height, width, 3), random.integers(60, 200, 3), np.uint8)
    for _ in range(160):
        centre = random.uniform((0, 0), (width, height))
        corners = centre + random.uniform(-45, 45, (int(random.integers(3, 7)), 2))
        colour = [int(value) for value in random.integers(0, 256, 3)]
        cv2.fillPoly(image, [np.rint(corners).astype(np.int32)], colour, cv2.LINE_AA)
    return image


def jpeg(image: NDArray[np.uint8]) -> bytes:
    _, encoded = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return encoded.tobytes()


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> Any:
        return json.loads(self.err)["error"]


Steeple = Callable[..., Ran]
