"""``steeple.v1.TransferService``."""

from __future__ import annotations

from typing import Any, Final

import grpc

from steeple.errors import InvalidArgumentError
from steeple.server.api.names import parse_upload
from steeple.server.api.operations import operation_message
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.status import FIELD
from steeple.server.transfer import ExistingPolicy
from steeple.v1 import transfer_service_pb2 as api
from steeple.v1 import transfer_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]

_POLICIES: Final = {
    api.ImportCatalogueRequest.EXISTING_POLICY_UNSPECIFIED: ExistingPolicy.FAIL,
    api.ImportCatalogueRequest.EXISTING_POLICY_FAIL: ExistingPolicy.FAIL,
    api.ImportCatalogueRequest.EXISTING_POLICY_SKIP: ExistingPolicy.SKIP,
    api.ImportCatalogueRequest.EXISTING_POLICY_REPLACE: ExistingPolicy.REPLACE,
}


class TransferService(transfer_service_pb2_grpc.TransferServiceServicer):
    """Begins exports and imports of the whole catalogue.

    Args:
        readiness: Where the engine is.
        calls: Threads for what only reads and writes the catalogue.
    """

    def __init__(self, readiness: Readiness, calls: Pool) -> None:
        self._readiness = readiness
        self._calls = calls

    async def ExportCatalogue(  # noqa: N802
        self, request: api.ExportCatalogueRequest, context: Context
    ) -> api.ExportCatalogueResponse:
        """Begins to write an archive."""
        operation = await self._calls.run(
            self._readiness.engine.transfers.begin_export,
            with_photos=not request.without_photos,
            request_id=request.request_id,
        )
        return api.ExportCatalogueResponse(operation=operation_message(operation))

    async def ImportCatalogue(  # noqa: N802
        self, request: api.ImportCatalogueRequest, context: Context
    ) -> api.ImportCatalogueResponse:
        """Begins to read one."""
        policy = _POLICIES.get(request.existing_policy)
        if policy is None:
            raise InvalidArgumentError(
                f"existing_policy has no value {request.existing_policy}", **{FIELD: "existing_policy"}
            )
        operation = await self._calls.run(
            self._readiness.engine.transfers.begin_import,
            parse_upload(request.upload, "upload"),
            policy,
            request_id=request.request_id,
        )
        return api.ImportCatalogueResponse(operation=operation_message(operation))
