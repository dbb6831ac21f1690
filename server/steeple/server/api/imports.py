"""``steeple.v1.ImportService``."""

from __future__ import annotations

from typing import Any, Final

import grpc

from steeple.errors import InvalidArgumentError
from steeple.server.api.names import check_path, parse_upload
from steeple.server.api.operations import operation_message
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import read_duplicate_policy
from steeple.server.api.status import FIELD, about
from steeple.server.duplicates import DuplicatePolicy
from steeple.server.importing import ImportOptions, OnExisting
from steeple.v1 import import_service_pb2 as api
from steeple.v1 import import_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

_POLICIES: Final[dict[int, OnExisting]] = {
    api.EXISTING_LANDMARK_POLICY_UNSPECIFIED: OnExisting.SKIP,
    api.EXISTING_LANDMARK_POLICY_SKIP: OnExisting.SKIP,
    api.EXISTING_LANDMARK_POLICY_UPDATE: OnExisting.UPDATE,
    api.EXISTING_LANDMARK_POLICY_FAIL: OnExisting.FAIL,
}


class ImportService(import_service_pb2_grpc.ImportServiceServicer):
    """Begins imports.

    Args:
        readiness: Where the engine, and so the import, is.
        calls: Threads for what reads the catalogue and small files.
    """

    def __init__(self, readiness: Readiness, calls: Pool) -> None:
        self._readiness = readiness
        self._calls = calls

    async def ImportReferenceImages(  # noqa: N802
        self, request: api.ImportReferenceImagesRequest, context: Context
    ) -> api.ImportReferenceImagesResponse:
        """Begins to add photos to landmarks."""
        options = _read_options(request)
        with about(request.WhichOneof("source") or "source"):
            operation = await self._calls.run(
                self._readiness.engine.photo_import.begin, options, request_id=request.request_id
            )
        return api.ImportReferenceImagesResponse(operation=operation_message(operation))


def _read_options(request: api.ImportReferenceImagesRequest) -> ImportOptions:
    if not request.WhichOneof("source"):
        raise InvalidArgumentError("an import needs a source: set upload or folder", **{FIELD: "source"})
    if request.existing_landmark_policy not in _POLICIES:
        raise InvalidArgumentError(
            f"existing_landmark_policy must be one of {', '.join(api.ExistingLandmarkPolicy.keys())}, "
            f"not {request.existing_landmark_policy}",
            **{FIELD: "existing_landmark_policy"},
        )
    return ImportOptions(
        upload=parse_upload(request.upload, "upload") if request.upload else "",
        folder=check_path(request.folder, "folder"),
        manifest=check_path(request.manifest, "manifest"),
        validate_only=request.validate_only,
        on_existing=_POLICIES[request.existing_landmark_policy],
        duplicates=read_duplicate_policy(request.duplicate_policy, DuplicatePolicy.NONE),
    )
