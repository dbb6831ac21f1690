"""Photos made small."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.errors import InternalError, SteepleError
from steeple.server.catalogue import ReferenceImage
from steeple.server.logs import facts

log = logging.getLogger(__name__)

LONG_SIDE: Final = 256  # pixels, at most

ENOUGH: Final = 2 * LONG_SIDE
"""Pixels of a photo's longer side from which a thumbnail is as good as from more."""

MAX_HELD_BYTES: Final = 32 * 2**20
"""Of thumbnails held in memory: those of some 3000 photos."""

_JPEG_QUALITY: Final = 85


class Thumbnails:
    """Thumbnails of stored photos. Those that were asked for last are held in memory. Thread safe.

    To make one takes as long as to decode its photo, and cameras ask for the same few again and again.

    Args:
        read: Gives a photo by its SHA-256 (hex).
        decoded: Gives the pixels of an encoded photo, uint8[H, W, 3] in RGB.
        max_bytes: That are held.
    """

    def __init__(
        self,
        read: Callable[[str], bytes],
        decoded: Callable[[bytes], AbstractContextManager[NDArray[np.uint8]]],
        max_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        self._read = read
        self._decoded = decoded
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[str, bytes] = OrderedDict()  # the one used last at the end
        self._held_bytes = 0

    def of(self, sha256: str) -> bytes:
        """A photo made small, as a JPEG without metadata.

        Args:
            sha256: Of the photo, hex.

        Raises:
            DataLossError: If the photo is missing or damaged.
            ImageError: If it cannot be decoded.
            ResourceExhaustedError: If there is no memory to decode it now.
        """
        with self._lock:
            if (held := self._held.get(sha256)) is not None:
                self._held.move_to_end(sha256)
                return held
        made = self.of_photo(self._read(sha256))
        with self._lock:
            if sha256 not in self._held:  # another thread may have been faster
                self._held[sha256] = made
                self._held_bytes += len(made)
            while self._held_bytes > self._max_bytes:
                self._held_bytes -= len(self._held.popitem(last=False)[1])
        return made

    def if_there(self, image: ReferenceImage) -> bytes:
        """The same of a reference image; empty if it has no photo, or that cannot be read now."""
        if not image.sha256:
            return b""
        try:
            return self.of(image.sha256)
        except SteepleError as error:  # an answer is worth more than its ornaments
            log.warning("an answer goes without a thumbnail", extra=facts(photo=image.sha256, reason=error.message))
            return b""

    def of_photo(self, photo: bytes) -> bytes:
        """Any photo made small, as a JPEG without metadata; nothing is held. Errors as of :meth:`of`."""
        with self._decoded(photo) as pixels:
            return thumbnail(pixels)


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
