"""Many photos into the catalogue: worked on by any number of threads, committed by one, several at a time."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from steeple.delf.image import sniff
from steeple.errors import AlreadyExistsError, SteepleError, UnavailableError
from steeple.server.catalogue import (
    AlsoOfImages,
    Catalogue,
    ImageDraft,
    ImageOutcome,
    NewImage,
    ReferenceImage,
)
from steeple.server.catalogue.limits import check_image_draft
from steeple.server.drafts import Drafts
from steeple.server.duplicates import DuplicateCheck, DuplicatePolicy
from steeple.server.logs import facts
from steeple.server.photo_shelf import PhotoShelf
from steeple.server.serving import Serving

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedImage:
    """A reference image that only the catalogue has not got yet: its photo is stored, its features are extracted.

    Attributes:
        landmark_id: What it shows.
        draft: All else.
        image_id: Empty: to be made from the photo's hash.
    """

    landmark_id: str
    draft: ImageDraft
    image_id: str


class BatchIngest:
    """Adds reference images in two steps, of which the first can be done for several photos at once.

    Args:
        catalogue: The truth.
        shelf: The photos.
        serving: The indexes.
        drafts: Makes images of photos.
        duplicates: Looks for images that a new one repeats or contradicts.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        shelf: PhotoShelf,
        serving: Serving,
        drafts: Drafts,
        duplicates: DuplicateCheck,
    ) -> None:
        self._catalogue = catalogue
        self._shelf = shelf
        self._serving = serving
        self._drafts = drafts
        self._duplicates = duplicates

    def prepare(
        self, landmark_id: str, photo: bytes, *, image_id: str = "", metadata: Mapping[str, str] | None = None
    ) -> PreparedImage | ReferenceImage:
        """Extracts a photo and stores it. Whoever does not go on with it has to say so to :meth:`abandon`.

        Args:
            landmark_id: What it shows.
            photo: A JPEG, PNG, WebP or BMP file.
            image_id: Empty: one is made from the photo's hash.
            metadata: The application's own data.

        Returns:
            The reference image, if the landmark has this photo already.

        Raises:
            SteepleError: As :meth:`Ingest.create_image`.
        """
        media_type, sha256 = sniff(photo).media_type, hashlib.sha256(photo).hexdigest()
        there = self._catalogue.image_of_photo(landmark_id, sha256, image_id=image_id)
        if there is not None:
            return there
        draft = replace(self._drafts.of_photo(photo, sha256, media_type, patient=True), metadata=metadata or {})
        check_image_draft(draft)
        self._shelf.put(photo)
        return PreparedImage(landmark_id, draft, image_id)

    def create(
        self,
        prepared: Sequence[PreparedImage],
        *,
        photo: Callable[[PreparedImage], bytes],
        duplicate_policy: DuplicatePolicy = DuplicatePolicy.NONE,
        also: AlsoOfImages | None = None,
    ) -> list[ImageOutcome]:
        """Adds reference images that were prepared, in one transaction; they are searchable when this returns.

        If the index cannot take them now, they reach it later, as after a crash.

        Args:
            prepared: In the order in which they are to be added.
            photo: Reads the photo of one of them again, should somebody have deleted it meanwhile.
            duplicate_policy: Whether an image that has duplicates is added. Images of one call do not know each other,
                but for the same file.
            also: Done in the same transaction, with what became of each.

        Returns:
            What became of each.

        Raises:
            SteepleError: If the catalogue or the photos cannot be reached; nothing was added then.
        """
        outcomes: dict[int, ImageOutcome] = {}
        new: dict[int, NewImage] = {}
        for number, one in enumerate(prepared):
            try:
                new[number] = NewImage(one.landmark_id, self._checked(one, duplicate_policy), one.image_id)
            except AlreadyExistsError as error:
                outcomes[number] = ImageOutcome(error=error)

        def settle(connection: Connection, made: Sequence[ImageOutcome]) -> None:
            outcomes.update(zip(new, made, strict=True))
            if also is not None:
                also(connection, [outcomes[number] for number in range(len(prepared))])

        photos = {prepared[number].draft.sha256: partial(photo, prepared[number]) for number in new}

        def commit(drafts: Sequence[ImageDraft]) -> None:
            whole = [replace(one, draft=draft) for one, draft in zip(new.values(), drafts, strict=True)]
            self._catalogue.create_images(whole, also=settle)

        with self._shelf.there(photos):
            self._drafts.committed(
                [(one.draft, photos[one.draft.sha256]) for one in new.values()], commit, patient=True
            )
        self.abandon([prepared[number] for number, outcome in outcomes.items() if outcome.error is not None])
        try:
            self._serving.catch_up()
        except UnavailableError:
            log.warning("images were added that are not searchable yet", extra=facts(images=len(new)))
        return [outcomes[number] for number in range(len(prepared))]

    def abandon(self, prepared: Sequence[PreparedImage]) -> None:
        """Takes photos away that were prepared and that no image has."""
        if prepared:
            self._shelf.discard_unused(one.draft.sha256 for one in prepared)

    def _checked(self, one: PreparedImage, policy: DuplicatePolicy) -> ImageDraft:
        if policy is DuplicatePolicy.NONE:  # the catalogue looks for the same file
            return one.draft
        try:
            return self._duplicates.checked(one.landmark_id, one.draft, policy)
        except AlreadyExistsError:
            if self._is_there(one):  # by now: that is no duplicate, but the same again
                return one.draft
            raise

    def _is_there(self, one: PreparedImage) -> bool:
        try:
            return self._catalogue.image_of_photo(one.landmark_id, one.draft.sha256) is not None
        except SteepleError:  # as adding it will say
            return False
