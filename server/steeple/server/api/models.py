"""``steeple.v1.ModelService``."""

from __future__ import annotations

from typing import Any

import grpc

from steeple.errors import InvalidArgumentError
from steeple.server.api.names import check_path, parse_model
from steeple.server.api.operations import operation_message
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.status import FIELD
from steeple.server.upgrades import ModelUpgrades
from steeple.v1 import model_service_pb2 as api
from steeple.v1 import model_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Changes the model releases that are served.

    Args:
        readiness: Where the engine is.
        calls: Threads for what only reads and writes the catalogue.
    """

    def __init__(self, readiness: Readiness, calls: Pool) -> None:
        self._readiness = readiness
        self._calls = calls

    async def UpgradeModel(  # noqa: N802
        self, request: api.UpgradeModelRequest, context: Context
    ) -> api.UpgradeModelResponse:
        """Begins to take the catalogue to another release."""
        if not request.release:
            raise InvalidArgumentError(
                "release must be the name or the folder of a model release", **{FIELD: "release"}
            )
        operation = await self._calls.run(
            self._upgrades.upgrade,
            check_path(request.release, "release"),
            accept_missing=request.accept_missing,
            request_id=request.request_id,
        )
        return api.UpgradeModelResponse(operation=operation_message(operation))

    async def RetireModel(  # noqa: N802
        self, request: api.RetireModelRequest, context: Context
    ) -> api.RetireModelResponse:
        """Begins to take a release out of service."""
        operation = await self._calls.run(
            self._upgrades.retire,
            parse_model(request.name),
            accept_missing=request.accept_missing,
            request_id=request.request_id,
        )
        return api.RetireModelResponse(operation=operation_message(operation))

    @property
    def _upgrades(self) -> ModelUpgrades:
        return self._readiness.engine.upgrades
