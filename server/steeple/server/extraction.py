"""Extraction on the server, for photos that come without their features."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
from numpy.typing import NDArray

from steeple.delf.extractor import Extractor
from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import ImageError
from steeple.recognition.stages import stage
from steeple.server.decoding import PhotoDecoder


class ExtractorPool:
    """Extractors for many threads: as many as are at work at once, each some 130 MB. Thread safe.

    The one that was used last is lent first, so those of a busy moment are not kept warm by quiet ones.

    Args:
        release: What to extract with.
        decoder: For photos.
    """

    def __init__(self, release: ModelRelease, decoder: PhotoDecoder) -> None:
        self._release = release
        self._decoder = decoder
        self._idle: list[Extractor] = []  # the one used last at the end; append and pop are atomic

    @property
    def model(self) -> str:
        """Name of the release."""
        return self._release.name

    def extract(self, photo: bytes, *, patient: bool = False) -> FeatureSet:
        """The local features of an encoded photo; at least one.

        Args:
            photo: A JPEG, PNG, WebP or BMP file.
            patient: Waits for memory, however long, where nobody waits for the answer.

        Raises:
            ImageError: If it cannot be used, or nothing in it can be recognised again.
            ResourceExhaustedError: If there is no memory for it now.
        """
        with self.decoded(photo, patient=patient) as pixels:
            return self.extract_from(pixels)

    def decoded(
        self, photo: bytes, *, patient: bool = False, least_side: int = 0
    ) -> AbstractContextManager[NDArray[np.uint8]]:
        """uint8[H, W, 3], RGB: the pixels of an encoded photo, until the block is left; as :class:`PhotoDecoder`."""
        return self._decoder.decoded(photo, patient=patient, least_side=least_side)

    def extract_from(self, pixels: NDArray[np.uint8]) -> FeatureSet:
        """The local features of a photo, uint8[H, W, 3] in RGB; at least one.

        Raises:
            ImageError: If nothing in it can be recognised again.
        """
        with stage("extract"), self._lent() as extractor:
            features = extractor.extract(pixels)
        if len(features) == 0:
            raise ImageError(
                "the photo has no local features, so there is nothing to recognise; it may be blank, blurred or too "
                "dark: take it again"
            )
        return features

    @contextmanager
    def _lent(self) -> Iterator[Extractor]:
        try:
            extractor = self._idle.pop()
        except IndexError:
            extractor = Extractor(self._release)
        try:
            yield extractor
        finally:
            self._idle.append(extractor)
