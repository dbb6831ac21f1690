"""Photos made small."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.errors import InternalError

LONG_SIDE: Final = 256  # pixels, at most
_JPEG_QUALITY: Final = 85


def thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """A photo, uint8[H, W, 3] in RGB, as a small JPEG without metadata."""
    height, width = pixels.shape[:2]
    shrink = LONG_SIDE / max(height, width)
    if shrink < 1:
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    done, encoded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise InternalError("the thumbnail could not be encoded")
    return encoded.tobytes()
