"""Photographs as people send them: cropped, made smaller, seen from elsewhere, packed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import FilePayload

from tests.known_photos import seen_from


def cropped(photo: bytes) -> bytes:
    """All but its edges, smaller."""
    pixels = _decoded(photo)
    height, width = pixels.shape[:2]
    part = pixels[height // 10 : height - height // 12, width // 10 : width - width // 20]
    return _encoded(cv2.resize(part, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA))


def view(photo: bytes, number: int, width: int = 480) -> bytes:
    """As seen from elsewhere, small."""
    pixels = _decoded(photo)
    small = cv2.resize(pixels, (width, width * pixels.shape[0] // pixels.shape[1]), interpolation=cv2.INTER_AREA)
    return _encoded(seen_from(np.asarray(small, np.uint8), number))


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ZIP archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def payload(name: str, data: bytes, media_type: str = "image/jpeg") -> FilePayload:
    """A file that somebody chooses."""
    return {"name": name, "mimeType": media_type, "buffer": data}


def _decoded(photo: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def _encoded(pixels: NDArray[np.uint8] | cv2.typing.MatLike) -> bytes:
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return data.tobytes()
