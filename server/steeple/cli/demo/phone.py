"""A catalogue photo as a phone would see it: held at an angle, too close, in poor light."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.image import read_image

_SIZE: Final = (800, 600)  # width, height
_INSET: Final = (0.03, 0.18)  # of the sides, per corner: crops and tilts at once
_TURN_DEGREES: Final = 6.0
_BRIGHTNESS: Final = 0.6
_NOISE: Final = 7.0  # standard deviation, of 255
_BLUR: Final = 0.7  # standard deviation, pixels
_JPEG_QUALITY: Final = 70


def phone_view(photo: bytes, seed: int) -> bytes:
    """The photo photographed again.

    A random quadrangle inside the photo fills an 800x600 frame (tilt, turn and crop without invented borders), then
    the frame is blurred, darkened, covered with sensor noise and compressed.

    Args:
        photo: The encoded photo.
        seed: Of everything random; the same photo and seed give the same bytes.

    Returns:
        A JPEG file.
    """
    random = np.random.default_rng(seed)
    frame = _tilt(read_image(photo), random).astype(np.float32)
    frame = cv2.GaussianBlur(frame, (0, 0), _BLUR) * _BRIGHTNESS
    frame += random.normal(0.0, _NOISE, frame.shape).astype(np.float32)
    dim = np.clip(np.rint(frame), 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", dim[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()


def _tilt(image: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64)
    inset = random.uniform(*_INSET, size=(4, 2))
    quadrangle = np.where(corners == 0, inset, 1 - inset) - 0.5
    angle = np.deg2rad(random.uniform(-_TURN_DEGREES, _TURN_DEGREES))
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    quadrangle = np.clip(quadrangle @ turn.T, -0.5, 0.5) + 0.5
    source = (quadrangle * (width - 1, height - 1)).astype(np.float32)
    target = (corners * (_SIZE[0] - 1, _SIZE[1] - 1)).astype(np.float32)
    homography = cv2.getPerspectiveTransform(source, target)
    return np.asarray(cv2.warpPerspective(image, homography, _SIZE, flags=cv2.INTER_LINEAR), np.uint8)
