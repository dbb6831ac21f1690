"""Makes features of photos as a phone does: by one extractor, for one photo at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, ParamSpec, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.extractor import Extractor
from steeple.delf.features import FeatureSet
from steeple.delf.image import read_image
from steeple.delf.release import ModelRelease
from steeple.errors import FailedPreconditionError, ImageError, NotFoundError, ResourceExhaustedError

P = ParamSpec("P")
T = TypeVar("T")

MAX_PIXELS: Final = 64_000_000
"""Of a photo: what is larger is not decoded here, since that takes memory beside the server's."""

VIEW_SIDE: Final = 1280
"""Pixels of the longer side of what a page shows."""

_MOST_WAITING: Final = 32
_JPEG_QUALITY: Final = 85


@dataclass(frozen=True)
class Reading:
    """What was made of a photo.

    Attributes:
        features: All that the release finds; None if the release is not here, and the server has to make them.
        width: Of the photo, pixels, turned as it is looked at.
        height: The same.
        view: The photo as a JPEG of at most :data:`VIEW_SIDE` pixels a side, without metadata.
        extract: Milliseconds that the features took.
    """

    features: FeatureSet | None
    width: int
    height: int
    view: bytes
    extract: float


class PhotoReading:
    """One thread with one extractor (some 130 MB, made with the first photo), for all who try photos out.

    Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="steeple-console")
        self._extractor: Extractor | None = None
        self._waiting = 0

    async def read(self, photo: bytes, model: str) -> Reading:
        """What a phone would make of a photo.

        Args:
            photo: A JPEG, PNG, WebP or BMP file.
            model: Name of the release that the server serves.

        Raises:
            ImageError: If it cannot be used.
            ResourceExhaustedError: If many wait already.
        """
        return await self._run(self._read, photo, model)

    async def view(self, photo: bytes, side: int = VIEW_SIDE) -> bytes:
        """A photo as a JPEG of at most ``side`` pixels a side, without metadata.

        Raises:
            ImageError: If it cannot be used.
            ResourceExhaustedError: If many wait already.
        """
        return await self._run(_small, photo, side)

    def close(self) -> None:
        """Ends the thread; what waits is left undone."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._waiting >= _MOST_WAITING:
            raise ResourceExhaustedError("many photos are being looked at just now; try again in a few seconds")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *args, **kwargs))
        finally:
            self._waiting -= 1

    def _read(self, photo: bytes, model: str) -> Reading:
        pixels = read_image(photo, max_pixels=MAX_PIXELS)
        height, width = pixels.shape[:2]
        began = time.perf_counter()
        extractor = self._extractor_of(model)
        features = None if extractor is None else extractor.extract(pixels)
        passed = (time.perf_counter() - began) * 1e3
        if features is not None and len(features) == 0:
            raise ImageError(
                "nothing in the photo can be recognised again: it may be blank, blurred or too dark; take it again"
            )
        return Reading(features, width, height, _encoded(_shrunk(pixels, VIEW_SIDE)), passed)

    def _extractor_of(self, model: str) -> Extractor | None:
        if self._extractor is None or self._extractor.release.name != model:
            try:
                release = ModelRelease.load(model)
                self._extractor = None  # before there is another: one at a time
                self._extractor = Extractor(release)
            except (NotFoundError, FailedPreconditionError):  # a release of somebody's own, or no runtime
                return None
        return self._extractor


def _small(photo: bytes, side: int) -> bytes:
    return _encoded(_shrunk(read_image(photo, max_pixels=MAX_PIXELS, least_side=side), side))


def _shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _encoded(pixels: NDArray[np.uint8]) -> bytes:
    done, encoded = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not done:
        raise ImageError("the photo cannot be shown")
    return encoded.tobytes()
