"""Photos made small."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.errors import ImageError

LONGEST_SIDE: Final = 480
_JPEG_QUALITY: Final = 80


def thumbnail_of(pixels: NDArray[np.uint8], *, longest_side: int = LONGEST_SIDE) -> bytes:
    """A JPEG without metadata.

    Args:
        pixels: uint8[H, W, 3], RGB, of the photo, upright.
        longest_side: Pixels, at most; smaller photos keep their size.

    Raises:
        ImageError: If the pixels are none.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or pixels.size == 0:
        raise ImageError(f"pixels must be uint8[H, W, 3] in RGB, not {pixels.dtype}{list(pixels.shape)}")
    height, width = pixels.shape[:2]
    factor = min(1.0, longest_side / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if factor < 1 else pixels
    done, data = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise ImageError(f"a photo of {width}x{height} pixels cannot be made small")
    return data.tobytes()
