"""Reference images in and out: photo, catalogue and index, in the order that loses nothing."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import FeatureSet
from steeple.delf.image import sniff
from steeple.delf.photo_metadata import without_metadata
from steeple.errors import FailedPreconditionError, ImageError, NotFoundError
from steeple.server.batch_ingest import BatchIngest
from steeple.server.catalogue import (
    Catalogue,
    CommonChanges,
    ImageDraft,
    Landmark,
    LandmarkChanges,
    ReferenceImage,
    Undone,
)
from steeple.server.drafts import Drafts
from steeple.server.duplicates import DuplicateCheck, DuplicatePolicy
from steeple.server.images import ImageStore
from steeple.server.photo_shelf import PhotoShelf
from steeple.server.serving import Serving
from steeple.server.thumbnails import ENOUGH, Thumbnails
from steeple.v1 import features_pb2

log = logging.getLogger(__name__)

_PAGE = 1000


class Ingest:
    """Changes what is found: adds, removes and brings back reference images, and landmarks with theirs.

    The photo is stored first, then the catalogue takes the image in one transaction, then the index
    takes it from the catalogue, then the caller is told. Wherever this breaks off, what the catalogue
    has is complete: a photo without an image is waste, an image without its photo would be a loss.
    Blocking, and thread safe.

    Args:
        catalogue: The truth.
        photos: The photos as uploaded, by content.
        serving: The model releases that photos are extracted with, and their indexes.
        check_features: Refuses features that cannot be searched for.
        duplicates: Looks for images that a new one repeats or contradicts.

    Attributes:
        batches: Adds many photos.
        thumbnails: Of the photos.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        photos: ImageStore,
        serving: Serving,
        check_features: Callable[[FeatureSet], FeatureSet],
        duplicates: DuplicateCheck,
    ) -> None:
        self._catalogue = catalogue
        self._photos = photos
        self._serving = serving
        self._check_features = check_features
        self._duplicates = duplicates
        self.shelf = PhotoShelf(catalogue, photos)
        self._drafts = Drafts(serving)
        self.thumbnails = Thumbnails(photos.get, self._decoded)
        self.batches = BatchIngest(catalogue, self.shelf, serving, self._drafts, duplicates)

    def create_image(
        self,
        landmark_id: str,
        source: bytes | FeatureSet,
        *,
        image_id: str = "",
        metadata: Mapping[str, str] | None = None,
        request_id: str = "",
        duplicate_policy: DuplicatePolicy = DuplicatePolicy.REPORT,
    ) -> ReferenceImage:
        """Adds a reference image; it is searchable when this returns.

        Args:
            landmark_id: What it shows.
            source: The photo as a JPEG, PNG, WebP or BMP file, or its features.
            image_id: Empty: the catalogue chooses one.
            metadata: The application's own data.
            request_id: A repeat gets the first answer, and nothing is extracted again.
            duplicate_policy: Whether an image that has duplicates is added.

        Raises:
            ImageError: If the photo cannot be used.
            FeatureSetError: If there are no features.
            ModelMismatchError: If the features are of a release that is not served.
            InvalidArgumentError: If an id or the metadata break the contract.
            NotFoundError: If there is no such landmark.
            AlreadyExistsError: If the id is taken, or the image has duplicates and they are refused.
            UnavailableError: If the image is stored but not searchable yet.
        """
        metadata = metadata or {}
        media_type, sha256 = "", ""
        if isinstance(source, bytes):
            media_type, sha256 = sniff(source).media_type, hashlib.sha256(source).hexdigest()
        else:
            self._check_features(source)
        image = self._catalogue.replayed_image(
            landmark_id,
            source=sha256 if isinstance(source, bytes) else source,
            metadata=metadata,
            image_id=image_id,
            request_id=request_id,
        )
        if image is None:
            draft = replace(self._drafts.of(source, sha256, media_type), metadata=metadata)
            draft = self._duplicates.checked(landmark_id, draft, duplicate_policy)

            def create(drafts: Sequence[ImageDraft]) -> ReferenceImage:
                return self._catalogue.create_image(landmark_id, drafts[0], image_id=image_id, request_id=request_id)

            if isinstance(source, bytes):
                with self.shelf.stored(source, sha256):
                    image = self._drafts.committed([(draft, lambda: source)], create)
            else:
                image = create([draft])
        self._serving.catch_up()
        return image

    def draft(self, photo: bytes) -> ImageDraft:
        """A reference image made from a photo, which is not stored yet. Waits for memory, however long.

        Raises:
            ImageError: If the photo cannot be used.
        """
        return self._drafts.of_photo(photo, hashlib.sha256(photo).hexdigest(), sniff(photo).media_type, patient=True)

    def restore_image(
        self,
        landmark_id: str,
        image_id: str,
        draft: ImageDraft,
        packed: features_pb2.FeatureSet,
        *,
        photo: bytes | None,
        create_time: datetime,
        identify_count: int,
        replace: bool = False,
    ) -> None:
        """Adds a reference image as it was; it is searchable after :meth:`catch_up`.

        Args:
            landmark_id: What it shows.
            image_id: Its id.
            draft: Its fields.
            packed: The features of the draft, byte for byte as they are to be stored.
            photo: Of the draft; None: it has none.
            create_time: Aware.
            identify_count: Answers that it has supported.
            replace: Whether an image of the same id, deleted or not, is removed for good first.

        Raises:
            ModelMismatchError: If the features are of a release that is not served.
            SteepleError: As of :meth:`Catalogue.restore_image`.
        """
        self._check_features(draft.features)
        before = {image.sha256 for image in self._existing_image(landmark_id, image_id)} if replace else set()
        with self.shelf.stored(photo, draft.sha256) if photo is not None else nullcontext():
            self._catalogue.restore_image(
                landmark_id,
                image_id,
                draft,
                packed,
                create_time=create_time,
                identify_count=identify_count,
                replace=replace,
            )
        self.shelf.discard_unused(before)

    def adding_many(self) -> AbstractContextManager[None]:
        """For as long as the block lasts, the index is not made anew: see :meth:`Keeper.growing`."""
        return self._serving.growing()

    def catch_up(self) -> None:
        """Makes searchable what :meth:`restore_image` has added.

        Raises:
            UnavailableError: If that fails; it is tried again.
        """
        self._serving.catch_up()

    def delete_image(self, landmark_id: str, image_id: str, *, etag: str = "", request_id: str = "") -> None:
        """Removes a reference image: for good, with its photo if no other image has the same, if nothing is retained.

        Raises:
            NotFoundError: If there is none of that id, or it is deleted already.
            FailedPreconditionError: If its landmark is deleted.
            AbortedError: If ``etag`` is neither empty nor current.
            UnavailableError: If it is deleted but may still be found.
        """
        digests = {image.sha256 for image in self._existing_image(landmark_id, image_id)}
        self._catalogue.delete_image(landmark_id, image_id, etag=etag, request_id=request_id)
        self.shelf.discard_unused(digests)
        self._serving.catch_up()

    def delete_images(self, names: Sequence[tuple[str, str]], *, request_id: str = "") -> None:
        """Removes reference images, given by the ids of landmark and image, as :meth:`delete_image` does: all or none.

        Raises:
            InvalidArgumentError: If there are none or more than 100.
            NotFoundError: If one is not there, is deleted already or is given twice.
            FailedPreconditionError: If the landmark of one is deleted.
            UnavailableError: If they are deleted but may still be found.
        """
        digests = {image.sha256 for name in names for image in self._existing_image(*name)}
        self._catalogue.delete_images(names, request_id=request_id)
        self.shelf.discard_unused(digests)
        self._serving.catch_up()

    def undelete_image(
        self, landmark_id: str, image_id: str, *, etag: str = "", request_id: str = ""
    ) -> ReferenceImage:
        """Brings a reference image back; it is searchable when this returns.

        Raises:
            NotFoundError: If there is none of that id (any more).
            AlreadyExistsError: If it is not deleted.
            FailedPreconditionError: If its landmark is deleted.
            AbortedError: If ``etag`` is neither empty nor current.
            UnavailableError: If it is back but not searchable yet.
        """
        image = self._catalogue.undelete_image(landmark_id, image_id, etag=etag, request_id=request_id)
        self._serving.catch_up()
        return image

    def update_landmark(self, landmark_id: str, **changes: Unpack[LandmarkChanges]) -> Landmark:
        """As :meth:`Catalogue.update_landmark`; a change of ``active`` has taken effect when this returns.

        Raises:
            UnavailableError: If the change is stored but searches do not heed it yet.
            SteepleError: As there.
        """
        landmark = self._catalogue.update_landmark(landmark_id, **changes)
        self._serving.catch_up()
        return landmark

    def delete_landmark(self, landmark_id: str, *, etag: str = "", force: bool = False, request_id: str = "") -> None:
        """Removes a landmark and, with ``force``, its reference images: for good, with photos, if nothing is retained.

        Raises:
            NotFoundError: If there is none of that id, or it is deleted already.
            AbortedError: If ``etag`` is neither empty nor current.
            FailedPreconditionError: If it has reference images and ``force`` is not set.
            UnavailableError: If it is deleted but may still be found.
        """
        digests = {image.sha256 for image in self._all_images(landmark_id)} if force else set()
        self._catalogue.delete_landmark(landmark_id, etag=etag, force=force, request_id=request_id)
        self.shelf.discard_unused(digests)
        self._serving.catch_up()

    def update_landmarks(
        self, landmark_ids: Sequence[str], changes: CommonChanges, *, request_id: str = ""
    ) -> tuple[str, ...]:
        """As :meth:`Catalogue.update_landmarks`; searches heed it when this returns.

        Raises:
            UnavailableError: If the changes are stored but searches do not heed them yet.
            SteepleError: As there.
        """
        changed = self._catalogue.update_landmarks(landmark_ids, changes, request_id=request_id)
        if changes.active is not None or changes.add_labels or changes.remove_labels:
            self._serving.catch_up()
        return changed

    def delete_landmarks(self, landmark_ids: Sequence[str], *, force: bool = False, request_id: str = "") -> None:
        """Removes landmarks as :meth:`delete_landmark` does: all or none.

        Raises:
            UnavailableError: If they are deleted but may still be found.
            SteepleError: As of :meth:`Catalogue.delete_landmarks`.
        """
        digests = self._catalogue.photos_of_landmarks(landmark_ids) if force else set()
        self._catalogue.delete_landmarks(landmark_ids, force=force, request_id=request_id)
        self.shelf.discard_unused(digests)
        self._serving.catch_up()

    def undelete_landmark(self, landmark_id: str, *, etag: str = "", request_id: str = "") -> Landmark:
        """Brings a landmark back with its reference images; they are searchable when this returns.

        Raises:
            NotFoundError: If there is none of that id (any more).
            AlreadyExistsError: If it is not deleted.
            AbortedError: If ``etag`` is neither empty nor current.
            UnavailableError: If it is back but not searchable yet.
        """
        landmark = self._catalogue.undelete_landmark(landmark_id, etag=etag, request_id=request_id)
        self._serving.catch_up()
        return landmark

    def undo_change(self, number: int, *, etag: str = "", request_id: str = "") -> Undone:
        """As :meth:`Catalogue.undo_change`; searches heed it when this returns.

        Raises:
            UnavailableError: If it is stored but searches do not heed it yet.
            SteepleError: As there.
        """
        undone = self._catalogue.undo_change(number, etag=etag, request_id=request_id)
        self.shelf.discard_unused(undone.photos)
        self._serving.catch_up()
        return undone

    def purge(self, now: datetime | None = None) -> None:
        """Removes what was deleted and has expired, with its photos.

        Args:
            now: UTC, aware; None: the time.
        """
        self.shelf.discard_unused(self._catalogue.purge(now))

    def photo(self, landmark_id: str, image_id: str, *, original: bool = False) -> tuple[bytes, str]:
        """The photo and its media type: without metadata, or with ``original`` as it was uploaded.

        Raises:
            NotFoundError: If there is no such reference image, or only its features were uploaded.
            FailedPreconditionError: If its metadata cannot be told from its pixels.
            DataLossError: If the photo is missing or damaged.
        """
        image = self._image_with_photo(landmark_id, image_id)
        photo, media_type = self._photos.get(image.sha256), image.media_type
        if original:
            return photo, media_type
        try:
            return without_metadata(photo), media_type
        except ImageError as error:  # of a photo that was added by a version that let it pass
            name = f"landmarks/{landmark_id}/images/{image_id}"
            raise FailedPreconditionError(
                f"the photo of {name} cannot be given out without its metadata ({error.message}); an editor can "
                "download the original",
                resource=name,
            ) from error

    def _image_with_photo(self, landmark_id: str, image_id: str) -> ReferenceImage:
        image = self._catalogue.get_image(landmark_id, image_id)
        if not image.sha256:
            name = f"landmarks/{landmark_id}/images/{image_id}"
            raise NotFoundError(f"{name} has no photo: only its features were uploaded", resource=name)
        return image

    def photo_of(self, sha256: str) -> bytes:
        """The photo with that SHA-256 (hex).

        Raises:
            DataLossError: If it is missing or damaged.
        """
        return self._photos.get(sha256)

    def thumbnail(self, landmark_id: str, image_id: str) -> bytes:
        """The photo made small, as a JPEG without metadata.

        Raises:
            NotFoundError: If there is no such reference image, or only its features were uploaded.
            DataLossError: If the photo is missing or damaged.
            ResourceExhaustedError: If there is no memory to decode it now.
        """
        return self.thumbnails.of(self._image_with_photo(landmark_id, image_id).sha256)

    def _decoded(self, photo: bytes) -> AbstractContextManager[NDArray[np.uint8]]:
        return self._serving.default.extractors.decoded(photo, least_side=ENOUGH)

    def _existing_image(self, landmark_id: str, image_id: str) -> list[ReferenceImage]:
        try:
            return [self._catalogue.get_image(landmark_id, image_id)]
        except NotFoundError:  # as in a repeated request, which the catalogue answers as it did first
            return []

    def _all_images(self, landmark_id: str) -> Iterator[ReferenceImage]:
        token, more = "", True
        while more:
            try:
                page = self._catalogue.list_images(landmark_id, _PAGE, token, show_deleted=True)
            except NotFoundError:
                return
            yield from page.items
            token = page.next_page_token
            more = bool(token)
