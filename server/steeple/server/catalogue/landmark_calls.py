"""The calls of the catalogue that are about landmarks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from steeple.server.catalogue import answers, landmarks, limits, lookups, map_view, pages
from steeple.server.catalogue.batches import check_batch, numbered
from steeple.server.catalogue.ids import check_id
from steeple.server.catalogue.records import UNSET, Landmark, LandmarkDraft, LatLng, Page, Unset
from steeple.server.catalogue.requests import Request
from steeple.server.catalogue.transactions import Also, Transactions


class LandmarkCalls(Transactions):
    """The part of the catalogue that keeps landmarks."""

    def create_landmark(self, draft: LandmarkDraft, *, landmark_id: str = "", request_id: str = "") -> Landmark:
        """Adds a landmark; an empty id is chosen after its display name.

        Raises:
            InvalidArgumentError: If a field breaks the contract.
            AlreadyExistsError: If the id is taken.
        """
        draft = limits.checked_landmark_draft(draft)
        if landmark_id:
            check_id(landmark_id, "landmark_id")
        content = {"id": landmark_id, **answers.landmark_draft_to_json(draft)}
        return self._once(
            Request.of("CreateLandmark", request_id, content),
            lambda connection, now: landmarks.create(connection, draft, landmark_id, now),
            answers.landmark_from_json,
        )

    def create_landmarks(
        self, drafts: Sequence[tuple[LandmarkDraft, str]], *, request_id: str = "", also: Also | None = None
    ) -> tuple[Landmark, ...]:
        """Adds landmarks, all or none: drafts and their ids, of which empty ones are chosen.

        Args:
            drafts: 1 to 100.
            request_id: A repeat gets the first answer.
            also: Done in the same transaction.

        Raises:
            InvalidArgumentError: If there are none or more than 100, or a field breaks the contract.
            AlreadyExistsError: If an id is taken, or given twice.
        """
        check_batch(drafts, "requests")
        checked: list[tuple[LandmarkDraft, str]] = []
        for number, (draft, landmark_id) in enumerate(drafts):
            with numbered("requests", number):
                if landmark_id:
                    check_id(landmark_id, "landmark_id")
                checked.append((limits.checked_landmark_draft(draft), landmark_id))

        def create(connection: Connection, now: datetime) -> tuple[Landmark, ...]:
            created = []
            for number, (draft, landmark_id) in enumerate(checked):
                with numbered("requests", number):
                    created.append(landmarks.create(connection, draft, landmark_id, now))
            return tuple(created)

        content = {"landmarks": [[one, answers.landmark_draft_to_json(draft)] for draft, one in checked]}
        request = Request.of("BatchCreateLandmarks", request_id, content)
        return self._once(request, create, answers.landmarks_from_json, also)

    def get_landmark(self, landmark_id: str) -> Landmark:
        """The landmark of that id.

        Raises:
            NotFoundError: If there is none.
        """
        check_id(landmark_id, "landmark_id")
        with self._database.read() as connection:
            return landmarks.get(connection, landmark_id).landmark

    def list_landmarks(
        self,
        page_size: int = pages.DEFAULT_PAGE_SIZE,
        page_token: str = "",
        *,
        filter: str = "",
        order_by: str = "",
        show_deleted: bool = False,
    ) -> Page[Landmark]:
        """A page of landmarks, as :class:`pages.ListRequest` says."""
        request = pages.ListRequest(page_size, page_token, filter, order_by, show_deleted)
        listing = pages.Listing("landmarks", request, landmarks.FILTERS, landmarks.ORDERS, landmarks.COUNTING_FILTERS)
        with self._database.read() as connection:
            return landmarks.listed(connection, listing)

    def map_landmarks(
        self, filter: str = "", bounds: map_view.Bounds = map_view.EVERYWHERE, zoom: int = 0
    ) -> map_view.LandmarkMap:
        """How many landmarks stand where, as :func:`map_view.clusters` says."""
        with self._database.read() as connection:
            return map_view.clusters(connection, filter, bounds, zoom)

    def update_landmark(
        self,
        landmark_id: str,
        *,
        display_name: str | None = None,
        description: str | None = None,
        location: LatLng | Unset | None = UNSET,
        metadata: Mapping[str, str] | None = None,
        aliases: Mapping[str, Sequence[str]] | None = None,
        labels: Collection[str] | None = None,
        active: bool | None = None,
        etag: str = "",
        request_id: str = "",
    ) -> Landmark:
        """Sets the fields that are given; a location of None takes it off the map.

        Metadata, aliases and labels are replaced as a whole.

        Raises:
            InvalidArgumentError: If a field breaks the contract.
            NotFoundError: If there is no such landmark.
            FailedPreconditionError: If it is deleted.
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
        if aliases is not None:
            columns["aliases"] = limits.check_aliases(aliases)
        if labels is not None:
            columns["labels"] = limits.check_labels(labels)
        if active is not None:
            columns["active"] = active

        def update(connection: Connection, now: datetime) -> Landmark:
            stored = landmarks.to_change(connection, landmark_id, etag)
            names = landmarks.name_columns(
                columns.get("display_name", stored.landmark.display_name),
                columns.get("aliases", stored.landmark.aliases),
            )
            return landmarks.update(connection, stored, {**columns, **names}, now)

        request = Request.of("UpdateLandmark", request_id, {"id": landmark_id, "etag": etag, "set": columns})
        return self._once(request, update, answers.landmark_from_json)

    def delete_landmark(self, landmark_id: str, *, etag: str = "", force: bool = False, request_id: str = "") -> None:
        """Deletes a landmark and, with ``force``, its reference images.

        They are kept for the retention period and never found meanwhile. Without a retention period they are gone for
        good; photos in the image store stay even then, see :meth:`photos_in_use`.

        Raises:
            NotFoundError: If there is no such landmark, or it is deleted already.
            AbortedError: If ``etag`` is neither empty nor current.
            FailedPreconditionError: If it has reference images and ``force`` is not set.
        """
        check_id(landmark_id, "landmark_id")

        def delete(connection: Connection, now: datetime) -> None:
            stored = landmarks.to_delete(connection, landmark_id, etag)
            landmarks.delete(connection, stored, force=force, now=now, expire=now + self._retention)

        request = Request.of("DeleteLandmark", request_id, {"id": landmark_id, "etag": etag, "force": force})
        self._once(request, delete, lambda _answer: None)

    def undelete_landmark(self, landmark_id: str, *, etag: str = "", request_id: str = "") -> Landmark:
        """Brings a landmark back, with the reference images that it had when it was deleted.

        Raises:
            NotFoundError: If there is no such landmark (any more).
            AlreadyExistsError: If it is not deleted.
            AbortedError: If ``etag`` is neither empty nor current.
        """
        check_id(landmark_id, "landmark_id")
        return self._once(
            Request.of("UndeleteLandmark", request_id, {"id": landmark_id, "etag": etag}),
            lambda connection, _now: landmarks.undelete(connection, landmark_id, etag),
            answers.landmark_from_json,
        )

    def landmarks(self, landmark_ids: Iterable[str]) -> dict[str, Landmark]:
        """Searchable landmarks by id, in one query; those that are not there are left out."""
        return lookups.by_key(self._database, landmark_ids, landmarks.of_ids)
