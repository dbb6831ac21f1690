"""Extraction on the server, for photos that come without their features."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from steeple.delf.extractor import Extractor
from steeple.delf.features import FeatureSet
from steeple.delf.image import read_image
from steeple.delf.release import ModelRelease
from steeple.errors import ImageError
from steeple.server.stages import stage


class ThreadExtractors:
    """One extractor for each thread that asks, made when it first does. Thread safe.

    Args:
        release: What to extract with.
        max_image_pixels: A photo of more is refused before it is decoded.
    """

    def __init__(self, release: ModelRelease, *, max_image_pixels: int) -> None:
        self._release = release
        self._max_image_pixels = max_image_pixels
        self._of_thread = threading.local()

    @property
    def model(self) -> str:
        """Name of the release."""
        return self._release.name

    def extract(self, photo: bytes) -> FeatureSet:
        """The local features of an encoded photo; at least one.

        Raises:
            ImageError: If it cannot be used, or nothing in it can be recognised again.
        """
        return self.extract_from(self.read(photo))

    def read(self, photo: bytes) -> NDArray[np.uint8]:
        """uint8[H, W, 3], RGB: the pixels of an encoded photo.

        Raises:
            ImageError: If it cannot be used.
        """
        with stage("decode"):
            return read_image(photo, max_pixels=self._max_image_pixels)

    def extract_from(self, pixels: NDArray[np.uint8]) -> FeatureSet:
        """The local features of a photo, uint8[H, W, 3] in RGB; at least one.

        Raises:
            ImageError: If nothing in it can be recognised again.
        """
        with stage("extract"):
            features = self._extractor().extract(pixels)
        if len(features) == 0:
            raise ImageError(
                "the photo has no local features, so there is nothing to recognise; it may be blank, blurred or too "
                "dark: take it again"
            )
        return features

    def _extractor(self) -> Extractor:
        extractor: Extractor | None = getattr(self._of_thread, "extractor", None)
        if extractor is None:
            extractor = self._of_thread.extractor = Extractor(self._release)
        return extractor
