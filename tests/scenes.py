"""Pictures with much to recognise, made on the spot: no test needs a photograph from elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def scene(seed: int, width: int = 640, height: int = 480) -> NDArray[np.uint8]:
    """uint8[height, width, 3], RGB: another picture for each seed."""
    random = np.random.default_rng(seed)
    image = np.full((height, width, 3), random.integers(60, 200, 3), np.uint8)
    for _ in range(160):
        centre = random.uniform((0, 0), (width, height))
        corners = centre + random.uniform(-0.09, 0.09, (int(random.integers(3, 7)), 2)) * width
        colour = [int(value) for value in random.integers(0, 256, 3)]
        cv2.fillPoly(image, [np.rint(corners).astype(np.int32)], colour, cv2.LINE_AA)
    return image


def encoded(image: NDArray[np.uint8], suffix: str = ".jpg") -> bytes:
    """An RGB picture as a file of the kind that the suffix names."""
    done, data = cv2.imencode(suffix, image[..., ::-1])
    assert done
    return data.tobytes()
