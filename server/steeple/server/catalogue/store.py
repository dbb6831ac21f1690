"""The catalogue: one object, all calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, InvalidArgumentError, SteepleError
from steeple.server.catalogue import answers, changes, features, landmarks, limits, lookups, pages, reference_images
from steeple.server.catalogue.audit import record as record_in_audit_log
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.etags import check_etag
from steeple.server.catalogue.ids import check_id
from steeple.server.catalogue.migrate import upgrade
from steeple.server.catalogue.records import (
    UNSET,
    Change,
    ImageDraft,
    Landmark,
    LandmarkDraft,
    LatLng,
    Page,
    ReferenceImage,
    Unset,
)
from steeple.server.catalogue.requests import Request, features_digest, image_request
from steeple.server.catalogue.restriction import Restriction, allowed_images

_RecordT = TypeVar("_RecordT", bound=Landmark | ReferenceImage | None)

_IMAGES_PER_BATCH: Final = 64  # about 3 MB of features


class Catalogue:
    """Landmarks, reference images and their features: the only source of truth.

    Thread-safe and synchronous. A call that returned is on the disk: it survives ``kill -9`` and a power cut. A call
    that raised has changed nothing. Readers are never held up by writers; writers take turns.

    Every call may raise UnavailableError (the database cannot be reached or is locked by another process for half a
    minute, or the catalogue is closed), ResourceExhaustedError (the disk is full) and DataLossError (the database is
    damaged). Ids, drafts, etags, page tokens and request ids that break the contract raise InvalidArgumentError whose
    ``metadata["field"]`` names the culprit; not found, taken and changed resources are named in
    ``metadata["resource"]``.

    A call with a ``request_id`` can be repeated: the repeat does nothing and gets the first answer, even if the
    resource has been changed or deleted since. Failed calls are not kept, so they can be repeated in earnest.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    def open(url: str) -> Catalogue:
        """Opens the catalogue at a SQLAlchemy URL, making or migrating its tables as needed.

        Args:
            url: Such as ``sqlite:////var/lib/steeple/catalogue.db``; the folder is made if it is missing.

        Raises:
            InvalidArgumentError: If the URL is not one or names no file.
            FailedPreconditionError: If the database is of a newer Steeple, of another application or not accessible.
            DataLossError: If the file is damaged or is not a database.
        """
        database = Database(url)
        try:
            with database.write() as connection:
                upgrade(connection)
        except SteepleError:
            database.close()
            raise
        return Catalogue(database)

    @property
    def database(self) -> Database:
        """Where keys, their usage and the audit log are kept too."""
        return self._database

    def close(self) -> None:
        """Closes the database; later calls raise UnavailableError."""
        self._database.close()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Landmarks

    def create_landmark(self, draft: LandmarkDraft, *, landmark_id: str = "", request_id: str = "") -> Landmark:
        """Adds a landmark; an empty id is chosen after its display name.

        Raises:
            InvalidArgumentError: If a field breaks the contract.
            AlreadyExistsError: If the id is taken.
        """
        limits.check_landmark_draft(draft)
        if landmark_id:
            check_id(landmark_id, "landmark_id")
        content = {"id": landmark_id, **answers.landmark_draft_to_json(draft)}
        return self._once(
            Request.of("CreateLandmark", request_id, content),
            lambda connection, now: landmarks.create(connection, draft, landmark_id, now),
            answers.landmark_from_json,
        )

    def get_landmark(self, landmark_id: str) -> Landmark:
        """The landmark of that id.

        Raises:
            NotFoundError: If there is none.
        """
        check_id(landmark_id, "landmark_id")
        with self._database.read() as connection:
            return landmarks.get(connection, landmark_id).landmark

    def list_landmarks(self, page_size: int = pages.DEFAULT_PAGE_SIZE, page_token: str = "") -> Page[Landmark]:
        """A page of all landmarks, by id. A size of 0 stands for 50, more than 1000 for 1000."""
        size = pages.check_page_size(page_size)
        last_id = pages.decode_page_token("landmarks", page_token)
        with self._database.read() as connection:
            found = landmarks.after(connection, last_id, size + 1)
            total = landmarks.count(connection)
        return pages.make_page(found, size, "landmarks", total)

    def update_landmark(
        self,
        landmark_id: str,
        *,
        display_name: str | None = None,
        description: str | None = None,
        location: LatLng | Unset | None = UNSET,
        metadata: Mapping[str, str] | None = None,
        etag: str = "",
        request_id: str = "",
    ) -> Landmark:
        """Sets the fields that are given; a location of None takes it off the map, metadata is replaced as a whole.

        Raises:
            NotFoundError: If there is no such landmark.
            AbortedError: If ``etag`` is neither empty nor current.
        """
        check_id(landmark_id, "landmark_id")
        columns: dict[str, Any] = {}
        if display_name is not None:
            limits.check_display_name(display_name)
            columns["display_name"] = display_name
        if description is not None:
            limits.check_description(description)
            columns["description"] = description
        if location is not UNSET:
            limits.check_location(location)
            columns.update(landmarks.location_columns(location))
        if metadata is not None:
            limits.check_metadata(metadata)
            columns["metadata"] = dict(metadata)

        def update(connection: Connection, now: datetime) -> Landmark:
            stored = landmarks.get(connection, landmark_id)
            check_etag(etag, stored.landmark.etag, landmarks.resource_name(landmark_id))
            return landmarks.update(connection, stored, columns, now)

        request = Request.of("UpdateLandmark", request_id, {"id": landmark_id, "etag": etag, "set": columns})
        return self._once(request, update, answers.landmark_from_json)

    def delete_landmark(self, landmark_id: str, *, etag: str = "", force: bool = False, request_id: str = "") -> None:
        """Deletes a landmark and, with ``force``, its reference images.

        Photos in the image store stay; see :meth:`photos_in_use`.

        Raises:
            NotFoundError: If there is no such landmark.
            AbortedError: If ``etag`` is neither empty nor current.
            FailedPreconditionError: If it has reference images and ``force`` is not set.
        """
        check_id(landmark_id, "landmark_id")

        def delete(connection: Connection, _now: datetime) -> None:
            stored = landmarks.get(connection, landmark_id)
            check_etag(etag, stored.landmark.etag, landmarks.resource_name(landmark_id))
            landmarks.delete(connection, stored, force=force)

        request = Request.of("DeleteLandmark", request_id, {"id": landmark_id, "etag": etag, "force": force})
        self._once(request, delete, lambda _answer: None)

    def landmarks(self, landmark_ids: Iterable[str]) -> dict[str, Landmark]:
        """Landmarks by id, in one query; those that do not exist are left out."""
        return lookups.by_key(self._database, landmark_ids, landmarks.of_ids)

    # Reference images

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
            AlreadyExistsError: If the id is taken.
        """
        limits.check_image_draft(draft)
        packed = wire.pack(draft.features)
        source = {"photo": draft.sha256} if draft.sha256 else {"features": features_digest(packed)}
        request = image_request(request_id, landmark_id, image_id, source, draft.metadata)
        return self._once(
            request,
            lambda connection, now: reference_images.create(
                connection, landmarks.get(connection, landmark_id), draft, packed, image_id=image_id, now=now
            ),
            answers.image_from_json,
        )

    def replayed_image(
        self,
        landmark_id: str,
        *,
        sha256: str,
        metadata: Mapping[str, str] | None = None,
        image_id: str = "",
        request_id: str = "",
    ) -> ReferenceImage | None:
        """What to know of a :meth:`create_image` before the expensive extraction from its photo.

        Call it with what the draft is going to hold. Returns the first answer if the request is a repeat; there is
        nothing more to do then. Returns None if the image is new; everything that ``create_image`` refuses, but for
        its features, has then been checked. ``create_image`` checks again, so two of these at once do no harm.

        Raises:
            InvalidArgumentError: If a field breaks the contract, or the request id was used with other content.
            NotFoundError: If there is no such landmark.
            AlreadyExistsError: If the id is taken.
        """
        limits.check_sha256(sha256)
        metadata = metadata or {}
        limits.check_metadata(metadata)
        request = image_request(request_id, landmark_id, image_id, {"photo": sha256}, metadata)
        with self._database.read() as connection:
            answer = request.answer(connection)
            if answer is not None:
                return answers.image_from_json(answer)
            parent = landmarks.get(connection, landmark_id)
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
        self, landmark_id: str, page_size: int = pages.DEFAULT_PAGE_SIZE, page_token: str = ""
    ) -> Page[ReferenceImage]:
        """A page of the reference images of a landmark, by id. A size of 0 stands for 50, more than 1000 for 1000.

        Raises:
            NotFoundError: If there is no such landmark.
        """
        check_id(landmark_id, "landmark_id")
        size = pages.check_page_size(page_size)
        collection = f"{landmarks.resource_name(landmark_id)}/images"
        last_id = pages.decode_page_token(collection, page_token)
        with self._database.read() as connection:
            parent = landmarks.get(connection, landmark_id)
            found = reference_images.after(connection, parent, last_id, size + 1)
        return pages.make_page(found, size, collection, parent.landmark.reference_image_count)

    def delete_image(self, landmark_id: str, image_id: str, *, etag: str = "", request_id: str = "") -> None:
        """Deletes a reference image with its features.

        Its photo in the image store stays; see :meth:`photos_in_use`.

        Raises:
            NotFoundError: If there is no such reference image.
            AbortedError: If ``etag`` is neither empty nor current.
        """
        check_id(landmark_id, "landmark_id")
        check_id(image_id, "image_id")

        def delete(connection: Connection, _now: datetime) -> None:
            image = reference_images.get(connection, landmark_id, image_id)
            check_etag(etag, image.etag, reference_images.image_resource_name(landmark_id, image_id))
            reference_images.delete(connection, image)

        content = {"landmark": landmark_id, "id": image_id, "etag": etag}
        self._once(Request.of("DeleteReferenceImage", request_id, content), delete, lambda _answer: None)

    def images(self, keys: Iterable[int]) -> dict[int, ReferenceImage]:
        """Reference images by key, in one query; those that do not exist are left out."""
        return lookups.by_key(self._database, lookups.image_keys(keys), reference_images.of_keys)

    def image_keys(self, within: Restriction) -> list[int]:
        """Keys of the reference images of all landmarks that a search may find."""
        with self._database.read() as connection:
            return allowed_images(connection, within)

    def features(self, keys: Iterable[int]) -> dict[int, FeatureSet]:
        """Features by image key, in one query, as rounded by the wire; images that do not exist are left out."""
        return lookups.by_key(self._database, lookups.image_keys(keys), features.of_images)

    def photos_in_use(self, digests: Iterable[str]) -> set[str]:
        """Those of the SHA-256 digests (hex) that some reference image refers to; other photos may be deleted.

        Nobody may be between storing a photo and :meth:`create_image` while photos are deleted on this ground.
        """
        found = lookups.by_key(
            self._database,
            digests,
            lambda connection, some: dict.fromkeys(reference_images.photos_in_use(connection, some), True),
        )
        return set(found)

    # History and totals, for indexes

    def sequence(self) -> int:
        """Number of the last change of the gallery; 0 before the first."""
        with self._database.read() as connection:
            return changes.latest(connection)

    def changes_since(self, sequence: int, limit: int = 1000) -> list[Change]:
        """The first ``limit`` changes after ``sequence``, ascending; empty if there are none.

        An added image may have been removed by a later change, and its features with it.

        Raises:
            InvalidArgumentError: If ``sequence`` is negative or ``limit`` is not positive.
            FailedPreconditionError: If ``sequence`` lies in the future: what is current up to it belongs to another
                catalogue, or this one was restored from an older backup; build it anew.
        """
        if sequence < 0:
            raise InvalidArgumentError(f"sequence must not be negative, not {sequence}", field="sequence")
        if limit < 1:
            raise InvalidArgumentError(f"limit must be at least 1, not {limit}", field="limit")
        with self._database.read() as connection:
            latest = changes.latest(connection)
            if sequence > latest:
                raise FailedPreconditionError(
                    f"the catalogue is at change {latest}, before {sequence}: it was replaced or restored; "
                    "rebuild the index from it"
                )
            return changes.since(connection, sequence, min(limit, lookups.MAX_KEY))

    def image_count(self) -> int:
        """Number of reference images."""
        with self._database.read() as connection:
            return reference_images.count(connection)

    def descriptor_count(self, model: str) -> int:
        """Number of descriptors of all reference images of a model release."""
        with self._database.read() as connection:
            return reference_images.descriptor_count(connection, model)

    def iterate_features(self, model: str, after_key: int = 0) -> Iterator[tuple[int, FeatureSet]]:
        """Key and features of every reference image of a model release, in key order.

        Reads in batches, each of them one state of the catalogue. To rebuild an index: note :meth:`sequence`, iterate,
        then apply the changes since. Those of images that were seen already must do no harm when applied again.
        """
        while True:
            with self._database.read() as connection:
                batch = features.of_model(connection, model, after_key, _IMAGES_PER_BATCH)
            yield from batch
            if len(batch) < _IMAGES_PER_BATCH:
                return
            after_key = batch[-1][0]

    def _once(
        self,
        request: Request,
        action: Callable[[Connection, datetime], _RecordT],
        first_answer: Callable[[Mapping[str, Any]], _RecordT],
    ) -> _RecordT:
        with self._database.write() as connection:
            answer = request.answer(connection)
            if answer is not None:
                return first_answer(answer)
            now = datetime.now(UTC)
            record = action(connection, now)
            request.remember(connection, answers.to_json(record), now)
            record_in_audit_log(connection, now, record)
        return record
