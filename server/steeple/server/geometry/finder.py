"""One reference image looked for in one query, by the real index and recogniser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from steeple.delf import Extractor, FeatureSet, ModelRelease, wire
from steeple.delf.homographies import Image
from steeple.recognition import Candidate, GalleryImage, Recogniser
from steeple.server.index import FaissIndex

_KEY: Final = 0
_LANDMARK: Final = "landmark"


@dataclass(frozen=True)
class Found:
    """The answer to a query.

    Attributes:
        candidate: Where the reference image was found.
        identified: Whether its confidence suffices to name it.
        size: Width and height of the query, pixels.
    """

    candidate: Candidate
    identified: bool
    size: tuple[int, int]


class Finder:
    """Looks for one reference image at a time in a catalogue of its own.

    Args:
        release: Extracts, indexes, verifies.
    """

    def __init__(self, release: ModelRelease) -> None:
        self._extractor = Extractor(release)
        self._index = FaissIndex(release)
        self._image: GalleryImage | None = None
        self._recogniser = Recogniser(release, self._index, lambda _: {_KEY: self._image} if self._image else {})

    def features(self, image: Image) -> FeatureSet:
        """The features of a picture, uint8[H, W, 3], RGB, as they arrive at a server.

        Raises:
            ImageError: If the picture is too small or too narrow.
        """
        return wire.unpack(wire.pack(self._extractor.extract(image)))

    def find(self, query: FeatureSet, reference: FeatureSet) -> Found | None:
        """Where a reference image is in a query; None if verification finds it nowhere."""
        self._image = GalleryImage(_LANDMARK, reference)
        self._index.add(_KEY, reference.unit_descriptors())  # replaces the one before
        if not len(query):
            return None
        recognition = self._recogniser.identify(query)
        if not recognition.candidates or len(recognition.candidates[0].outline) < 3:
            return None
        return Found(recognition.candidates[0], recognition.identified, (query.width, query.height))
