"""``steeple.v1.CatalogService``."""

from __future__ import annotations

from typing import Any

import grpc

from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError
from steeple.server.api import catalog_batches, catalog_map, conversion, coverage, undo
from steeple.server.api.kinds import CHANGE, THUMBNAIL, kind_of_photo
from steeple.server.api.names import check_chosen_id, parse_image, parse_landmark
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import duplicate_message, image_message, landmark_message, read_duplicate_policy
from steeple.server.api.status import FIELD, about
from steeple.server.catalogue import UNSET
from steeple.server.engine import Engine
from steeple.v1 import catalog_service_pb2, catalog_service_pb2_grpc, landmark_pb2

Context = grpc.aio.ServicerContext[Any, Any]


class CatalogService(catalog_service_pb2_grpc.CatalogServiceServicer):
    """Keeps the catalogue of landmarks and their reference images.

    Args:
        readiness: Where the engine is.
        calls: Threads for what only reads and writes the catalogue.
        queries: Threads that extract, shared with the queries.
    """

    def __init__(self, readiness: Readiness, calls: Pool, queries: Pool) -> None:
        self._readiness = readiness
        self._calls = calls
        self._queries = queries

    async def CreateLandmark(  # noqa: N802
        self, request: catalog_service_pb2.CreateLandmarkRequest, context: Context
    ) -> catalog_service_pb2.CreateLandmarkResponse:
        """Adds a landmark."""
        landmark_id = check_chosen_id(request.landmark_id, "landmark_id")
        with conversion.within("landmark"):
            landmark = await self._calls.run(
                self._readiness.engine.catalogue.create_landmark,
                conversion.read_landmark_draft(request.landmark),
                landmark_id=landmark_id,
                request_id=request.request_id,
            )
        return catalog_service_pb2.CreateLandmarkResponse(landmark=landmark_message(landmark))

    async def BatchCreateLandmarks(  # noqa: N802
        self, request: catalog_service_pb2.BatchCreateLandmarksRequest, context: Context
    ) -> catalog_service_pb2.BatchCreateLandmarksResponse:
        """Adds landmarks, all or none."""
        landmarks = await self._calls.run(catalog_batches.create_landmarks, self._readiness.engine, request)
        return catalog_batches.created_landmarks(landmarks)

    async def GetLandmark(  # noqa: N802
        self, request: catalog_service_pb2.GetLandmarkRequest, context: Context
    ) -> catalog_service_pb2.GetLandmarkResponse:
        """A landmark by name."""
        landmark = await self._calls.run(_landmark_with_usage, self._readiness.engine, parse_landmark(request.name))
        return catalog_service_pb2.GetLandmarkResponse(landmark=landmark)

    async def GetCoverage(  # noqa: N802
        self, request: catalog_service_pb2.GetCoverageRequest, context: Context
    ) -> catalog_service_pb2.GetCoverageResponse:
        """How well its photos cover a landmark."""
        landmark_id = parse_landmark(request.name)
        found = await coverage.look_at(landmark_id, self._readiness, self._calls, self._queries)
        return catalog_service_pb2.GetCoverageResponse(coverage=found)

    async def ListLandmarks(  # noqa: N802
        self, request: catalog_service_pb2.ListLandmarksRequest, context: Context
    ) -> catalog_service_pb2.ListLandmarksResponse:
        """Landmarks, a page at a time."""
        page = await self._calls.run(
            self._readiness.engine.catalogue.list_landmarks,
            page_size=request.page_size,
            page_token=request.page_token,
            filter=request.filter,
            order_by=request.order_by,
            show_deleted=request.show_deleted,
        )
        return catalog_service_pb2.ListLandmarksResponse(
            landmarks=[landmark_message(landmark) for landmark in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def UpdateLandmark(  # noqa: N802
        self, request: catalog_service_pb2.UpdateLandmarkRequest, context: Context
    ) -> catalog_service_pb2.UpdateLandmarkResponse:
        """Changes the named fields of a landmark."""
        update = request.landmark
        landmark_id = parse_landmark(update.name, "landmark.name")
        fields = conversion.read_update_mask(update, request.update_mask.paths)
        with conversion.within("landmark"):
            landmark = await self._calls.run(
                self._readiness.engine.ingest.update_landmark,
                landmark_id,
                display_name=update.display_name if "display_name" in fields else None,
                description=update.description if "description" in fields else None,
                location=conversion.read_location(update) if "location" in fields else UNSET,
                metadata=dict(update.metadata) if "metadata" in fields else None,
                aliases=conversion.read_aliases(update) if "aliases" in fields else None,
                labels=list(update.labels) if "labels" in fields else None,
                active=conversion.read_active(update) if "active" in fields else None,
                etag=update.etag,
                request_id=request.request_id,
            )
        return catalog_service_pb2.UpdateLandmarkResponse(landmark=landmark_message(landmark))

    async def DeleteLandmark(  # noqa: N802
        self, request: catalog_service_pb2.DeleteLandmarkRequest, context: Context
    ) -> catalog_service_pb2.DeleteLandmarkResponse:
        """Removes a landmark."""
        landmark_id = parse_landmark(request.name)
        await self._calls.run(
            self._readiness.engine.ingest.delete_landmark,
            landmark_id,
            etag=request.etag,
            force=request.force,
            request_id=request.request_id,
        )
        return catalog_service_pb2.DeleteLandmarkResponse()

    async def UndeleteLandmark(  # noqa: N802
        self, request: catalog_service_pb2.UndeleteLandmarkRequest, context: Context
    ) -> catalog_service_pb2.UndeleteLandmarkResponse:
        """Brings a landmark back."""
        landmark_id = parse_landmark(request.name)
        landmark = await self._calls.run(
            self._readiness.engine.ingest.undelete_landmark,
            landmark_id,
            etag=request.etag,
            request_id=request.request_id,
        )
        return catalog_service_pb2.UndeleteLandmarkResponse(landmark=landmark_message(landmark))

    async def BatchUpdateLandmarks(  # noqa: N802
        self, request: catalog_service_pb2.BatchUpdateLandmarksRequest, context: Context
    ) -> catalog_service_pb2.BatchUpdateLandmarksResponse:
        """Changes landmarks alike, all or none."""
        return await self._calls.run(catalog_batches.update_landmarks, self._readiness.engine, request)

    async def BatchDeleteLandmarks(  # noqa: N802
        self, request: catalog_service_pb2.BatchDeleteLandmarksRequest, context: Context
    ) -> catalog_service_pb2.BatchDeleteLandmarksResponse:
        """Removes landmarks, all or none."""
        await self._calls.run(catalog_batches.delete_landmarks, self._readiness.engine, request)
        return catalog_service_pb2.BatchDeleteLandmarksResponse()

    async def ListLandmarkClusters(  # noqa: N802
        self, request: catalog_service_pb2.ListLandmarkClustersRequest, context: Context
    ) -> catalog_service_pb2.ListLandmarkClustersResponse:
        """How many landmarks stand where."""
        return await self._calls.run(catalog_map.list_clusters, self._readiness.engine, request)

    async def CreateReferenceImage(  # noqa: N802
        self, request: catalog_service_pb2.CreateReferenceImageRequest, context: Context
    ) -> catalog_service_pb2.CreateReferenceImageResponse:
        """Adds a reference image, searchable when the call returns."""
        landmark_id = parse_landmark(request.parent, "parent")
        image_id = check_chosen_id(request.reference_image_id, "reference_image_id")
        source = _read_source(request)
        # A photo needs a thread that extracts; features must not wait behind queries that do.
        pool, kind = (self._queries, kind_of_photo(source)) if isinstance(source, bytes) else (self._calls, CHANGE)
        with (
            conversion.within("reference_image", conversion.IMAGE_FIELDS),
            about("image" if isinstance(source, bytes) else "features"),
        ):
            image = await pool.run_as(
                kind,
                self._readiness.engine.ingest.create_image,
                landmark_id,
                source,
                image_id=image_id,
                metadata=dict(request.reference_image.metadata),
                request_id=request.request_id,
                duplicate_policy=read_duplicate_policy(request.duplicate_policy),
            )
        return catalog_service_pb2.CreateReferenceImageResponse(
            reference_image=image_message(image),
            duplicates=[duplicate_message(duplicate) for duplicate in image.duplicates],
        )

    async def GetReferenceImage(  # noqa: N802
        self, request: catalog_service_pb2.GetReferenceImageRequest, context: Context
    ) -> catalog_service_pb2.GetReferenceImageResponse:
        """A reference image by name."""
        landmark_id, image_id = parse_image(request.name)
        image = await self._calls.run(self._readiness.engine.catalogue.get_image, landmark_id, image_id)
        return catalog_service_pb2.GetReferenceImageResponse(reference_image=image_message(image))

    async def ListReferenceImages(  # noqa: N802
        self, request: catalog_service_pb2.ListReferenceImagesRequest, context: Context
    ) -> catalog_service_pb2.ListReferenceImagesResponse:
        """The reference images of a landmark, a page at a time."""
        landmark_id = parse_landmark(request.parent, "parent")
        page = await self._calls.run(
            self._readiness.engine.catalogue.list_images,
            landmark_id,
            page_size=request.page_size,
            page_token=request.page_token,
            filter=request.filter,
            order_by=request.order_by,
            show_deleted=request.show_deleted,
        )
        return catalog_service_pb2.ListReferenceImagesResponse(
            reference_images=[image_message(image) for image in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def UpdateReferenceImage(  # noqa: N802
        self, request: catalog_service_pb2.UpdateReferenceImageRequest, context: Context
    ) -> catalog_service_pb2.UpdateReferenceImageResponse:
        """Changes the named fields of a reference image."""
        update = request.reference_image
        landmark_id, image_id = parse_image(update.name, "reference_image.name")
        fields = conversion.read_update_mask(update, request.update_mask.paths)
        with conversion.within("reference_image", conversion.IMAGE_FIELDS):
            image = await self._calls.run(
                self._readiness.engine.catalogue.update_image,
                landmark_id,
                image_id,
                metadata=dict(update.metadata) if "metadata" in fields else None,
                capture_location=conversion.read_capture_location(update) if "capture_location" in fields else UNSET,
                capture_time=update.capture_time if "capture_time" in fields else None,
                etag=update.etag,
                request_id=request.request_id,
            )
        return catalog_service_pb2.UpdateReferenceImageResponse(reference_image=image_message(image))

    async def DeleteReferenceImage(  # noqa: N802
        self, request: catalog_service_pb2.DeleteReferenceImageRequest, context: Context
    ) -> catalog_service_pb2.DeleteReferenceImageResponse:
        """Removes a reference image; it is not found any more when the call returns."""
        landmark_id, image_id = parse_image(request.name)
        await self._calls.run(
            self._readiness.engine.ingest.delete_image,
            landmark_id,
            image_id,
            etag=request.etag,
            request_id=request.request_id,
        )
        return catalog_service_pb2.DeleteReferenceImageResponse()

    async def BatchDeleteReferenceImages(  # noqa: N802
        self, request: catalog_service_pb2.BatchDeleteReferenceImagesRequest, context: Context
    ) -> catalog_service_pb2.BatchDeleteReferenceImagesResponse:
        """Removes reference images, all or none."""
        await self._calls.run(catalog_batches.delete_images, self._readiness.engine, request)
        return catalog_service_pb2.BatchDeleteReferenceImagesResponse()

    async def UndeleteReferenceImage(  # noqa: N802
        self, request: catalog_service_pb2.UndeleteReferenceImageRequest, context: Context
    ) -> catalog_service_pb2.UndeleteReferenceImageResponse:
        """Brings a reference image back, searchable when the call returns."""
        landmark_id, image_id = parse_image(request.name)
        image = await self._calls.run(
            self._readiness.engine.ingest.undelete_image,
            landmark_id,
            image_id,
            etag=request.etag,
            request_id=request.request_id,
        )
        return catalog_service_pb2.UndeleteReferenceImageResponse(reference_image=image_message(image))

    async def UndoChange(  # noqa: N802
        self, request: catalog_service_pb2.UndoChangeRequest, context: Context
    ) -> catalog_service_pb2.UndoChangeResponse:
        """Puts a change back; searches heed it when the call returns."""
        return await self._calls.run(undo.undo_change, self._readiness.engine, request)

    async def GetReferenceImageThumbnail(  # noqa: N802
        self, request: catalog_service_pb2.GetReferenceImageThumbnailRequest, context: Context
    ) -> catalog_service_pb2.GetReferenceImageThumbnailResponse:
        """The photo made small."""
        landmark_id, image_id = parse_image(request.name)
        # On a thread that extracts: decoding a photo takes memory, and so may not be done by many at once.
        ingest = self._readiness.engine.ingest
        image = await self._queries.run_as(THUMBNAIL, ingest.thumbnail, landmark_id, image_id)
        return catalog_service_pb2.GetReferenceImageThumbnailResponse(image=image)

    async def DownloadReferenceImage(  # noqa: N802
        self, request: catalog_service_pb2.DownloadReferenceImageRequest, context: Context
    ) -> catalog_service_pb2.DownloadReferenceImageResponse:
        """The photo, without metadata unless the original is asked for."""
        landmark_id, image_id = parse_image(request.name)
        photo, media_type = await self._calls.run(
            self._readiness.engine.ingest.photo, landmark_id, image_id, original=request.original
        )
        return catalog_service_pb2.DownloadReferenceImageResponse(image=photo, media_type=media_type)


def _read_source(request: catalog_service_pb2.CreateReferenceImageRequest) -> FeatureSet | bytes:
    match request.WhichOneof("source"):
        case "features":
            return conversion.read_features(request.features, "features")
        case "image":
            return request.image
    raise InvalidArgumentError("a reference image needs a source: set image or features", **{FIELD: "source"})


def _landmark_with_usage(engine: Engine, landmark_id: str) -> landmark_pb2.Landmark:
    """On a thread of the pool, all of it."""
    message = landmark_message(engine.catalogue.get_landmark(landmark_id))
    for month, identified in engine.usage.of_landmark(landmark_id):
        message.usage.add(month=month, identified_count=identified)
    return message
