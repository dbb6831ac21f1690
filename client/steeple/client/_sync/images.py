# Made from _async/images.py by tools/generate_sync_client.py; do not edit.
"""Calls of the CatalogService that are about reference images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from google.protobuf.field_mask_pb2 import FieldMask

from steeple.client._convert import landmark_name, point_message, reference_image_name, to_reference_image
from steeple.client._photos import Photo
from steeple.client._requests import request_id_or_new
from steeple.client._sync.connection import Connection
from steeple.client._sync.listing import Listing
from steeple.client.resources import UNSET, ImageFile, Landmark, LatLng, ReferenceImage, Unset
from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError
from steeple.v1 import catalog_service_pb2 as api
from steeple.v1.landmark_pb2 import ReferenceImage as ReferenceImageMessage


class ReferenceImageCalls:
    """The part of the client that keeps reference images."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_reference_image(
        self,
        landmark: str | Landmark,
        photo: Photo,
        *,
        image_id: str = "",
        metadata: Mapping[str, str] | None = None,
        extract: bool = False,
        refuse_duplicates: bool = False,
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
            refuse_duplicates: Whether a photo that is there already, nearly so, or under another landmark is refused.
                If not, it is added, and ``duplicates`` of what is returned tells of the others.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds for the server's part; None: the client's ``long_timeout``.

        Raises:
            ImageError: If the photo cannot be used.
            AlreadyExistsError: If the id is taken, or the photo has duplicates and they are refused.
            ModelMismatchError: If the server does not serve the release that made the features.
        """
        source = self._connection.prepare(
            photo, upload=not extract and not isinstance(photo, FeatureSet), timeout=timeout
        )
        request = api.CreateReferenceImageRequest(
            parent=landmark_name(landmark),
            reference_image=ReferenceImageMessage(metadata=dict(metadata or {})),
            reference_image_id=image_id,
            request_id=request_id_or_new(request_id),
            duplicate_policy=api.DUPLICATE_POLICY_REFUSE if refuse_duplicates else api.DUPLICATE_POLICY_REPORT,
        )
        source.put_into(request)
        response = self._connection.call(
            self._connection.link.catalog.CreateReferenceImage, request, timeout=timeout, long=True
        )
        return to_reference_image(response.reference_image, response.duplicates)

    def get_reference_image(self, image: str | ReferenceImage, *, timeout: float | None = None) -> ReferenceImage:
        """A reference image as it is now."""
        request = api.GetReferenceImageRequest(name=reference_image_name(image))
        response = self._connection.call(self._connection.link.catalog.GetReferenceImage, request, timeout=timeout)
        return to_reference_image(response.reference_image)

    def list_reference_images(
        self,
        landmark: str | Landmark,
        *,
        filter: str = "",
        order_by: str = "",
        show_deleted: bool = False,
        page_size: int = 50,
        timeout: float | None = None,
    ) -> Listing[ReferenceImage]:
        """Reference images of a landmark. Pages are fetched as the iterator needs them; ``timeout`` is for each.

        Args:
            landmark: Whose.
            filter: Only those that it is true of, such as ``"quality_grade < 3"``.
            order_by: Fields, each with or without ``" desc"``, such as ``"identify_count desc"``; empty: by id.
            show_deleted: Those that are deleted too.
            page_size: How many to fetch at a time.
            timeout: Seconds; None: the client's.

        Raises:
            InvalidArgumentError: If the filter or the order is none; the message tells where it is wrong.
        """
        request = api.ListReferenceImagesRequest(
            parent=landmark_name(landmark),
            page_size=page_size,
            filter=filter,
            order_by=order_by,
            show_deleted=show_deleted,
        )
        return self._connection.listing(
            self._connection.link.catalog.ListReferenceImages,
            request,
            lambda page: map(to_reference_image, page.reference_images),
            timeout=timeout,
        )

    def update_reference_image(
        self,
        image: str | ReferenceImage,
        *,
        metadata: Mapping[str, str] | None = None,
        capture_location: LatLng | Unset | None = UNSET,
        capture_time: str | None = None,
        etag: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> ReferenceImage:
        """Changes what is said about a reference image; what is not given stays, and so do photo and features.

        Args:
            image: Which.
            metadata: All of it; an empty mapping removes it.
            capture_location: Where the photo was taken; None: it is not known.
            capture_time: When: ``2024-05-01T12:30:00``, with or without an offset; empty: it is not known.
            etag: If not empty, that of the image as the caller knows it.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            AbortedError: If the etag is not the current one.
            FailedPreconditionError: If it is deleted.
            InvalidArgumentError: If nothing is given, or a value is out of its limits.
        """
        given = {
            "metadata": metadata is not None,
            "capture_location": not isinstance(capture_location, Unset),
            "capture_time": capture_time is not None,
        }
        if not any(given.values()):
            raise InvalidArgumentError(f"nothing to update; give at least one of {', '.join(given)}")
        request = api.UpdateReferenceImageRequest(
            reference_image=ReferenceImageMessage(
                name=reference_image_name(image),
                metadata=dict(metadata or {}),
                capture_location=None if isinstance(capture_location, Unset) else point_message(capture_location),
                capture_time=capture_time or "",
                etag=etag,
            ),
            update_mask=FieldMask(paths=[path for path, is_given in given.items() if is_given]),
            request_id=request_id_or_new(request_id),
        )
        response = self._connection.call(self._connection.link.catalog.UpdateReferenceImage, request, timeout=timeout)
        return to_reference_image(response.reference_image)

    def delete_reference_image(
        self,
        image: str | ReferenceImage,
        *,
        etag: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> None:
        """Removes a reference image. It can be undeleted until it expires.

        Raises:
            AbortedError: If an etag is given and not the current one.
        """
        request = api.DeleteReferenceImageRequest(
            name=reference_image_name(image), etag=etag, request_id=request_id_or_new(request_id)
        )
        self._connection.call(self._connection.link.catalog.DeleteReferenceImage, request, timeout=timeout)

    def download_reference_image(
        self, image: str | ReferenceImage, *, original: bool = False, timeout: float | None = None
    ) -> ImageFile:
        """The photo, without metadata such as where it was taken and with what camera.

        Args:
            image: Which.
            original: The photo as it was uploaded, which takes a key that may change it.
            timeout: Seconds; None: the client's ``long_timeout``.

        Raises:
            NotFoundError: If there is none, because only its features were sent.
            PermissionDeniedError: If the original is asked for with a key that may only read.
            DataLossError: If the server has lost it.
        """
        request = api.DownloadReferenceImageRequest(name=reference_image_name(image), original=original)
        response = self._connection.call(
            self._connection.link.catalog.DownloadReferenceImage, request, timeout=timeout, long=True
        )
        return ImageFile(response.image, response.media_type)

    def batch_delete_reference_images(
        self, images: Iterable[str | ReferenceImage], *, request_id: str = "", timeout: float | None = None
    ) -> None:
        """Removes 1 to 100 reference images, all or, if one is refused, none. They can be undeleted until they expire.

        Raises:
            NotFoundError: If one is not there or deleted already; the message says which.
        """
        request = api.BatchDeleteReferenceImagesRequest(
            names=[reference_image_name(image) for image in images], request_id=request_id_or_new(request_id)
        )
        self._connection.call(
            self._connection.link.catalog.BatchDeleteReferenceImages, request, timeout=timeout, long=True
        )

    def undelete_reference_image(
        self, image: str | ReferenceImage, *, etag: str = "", request_id: str = "", timeout: float | None = None
    ) -> ReferenceImage:
        """Brings a deleted reference image back, searchable at once.

        Raises:
            AlreadyExistsError: If it is not deleted.
            FailedPreconditionError: If its landmark is deleted.
            AbortedError: If an etag is given and not the current one.
        """
        request = api.UndeleteReferenceImageRequest(
            name=reference_image_name(image), etag=etag, request_id=request_id_or_new(request_id)
        )
        response = self._connection.call(self._connection.link.catalog.UndeleteReferenceImage, request, timeout=timeout)
        return to_reference_image(response.reference_image)

    def get_reference_image_thumbnail(self, image: str | ReferenceImage, *, timeout: float | None = None) -> ImageFile:
        """The photo made small: a JPEG of at most 256 pixels a side, without metadata.

        Raises:
            NotFoundError: If there is none, because only its features were sent.
            DataLossError: If the server has lost it.
        """
        request = api.GetReferenceImageThumbnailRequest(name=reference_image_name(image))
        response = self._connection.call(
            self._connection.link.catalog.GetReferenceImageThumbnail, request, timeout=timeout
        )
        return ImageFile(response.image, "image/jpeg")
