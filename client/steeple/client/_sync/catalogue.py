# Made from _async/catalogue.py by tools/generate_sync_client.py; do not edit.
"""Calls of the CatalogService."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping

from google.protobuf.field_mask_pb2 import FieldMask

from steeple.client._convert import (
    landmark_message,
    landmark_name,
    reference_image_name,
    to_landmark,
    to_reference_image,
)
from steeple.client._photos import Photo
from steeple.client._sync.connection import Connection
from steeple.client.types import UNSET, ImageFile, Landmark, LatLng, ReferenceImage, Unset
from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError
from steeple.v1 import catalog_service_pb2 as api
from steeple.v1.landmark_pb2 import ReferenceImage as ReferenceImageMessage


class CatalogueCalls:
    """The part of the client that keeps the catalogue.

    Landmarks are given by id (``big-ben``), by name (``landmarks/big-ben``) or as what another call returned;
    reference images by name (``landmarks/big-ben/images/north``) or as returned. What a call has acknowledged is
    stored durably and searchable.

    Every change carries a ``request_id``, a UUID, with which the server recognises a repeat and gives the first
    answer again. One is made for each call unless given; give one to repeat a call whose outcome was lost.

    All raise NotFoundError for what does not exist, and what :class:`Client` says.
    """

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
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            AlreadyExistsError: If the id is taken.
            InvalidArgumentError: If a value is out of its limits.
        """
        request = api.CreateLandmarkRequest(
            landmark=landmark_message(
                display_name=display_name, description=description, location=location, metadata=metadata
            ),
            landmark_id=landmark_id,
            request_id=_request_id(request_id),
        )
        response = self._connection.call(self._connection.link.catalog.CreateLandmark, request, timeout=timeout)
        return to_landmark(response.landmark)

    def get_landmark(self, landmark: str | Landmark, *, timeout: float | None = None) -> Landmark:
        """A landmark as it is now."""
        request = api.GetLandmarkRequest(name=landmark_name(landmark))
        response = self._connection.call(self._connection.link.catalog.GetLandmark, request, timeout=timeout)
        return to_landmark(response.landmark)

    def list_landmarks(self, *, page_size: int = 50, timeout: float | None = None) -> Iterator[Landmark]:
        """All landmarks by id. Pages are fetched as the iterator needs them; ``timeout`` is for each."""
        token = ""
        while True:
            request = api.ListLandmarksRequest(page_size=_page_size(page_size), page_token=token)
            response = self._connection.call(self._connection.link.catalog.ListLandmarks, request, timeout=timeout)
            for landmark in response.landmarks:
                yield to_landmark(landmark)
            token = response.next_page_token
            if not token:
                return

    def update_landmark(
        self,
        landmark: str | Landmark,
        *,
        display_name: str | None = None,
        description: str | None = None,
        location: LatLng | Unset | None = UNSET,
        metadata: Mapping[str, str] | None = None,
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
                etag=etag,
            ),
            update_mask=FieldMask(paths=[path for path, is_given in given.items() if is_given]),
            request_id=_request_id(request_id),
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
        """Removes a landmark, and with ``force`` its reference images too.

        Raises:
            FailedPreconditionError: If it has reference images and ``force`` is not set.
            AbortedError: If an etag is given and not the current one.
        """
        request = api.DeleteLandmarkRequest(
            name=landmark_name(landmark), etag=etag, force=force, request_id=_request_id(request_id)
        )
        self._connection.call(self._connection.link.catalog.DeleteLandmark, request, timeout=timeout, long=force)

    def add_reference_image(
        self,
        landmark: str | Landmark,
        photo: Photo,
        *,
        image_id: str = "",
        metadata: Mapping[str, str] | None = None,
        extract: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> ReferenceImage:
        """Adds a photo of a landmark.

        Args:
            landmark: What it shows.
            photo: A path, an encoded image (JPEG, PNG, WebP, BMP), uint8[H, W, 3] in RGB, or its features.
            image_id: 1 to 63 lower-case letters, digits and hyphens; empty: the server chooses.
            metadata: The application's own data; at most 64 entries.
            extract: False: the photo is sent, and kept by the server. True: only its features are, made here.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds for the server's part; None: the client's ``long_timeout``.

        Raises:
            ImageError: If the photo cannot be used.
            AlreadyExistsError: If the id is taken.
            ModelMismatchError: If the server does not serve the release that made the features.
        """
        source = self._connection.prepare(
            photo, upload=not extract and not isinstance(photo, FeatureSet), timeout=timeout
        )
        request = api.CreateReferenceImageRequest(
            parent=landmark_name(landmark),
            reference_image=ReferenceImageMessage(metadata=dict(metadata or {})),
            reference_image_id=image_id,
            request_id=_request_id(request_id),
        )
        source.put_into(request)
        response = self._connection.call(
            self._connection.link.catalog.CreateReferenceImage, request, timeout=timeout, long=True
        )
        return to_reference_image(response.reference_image)

    def get_reference_image(self, image: str | ReferenceImage, *, timeout: float | None = None) -> ReferenceImage:
        """A reference image as it is now."""
        request = api.GetReferenceImageRequest(name=reference_image_name(image))
        response = self._connection.call(self._connection.link.catalog.GetReferenceImage, request, timeout=timeout)
        return to_reference_image(response.reference_image)

    def list_reference_images(
        self, landmark: str | Landmark, *, page_size: int = 50, timeout: float | None = None
    ) -> Iterator[ReferenceImage]:
        """All reference images of a landmark by id. Pages are fetched as needed; ``timeout`` is for each."""
        token = ""
        while True:
            request = api.ListReferenceImagesRequest(
                parent=landmark_name(landmark), page_size=_page_size(page_size), page_token=token
            )
            response = self._connection.call(
                self._connection.link.catalog.ListReferenceImages, request, timeout=timeout
            )
            for image in response.reference_images:
                yield to_reference_image(image)
            token = response.next_page_token
            if not token:
                return

    def delete_reference_image(
        self,
        image: str | ReferenceImage,
        *,
        etag: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> None:
        """Removes a reference image.

        Raises:
            AbortedError: If an etag is given and not the current one.
        """
        request = api.DeleteReferenceImageRequest(
            name=reference_image_name(image), etag=etag, request_id=_request_id(request_id)
        )
        self._connection.call(self._connection.link.catalog.DeleteReferenceImage, request, timeout=timeout)

    def download_reference_image(self, image: str | ReferenceImage, *, timeout: float | None = None) -> ImageFile:
        """The photo as it was uploaded.

        Raises:
            NotFoundError: If there is none, because only its features were sent.
            DataLossError: If the server has lost it.
        """
        request = api.DownloadReferenceImageRequest(name=reference_image_name(image))
        response = self._connection.call(
            self._connection.link.catalog.DownloadReferenceImage, request, timeout=timeout, long=True
        )
        return ImageFile(response.image, response.media_type)


def _request_id(given: str) -> str:
    return given or str(uuid.uuid4())


def _page_size(size: int) -> int:
    if size < 1:
        raise InvalidArgumentError(f"page_size must be at least 1, not {size}")
    return size
