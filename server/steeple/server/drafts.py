"""Photos and features into what the catalogue takes: extracted, graded, and with what the photo says of itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from steeple.delf.features import FeatureSet
from steeple.errors import ImageError, UnavailableError
from steeple.server.catalogue import ImageDraft
from steeple.server.catalogue.served_releases import NotCoveredError
from steeple.server.exif import read_capture
from steeple.server.logs import facts
from steeple.server.photo_quality import grade, measure
from steeple.server.serving import Serving

log = logging.getLogger(__name__)

T = TypeVar("T")

_TRIES: Final = 5


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
        tried = {draft.features.model, *(features.model for features in draft.others), *draft.without}
        others, without = list(draft.others), set(draft.without)
        for extractors in self._serving.extracting:
            if extractors.model not in tried:
                try:
                    others.append(extractors.extract(photo(), patient=patient))
                except ImageError:  # by this release, nothing in it can be recognised: its queries do not find it
                    without.add(extractors.model)
                    log.warning("a photo has no features by one release", extra=facts(model=extractors.model))
        return replace(draft, others=others, without=frozenset(without))

    def committed(
        self,
        drafts: Sequence[tuple[ImageDraft, Callable[[], bytes]]],
        commit: Callable[[list[ImageDraft]], T],
        *,
        patient: bool = False,
    ) -> T:
        """What ``commit`` returns, with features by all releases that are served, or prepared, at that moment.

        Another server may have changed which these are, and this one not have heard of it.

        Args:
            drafts: With what reads their photos.
            commit: Adds them to the catalogue.
            patient: Waits for memory, however long.

        Raises:
            UnavailableError: If the releases change all the time.
            FailedPreconditionError: If this server has not got one.
            SteepleError: As ``commit`` does.
        """
        whole = [draft for draft, _ in drafts]
        for _ in range(_TRIES):
            whole = [
                self.with_others(draft, photo, patient=patient) for draft, (_, photo) in zip(whole, drafts, strict=True)
            ]
            try:
                return commit(whole)
            except NotCoveredError as error:
                log.info("photos are extracted with another release too", extra=facts(reason=error.message))
                self._serving.follow_extracting()
                self._serving.check_extracting()
        raise UnavailableError("which model releases are served changes all the time; try again")
