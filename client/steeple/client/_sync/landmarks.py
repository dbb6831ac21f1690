# Made from _async/landmarks.py by tools/generate_sync_client.py; do not edit.
"""Calls of the CatalogService that are about landmarks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.field_mask_pb2 import FieldMask

from steeple.client._convert import draft_message, landmark_message, landmark_name, to_landmark
from steeple.client._convert_coverage import to_coverage
from steeple.client._requests import request_id_or_new
from steeple.client._sync.connection import Connection
from steeple.client._sync.listing import Listing
from steeple.client.coverage import Coverage
from steeple.client.resources import UNSET, Landmark, LatLng, Unset
from steeple.errors import InvalidArgumentError
from steeple.v1 import catalog_service_pb2 as api


class LandmarkCalls:
    """The part of the client that keeps landmarks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_landmark(
        self,
        display_name: str,
        *,
        landmark_id: str = "",
        description: str = "",
        location: LatLng | None = None,
        metadata: Mapping[str, str] | None = None,
        aliases: Mapping[str, Sequence[str]] | None = None,
        labels: Iterable[str] = (),
        active: bool = True,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Landmark:
        """Adds a landmark.

        Args:
            display_name: What people call it; 1 to 200 characters.
            landmark_id: 1 to 63 lower-case letters, digits and hyphens; empty: the server chooses.
            description: A sentence or two; at most 10,000 characters.
            location: Where it stands.
            metadata: The application's own data; at most 64 entries.
            aliases: Other names by BCP-47 language tag, as in ``{"fr": ["Tour Eiffel"]}``.
            labels: Lower-case words for filters.
            active: Whether searches find it.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            AlreadyExistsError: If the id is taken.
            InvalidArgumentError: If a value is out of its limits.
        """
        request = api.CreateLandmarkRequest(
            landmark=landmark_message(
                display_name=display_name,
                description=description,
                location=location,
                metadata=metadata,
                aliases=aliases,
                labels=labels,
                active=active,
            ),
            landmark_id=landmark_id,
            request_id=request_id_or_new(request_id),
        )
        response = self._connection.call(self._connection.link.catalog.CreateLandmark, request, timeout=timeout)
        return to_landmark(response.landmark)

    def batch_create_landmarks(
        self, landmarks: Iterable[Landmark], *, request_id: str = "", timeout: float | None = None
    ) -> list[Landmark]:
        """Adds 1 to 100 landmarks, all or, if one is refused, none.

        Args:
            landmarks: As they are to be; of their names, an empty one lets the server choose.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            AlreadyExistsError: If an id is taken.
            InvalidArgumentError: If a value is out of its limits; the message says of which landmark.
        """
        request = api.BatchCreateLandmarksRequest(
            requests=[
                api.CreateLandmarkRequest(landmark=draft_message(landmark), landmark_id=landmark.id)
                for landmark in landmarks
            ],
            request_id=request_id_or_new(request_id),
        )
        response = self._connection.call(
            self._connection.link.catalog.BatchCreateLandmarks, request, timeout=timeout, long=True
        )
        return [to_landmark(landmark) for landmark in response.landmarks]

    def get_landmark(self, landmark: str | Landmark, *, timeout: float | None = None) -> Landmark:
        """A landmark as it is now."""
        request = api.GetLandmarkRequest(name=landmark_name(landmark))
        response = self._connection.call(self._connection.link.catalog.GetLandmark, request, timeout=timeout)
        return to_landmark(response.landmark)

    def get_coverage(self, landmark: str | Landmark, *, timeout: float | None = None) -> Coverage:
        """How well its photos cover a landmark: which of them see the same, from where and when they were taken.

        Many photos take some seconds; the server stops shortly before the call's time is over, or after half a minute,
        and says so (``partial``). Ask again then: it goes on, and remembers what it has found.

        Args:
            landmark: Which.
            timeout: Seconds; None: the client's for long calls.

        Raises:
            NotFoundError: If there is no such landmark.
        """
        request = api.GetCoverageRequest(name=landmark_name(landmark))
        response = self._connection.call(self._connection.link.catalog.GetCoverage, request, timeout=timeout, long=True)
        return to_coverage(response.coverage)

    def list_landmarks(
        self,
        *,
        filter: str = "",
        order_by: str = "",
        show_deleted: bool = False,
        page_size: int = 50,
        timeout: float | None = None,
    ) -> Listing[Landmark]:
        """Landmarks. Pages are fetched as the iterator needs them; ``timeout`` is for each.

        Args:
            filter: Only those that it is true of, such as ``'labels:museum AND reference_image_count < 5'``.
            order_by: Fields, each with or without ``" desc"``, such as ``"create_time desc"``; empty: by id.
            show_deleted: Those that are deleted too.
            page_size: How many to fetch at a time.
            timeout: Seconds; None: the client's.

        Raises:
            InvalidArgumentError: If the filter or the order is none; the message tells where it is wrong.
        """
        request = api.ListLandmarksRequest(
            page_size=page_size, filter=filter, order_by=order_by, show_deleted=show_deleted
        )
        return self._connection.listing(
            self._connection.link.catalog.ListLandmarks,
            request,
            lambda page: map(to_landmark, page.landmarks),
            timeout=timeout,
        )

    def update_landmark(
        self,
        landmark: str | Landmark,
        *,
        display_name: str | None = None,
        description: str | None = None,
        location: LatLng | Unset | None = UNSET,
        metadata: Mapping[str, str] | None = None,
        aliases: Mapping[str, Sequence[str]] | None = None,
        labels: Iterable[str] | None = None,
        active: bool | None = None,
        etag: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> Landmark:
        """Changes a landmark; what is not given stays.

        Args:
            landmark: Which.
            display_name: What people call it.
            description: A sentence or two.
            location: Where it stands; None removes it.
            metadata: All of it; an empty mapping removes it.
            aliases: All of them by language; an empty mapping removes them.
            labels: All of them; an empty list removes them.
            active: Whether searches find it; takes effect at once.
            etag: If not empty, that of the landmark as the caller knows it.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            AbortedError: If the etag is not the current one.
            InvalidArgumentError: If nothing is given, or a value is out of its limits.
        """
        given = {
            "display_name": display_name is not None,
            "description": description is not None,
            "location": not isinstance(location, Unset),
            "metadata": metadata is not None,
            "aliases": aliases is not None,
            "labels": labels is not None,
            "active": active is not None,
        }
        if not any(given.values()):
            raise InvalidArgumentError(f"nothing to update; give at least one of {', '.join(given)}")
        request = api.UpdateLandmarkRequest(
            landmark=landmark_message(
                name=landmark_name(landmark),
                display_name=display_name or "",
                description=description or "",
                location=None if isinstance(location, Unset) else location,
                metadata=metadata,
                aliases=aliases,
                labels=labels or (),
                active=active,
                etag=etag,
            ),
            update_mask=FieldMask(paths=[path for path, is_given in given.items() if is_given]),
            request_id=request_id_or_new(request_id),
        )
        response = self._connection.call(self._connection.link.catalog.UpdateLandmark, request, timeout=timeout)
        return to_landmark(response.landmark)

    def delete_landmark(
        self,
        landmark: str | Landmark,
        *,
        force: bool = False,
        etag: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> None:
        """Removes a landmark, and with ``force`` its reference images too. It can be undeleted until it expires.

        Raises:
            FailedPreconditionError: If it has reference images and ``force`` is not set.
            AbortedError: If an etag is given and not the current one.
        """
        request = api.DeleteLandmarkRequest(
            name=landmark_name(landmark), etag=etag, force=force, request_id=request_id_or_new(request_id)
        )
        self._connection.call(self._connection.link.catalog.DeleteLandmark, request, timeout=timeout, long=force)

    def undelete_landmark(
        self, landmark: str | Landmark, *, etag: str = "", request_id: str = "", timeout: float | None = None
    ) -> Landmark:
        """Brings a deleted landmark back with its reference images, searchable at once.

        Raises:
            AlreadyExistsError: If it is not deleted.
            AbortedError: If an etag is given and not the current one.
        """
        request = api.UndeleteLandmarkRequest(
            name=landmark_name(landmark), etag=etag, request_id=request_id_or_new(request_id)
        )
        response = self._connection.call(
            self._connection.link.catalog.UndeleteLandmark, request, timeout=timeout, long=True
        )
        return to_landmark(response.landmark)
