"""The calls of the catalogue that are about reference images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from steeple.server.catalogue import (
    answers,
    features,
    ids,
    landmarks,
    limits,
    lookups,
    pages,
    reference_images,
    releases,
    served_releases,
)
from steeple.server.catalogue.batches import check_batch, numbered
from steeple.server.catalogue.ids import check_id
from steeple.server.catalogue.records import (
    UNSET,
    Duplicate,
    DuplicateKind,
    ImageDraft,
    ImageOutcome,
    LatLng,
    NewImage,
    Page,
    ReferenceImage,
    Unset,
)
from steeple.server.catalogue.requests import Request, features_digest, image_request
from steeple.server.catalogue.restriction import Restriction, allowed_images
from steeple.server.catalogue.selection import ImageSelection
from steeple.server.catalogue.transactions import Transactions
from steeple.v1.features_pb2 import FeatureSet as FeatureSetMessage

AlsoOfImages = Callable[[Connection, Sequence[ImageOutcome]], None]
"""What is to be done in the transaction that adds reference images, such as noting how far an operation is."""


class ImageCalls(Transactions):
    """The part of the catalogue that keeps reference images and their features."""

    def create_image(
        self, landmark_id: str, draft: ImageDraft, *, image_id: str = "", request_id: str = ""
    ) -> ReferenceImage:
        """Adds a reference image with its features; an empty id is chosen at random.

        A photo must be in the image store before. To a repeated request, a draft with a photo is the same if the photo
        and the metadata are, whatever features were extracted from it this time.

        Raises:
            InvalidArgumentError: If a field breaks the contract.
            FeatureSetError: If there are no features.
            NotFoundError: If there is no such landmark.
            FailedPreconditionError: If it is deleted.
            AlreadyExistsError: If the id is taken.
            NotCoveredError: If a photo has no features by a release that is served or prepared.
            ModelMismatchError: If features without a photo are of a release that is not served any more.
        """
        limits.check_image_draft(draft)
        packed, others = _packed(draft)
        source = {"photo": draft.sha256} if draft.sha256 else {"features": features_digest(packed)}
        request = image_request(request_id, landmark_id, image_id, source, draft.metadata)

        def create(connection: Connection, now: datetime) -> ReferenceImage:
            parent = landmarks.to_change(connection, landmark_id)
            return _create(connection, parent, draft, packed, others, image_id=image_id, now=now)

        return self._once(request, create, answers.image_from_json)

    def create_images(self, new: Sequence[NewImage], *, also: AlsoOfImages | None = None) -> list[ImageOutcome]:
        """Adds reference images of photos in one transaction, but for those that something speaks against.

        A photo that its landmark has already is not added again, and of one that another landmark has, that is told in
        ``duplicates``. The photos must be in the image store before.

        Args:
            new: In the order in which they are to be added; an empty id is made from the photo's hash.
            also: Done in the same transaction, with what became of each.

        Returns:
            What became of each.

        Raises:
            InvalidArgumentError: If a field of one breaks the contract; nothing is added.
            FeatureSetError: If one has no features; nothing is added.
            NotCoveredError: If one has none by a release that is served or prepared; nothing is added.
        """
        for one in new:
            limits.check_image_draft(one.draft)
        packed = [_packed(one.draft) for one in new]
        outcomes = []
        parents: dict[str, landmarks.StoredLandmark] = {}  # they stay as they are for the transaction
        with self._database.write() as connection:
            now = datetime.now(UTC)
            for one, (message, others) in zip(new, packed, strict=True):
                try:
                    parent = parents.get(one.landmark_id) or landmarks.to_change(connection, one.landmark_id)
                    parents[one.landmark_id] = parent
                    there = reference_images.of_photo_in(connection, parent, one.draft.sha256)
                    if there is not None:
                        outcomes.append(ImageOutcome(there, there_already=True))
                        continue
                    image_id = one.image_id or ids.image_id_of_photo(one.draft.sha256)
                    draft = replace(one.draft, duplicates=_with_same_photo(connection, one.draft))
                    image = _create(connection, parent, draft, message, others, image_id=image_id, now=now)
                except (NotFoundError, FailedPreconditionError, AlreadyExistsError) as error:  # before it wrote
                    outcomes.append(ImageOutcome(error=error))
                else:
                    outcomes.append(ImageOutcome(image))
            if also is not None:
                also(connection, outcomes)
        return outcomes

    def image_of_photo(self, landmark_id: str, sha256: str, *, image_id: str = "") -> ReferenceImage | None:
        """What :meth:`create_images` would find there already; None if it would add the photo.

        Raises:
            InvalidArgumentError: If an id or the SHA-256 (hex) is malformed.
            NotFoundError: If there is no such landmark.
            FailedPreconditionError: If it is deleted.
            AlreadyExistsError: If another image has the id, or a deleted one.
        """
        check_id(landmark_id, "landmark_id")
        limits.check_sha256(sha256)
        if image_id:
            check_id(image_id, "image_id")
        with self._database.read() as connection:
            parent = landmarks.to_change(connection, landmark_id)
            there = reference_images.of_photo_in(connection, parent, sha256)
            if there is None:
                reference_images.check_free(connection, parent, image_id or ids.image_id_of_photo(sha256))
        return there

    def replayed_image(
        self,
        landmark_id: str,
        *,
        source: str | FeatureSet,
        metadata: Mapping[str, str] | None = None,
        image_id: str = "",
        request_id: str = "",
    ) -> ReferenceImage | None:
        """What to know of a :meth:`create_image` before the expensive part: the extraction, and the duplicates.

        Call it with what the draft is going to hold; ``source`` is the SHA-256 of its photo in hex, or its features if
        there is no photo. Returns the first answer if the request is a repeat; there is
        nothing more to do then. Returns None if the image is new; everything that ``create_image`` refuses, but for
        its features, has then been checked. ``create_image`` checks again, so two of these at once do no harm.

        Raises:
            InvalidArgumentError: If a field breaks the contract, or the request id was used with other content.
            NotFoundError: If there is no such landmark.
            FailedPreconditionError: If it is deleted.
            AlreadyExistsError: If the id is taken.
        """
        content = {"photo": source} if isinstance(source, str) else {"features": features_digest(wire.pack(source))}
        if isinstance(source, str):
            limits.check_sha256(source)
        metadata = metadata or {}
        limits.check_metadata(metadata)
        request = image_request(request_id, landmark_id, image_id, content, metadata)
        with self._database.read() as connection:
            answer = request.answer(connection)
            if answer is not None:
                return answers.image_from_json(answer)
            parent = landmarks.to_change(connection, landmark_id)
            if image_id:
                reference_images.check_free(connection, parent, image_id)
        return None

    def get_image(self, landmark_id: str, image_id: str) -> ReferenceImage:
        """The reference image of that id.

        Raises:
            NotFoundError: If there is none.
        """
        check_id(landmark_id, "landmark_id")
        check_id(image_id, "image_id")
        with self._database.read() as connection:
            return reference_images.get(connection, landmark_id, image_id)

    def list_images(
        self,
        landmark_id: str,
        page_size: int = pages.DEFAULT_PAGE_SIZE,
        page_token: str = "",
        *,
        filter: str = "",
        order_by: str = "",
        show_deleted: bool = False,
    ) -> Page[ReferenceImage]:
        """A page of the reference images of a landmark, as :class:`pages.ListRequest` says.

        Raises:
            NotFoundError: If there is no such landmark.
        """
        check_id(landmark_id, "landmark_id")
        request = pages.ListRequest(page_size, page_token, filter, order_by, show_deleted)
        collection = f"{landmarks.resource_name(landmark_id)}/images"
        listing = pages.Listing(collection, request, reference_images.FILTERS, reference_images.ORDERS)
        with self._database.read() as connection:
            return reference_images.listed(connection, landmarks.get(connection, landmark_id), listing)

    def update_image(
        self,
        landmark_id: str,
        image_id: str,
        *,
        metadata: Mapping[str, str] | None = None,
        capture_location: LatLng | Unset | None = UNSET,
        capture_time: str | None = None,
        etag: str = "",
        request_id: str = "",
    ) -> ReferenceImage:
        """Sets the fields that are given; a location of None and a time of "" stand for not known.

        Raises:
            InvalidArgumentError: If a field breaks the contract.
            NotFoundError: If there is no such reference image.
            FailedPreconditionError: If it or its landmark is deleted.
            AbortedError: If ``etag`` is neither empty nor current.
        """
        check_id(landmark_id, "landmark_id")
        check_id(image_id, "image_id")
        columns: dict[str, Any] = {}
        if metadata is not None:
            limits.check_metadata(metadata)
            columns["metadata"] = dict(metadata)
        if capture_location is not UNSET:
            limits.check_location(capture_location, "capture_location")
            columns.update(reference_images.capture_columns(capture_location))
        if capture_time is not None:
            columns["capture_time"] = limits.check_capture_time(capture_time)
        content = {"landmark": landmark_id, "id": image_id, "etag": etag, "set": columns}
        return self._once(
            Request.of("UpdateReferenceImage", request_id, content),
            lambda connection, _now: reference_images.update(connection, landmark_id, image_id, columns, etag),
            answers.image_from_json,
        )

    def delete_image(self, landmark_id: str, image_id: str, *, etag: str = "", request_id: str = "") -> None:
        """Deletes a reference image.

        It is kept for the retention period and never found meanwhile. Without a retention period it is gone for good;
        its photo in the image store stays even then, see :meth:`photos_in_use`.

        Raises:
            NotFoundError: If there is no such reference image, or it is deleted already.
            FailedPreconditionError: If its landmark is deleted.
            AbortedError: If ``etag`` is neither empty nor current.
        """
        check_id(landmark_id, "landmark_id")
        check_id(image_id, "image_id")

        def delete(connection: Connection, now: datetime) -> None:
            reference_images.delete(connection, landmark_id, image_id, etag, now, now + self._retention)

        content = {"landmark": landmark_id, "id": image_id, "etag": etag}
        self._once(Request.of("DeleteReferenceImage", request_id, content), delete, lambda _answer: None)

    def delete_images(self, names: Sequence[tuple[str, str]], *, request_id: str = "") -> None:
        """Deletes reference images, given by the ids of landmark and image, as :meth:`delete_image` does: all or none.

        Raises:
            InvalidArgumentError: If there are none or more than 100.
            NotFoundError: If one is not there, is deleted already or is given twice.
            FailedPreconditionError: If the landmark of one is deleted.
        """
        check_batch(names, "names")

        def delete(connection: Connection, now: datetime) -> None:
            for number, (landmark_id, image_id) in enumerate(names):
                with numbered("names", number):
                    reference_images.delete(connection, landmark_id, image_id, "", now, now + self._retention)

        content = {"names": [list(name) for name in names]}
        self._once(Request.of("BatchDeleteReferenceImages", request_id, content), delete, lambda _answer: None)

    def undelete_image(
        self, landmark_id: str, image_id: str, *, etag: str = "", request_id: str = ""
    ) -> ReferenceImage:
        """Brings a reference image back.

        Raises:
            NotFoundError: If there is no such reference image (any more).
            AlreadyExistsError: If it is not deleted.
            FailedPreconditionError: If its landmark is deleted.
            AbortedError: If ``etag`` is neither empty nor current.
        """
        check_id(landmark_id, "landmark_id")
        check_id(image_id, "image_id")
        content = {"landmark": landmark_id, "id": image_id, "etag": etag}
        return self._once(
            Request.of("UndeleteReferenceImage", request_id, content),
            lambda connection, _now: reference_images.undelete(connection, landmark_id, image_id, etag),
            answers.image_from_json,
        )

    def images(self, keys: Iterable[int]) -> dict[int, ReferenceImage]:
        """Searchable reference images by key, in one query; those that are not there are left out."""
        return lookups.by_key(self._database, lookups.image_keys(keys), reference_images.of_keys)

    def images_of_photo(self, sha256: str) -> list[ReferenceImage]:
        """Searchable reference images that were made from the file of that SHA-256 (hex), the oldest first."""
        limits.check_sha256(sha256)
        with self._database.read() as connection:
            return reference_images.of_photo(connection, sha256)

    def image_keys(self, within: Restriction) -> ImageSelection:
        """Keys, and regions, of the searchable reference images of all landmarks that a search is limited to."""
        with self._database.read() as connection:
            return allowed_images(connection, within)

    def features(self, keys: Iterable[int], model: str = "") -> dict[int, FeatureSet]:
        """Features by image key, of one state, as rounded by the wire; images that do not have such are left out.

        Args:
            keys: Of the images.
            model: Name of the model release that made them; empty: for each image, the one that it was added with.
        """
        return lookups.by_key(
            self._database,
            lookups.image_keys(keys),
            lambda connection, some: features.of_images(connection, some, model),
        )

    def photos_in_use(self, digests: Iterable[str]) -> set[str]:
        """Those of the SHA-256 digests (hex) that a reference image, or a photo of a discovery, refers to.

        Other photos may be deleted, as long as nobody is between storing a photo and referring to it.
        """
        found = lookups.by_key(
            self._database,
            digests,
            lambda connection, some: dict.fromkeys(reference_images.photos_in_use(connection, some), True),
        )
        return set(found)

    def count_identified(self, counts: Mapping[int, int]) -> None:
        """Adds to the number of answers that images have supported, by key; those that are gone are left out."""
        known = {key: more for key, more in counts.items() if 0 < key <= lookups.MAX_KEY}
        if known:
            with self._database.write() as connection:
                reference_images.count_identified(connection, known)


def _with_same_photo(connection: Connection, draft: ImageDraft) -> list[Duplicate]:
    """The duplicates of a draft, with those that were made from the same file before the others."""
    same = reference_images.of_photo(connection, draft.sha256)
    found = [Duplicate(image.landmark_id, image.id, DuplicateKind.SAME_PHOTO) for image in same]
    return found + [duplicate for duplicate in draft.duplicates if duplicate.kind is not DuplicateKind.SAME_PHOTO]


def _packed(draft: ImageDraft) -> tuple[FeatureSetMessage, dict[str, FeatureSetMessage]]:
    """The features of a draft, and those by other releases, as they are stored."""
    return wire.pack(draft.features), {one.model: wire.pack(one) for one in draft.others}


def _create(
    connection: Connection,
    parent: landmarks.StoredLandmark,
    draft: ImageDraft,
    packed: FeatureSetMessage,
    others: Mapping[str, FeatureSetMessage],
    *,
    image_id: str,
    now: datetime,
) -> ReferenceImage:
    draft, (packed, others) = served_releases.covered(connection, draft, (packed, others))
    image = reference_images.create(connection, parent, draft, packed, image_id=image_id, now=now)
    for model, features_by_it in others.items():
        releases.store(connection, image.key, features_by_it, model)
    return image
