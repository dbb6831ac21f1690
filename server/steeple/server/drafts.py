"""Photos and features into what the catalogue takes: extracted, graded, and with what the photo says of itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from steeple.delf.features import FeatureSet
from steeple.errors import ImageError
from steeple.server.catalogue import ImageDraft
from steeple.server.exif import read_capture
from steeple.server.logs import facts
from steeple.server.photo_quality import grade, measure
from steeple.server.serving import Serving

log = logging.getLogger(__name__)


class Drafts:
    """Makes drafts of reference images. Thread safe.

    Args:
        serving: The model releases that photos are extracted with.
    """

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def of(self, source: bytes | FeatureSet, sha256: str, media_type: str) -> ImageDraft:
        """An image made of a photo or, as they are, of features.

        Args:
            source: The photo as a JPEG, PNG, WebP or BMP file, or its features.
            sha256: Of the photo, hex.
            media_type: Of the photo.

        Raises:
            ImageError: If the photo cannot be used.
            ResourceExhaustedError: If there is no memory to decode it now.
        """
        if isinstance(source, bytes):
            return self.of_photo(source, sha256, media_type)
        return ImageDraft(source, quality=grade(measure(source, None)))

    def of_photo(self, photo: bytes, sha256: str, media_type: str, *, patient: bool = False) -> ImageDraft:
        """An image made of a photo, with features by every release that photos are extracted with now.

        Args:
            photo: A JPEG, PNG, WebP or BMP file.
            sha256: Hex.
            media_type: As its bytes say.
            patient: Waits for memory, however long, where nobody waits for the answer.

        Raises:
            ImageError: If the photo cannot be used.
            ResourceExhaustedError: If there is no memory to decode it now.
        """
        extractors = self._serving.default.extractors
        with extractors.decoded(photo, patient=patient) as pixels:
            features = extractors.extract_from(pixels)
            quality = grade(measure(features, pixels))
        draft = ImageDraft(features, sha256, len(photo), media_type, quality=quality, capture=read_capture(photo))
        return self.with_others(draft, lambda: photo, patient=patient)

    def with_others(self, draft: ImageDraft, photo: Callable[[], bytes], *, patient: bool = False) -> ImageDraft:
        """The draft with features by all other releases that photos are extracted with now.

        Args:
            draft: Made of a photo.
            photo: Reads it, if a release is missing.
            patient: Waits for memory, however long.
        """
        has = {draft.features.model, *(features.model for features in draft.others)}
        others = list(draft.others)
        for extractors in self._serving.extracting:
            if extractors.model not in has:
                try:
                    others.append(extractors.extract(photo(), patient=patient))
                except ImageError:  # by this release, nothing in it can be recognised: its queries do not find it
                    log.warning("a photo has no features by one release", extra=facts(model=extractors.model))
        return replace(draft, others=others)
