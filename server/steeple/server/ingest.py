"""Reference images in and out: photo, catalogue and index, in the order that loses nothing."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Unpack

from steeple.delf.features import FeatureSet
from steeple.delf.image import sniff
from steeple.errors import NotFoundError
from steeple.server.catalogue import Catalogue, ImageDraft, Landmark, LandmarkChanges, ReferenceImage
from steeple.server.duplicates import DuplicateCheck, DuplicatePolicy, merged, refuse
from steeple.server.exif import read_capture
from steeple.server.extraction import ThreadExtractors
from steeple.server.images import ImageStore
from steeple.server.index_keeper import IndexKeeper
from steeple.server.logs import facts
from steeple.server.photo_quality import grade, measure
from steeple.server.thumbnails import thumbnail

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
        keeper: The index.
        extractors: For photos.
        check_features: Refuses features that cannot be searched for.
        duplicates: Looks for images that a new one repeats or contradicts.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        photos: ImageStore,
        keeper: IndexKeeper,
        extractors: ThreadExtractors,
        check_features: Callable[[FeatureSet], FeatureSet],
        duplicates: DuplicateCheck,
    ) -> None:
        self._catalogue = catalogue
        self._photos = photos
        self._keeper = keeper
        self._extractors = extractors
        self._check_features = check_features
        self._duplicates = duplicates
        # Between storing a photo and committing its image, nobody may find that the photo is not in use.
        self._photos_settled = threading.Lock()

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
            draft = replace(self._draft(source, sha256, media_type), metadata=metadata)
            draft = self._checked(landmark_id, draft, duplicate_policy)
            with self.stored(source, sha256) if isinstance(source, bytes) else nullcontext():
                image = self._catalogue.create_image(landmark_id, draft, image_id=image_id, request_id=request_id)
        self._keeper.catch_up()
        return image

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
        self.discard_unused(digests)
        self._keeper.catch_up()

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
        self.discard_unused(digests)
        self._keeper.catch_up()

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
        self._keeper.catch_up()
        return image

    def update_landmark(self, landmark_id: str, **changes: Unpack[LandmarkChanges]) -> Landmark:
        """As :meth:`Catalogue.update_landmark`; a change of ``active`` has taken effect when this returns.

        Raises:
            UnavailableError: If the change is stored but searches do not heed it yet.
            SteepleError: As there.
        """
        landmark = self._catalogue.update_landmark(landmark_id, **changes)
        self._keeper.catch_up()
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
        self.discard_unused(digests)
        self._keeper.catch_up()

    def undelete_landmark(self, landmark_id: str, *, etag: str = "", request_id: str = "") -> Landmark:
        """Brings a landmark back with its reference images; they are searchable when this returns.

        Raises:
            NotFoundError: If there is none of that id (any more).
            AlreadyExistsError: If it is not deleted.
            AbortedError: If ``etag`` is neither empty nor current.
            UnavailableError: If it is back but not searchable yet.
        """
        landmark = self._catalogue.undelete_landmark(landmark_id, etag=etag, request_id=request_id)
        self._keeper.catch_up()
        return landmark

    def purge(self, now: datetime | None = None) -> None:
        """Removes what was deleted and has expired, with its photos.

        Args:
            now: UTC, aware; None: the time.
        """
        self.discard_unused(self._catalogue.purge(now))

    def photo(self, landmark_id: str, image_id: str) -> tuple[bytes, str]:
        """The photo as it was uploaded, and its media type.

        Raises:
            NotFoundError: If there is no such reference image, or only its features were uploaded.
            DataLossError: If the photo is missing or damaged.
        """
        image = self._catalogue.get_image(landmark_id, image_id)
        if not image.sha256:
            name = f"landmarks/{landmark_id}/images/{image_id}"
            raise NotFoundError(f"{name} has no photo: only its features were uploaded", resource=name)
        return self._photos.get(image.sha256), image.media_type

    def thumbnail(self, landmark_id: str, image_id: str) -> bytes:
        """The photo made small, as a JPEG without metadata.

        Raises:
            NotFoundError: If there is no such reference image, or only its features were uploaded.
            DataLossError: If the photo is missing or damaged.
        """
        return thumbnail(self.photo(landmark_id, image_id)[0])

    @contextmanager
    def stored(self, photo: bytes, sha256: str) -> Iterator[None]:
        """Stores a photo, to which the block then refers; takes it away again if that fails and nothing else does."""
        with self._photos_settled:
            self._photos.put(photo)
            try:
                yield
            except BaseException:
                self._discard_unused_now({sha256})
                raise

    def discard_unused(self, digests: Iterable[str]) -> None:
        """Deletes those of photos, by SHA-256 (hex), that nothing in the catalogue refers to."""
        with self._photos_settled:
            self._discard_unused_now(digests)

    def _draft(self, source: bytes | FeatureSet, sha256: str, media_type: str) -> ImageDraft:
        if not isinstance(source, bytes):
            return ImageDraft(source, quality=grade(measure(source, None)))
        pixels = self._extractors.read(source)
        features = self._extractors.extract_from(pixels)
        return ImageDraft(
            features,
            sha256,
            len(source),
            media_type,
            quality=grade(measure(features, pixels)),
            capture=read_capture(source),
        )

    def _checked(self, landmark_id: str, draft: ImageDraft, policy: DuplicatePolicy) -> ImageDraft:
        """The draft with its duplicates, if there may be some."""
        same = self._duplicates.of_photo(draft.sha256) if draft.sha256 else ()
        found = merged(same, self._duplicates.of_features(landmark_id, draft.features))
        if policy is DuplicatePolicy.REFUSE:
            refuse(found)
        return replace(draft, duplicates=found)

    def _discard_unused_now(self, digests: Iterable[str]) -> None:
        candidates = {digest for digest in digests if digest}
        try:
            for sha256 in candidates - self._catalogue.photos_in_use(candidates):
                self._photos.delete(sha256)
        except Exception:  # the images are gone as asked; what is left behind takes space and nothing else
            log.exception("photos that no image has any more were not deleted", extra=facts(photos=sorted(candidates)))

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
