"""Calls of the ModelService."""

from __future__ import annotations

from steeple.client._async.connection import AsyncConnection
from steeple.client._convert import model_name
from steeple.client._convert_operations import to_operation
from steeple.client._requests import request_id_or_new
from steeple.client.operations import Operation
from steeple.client.types import Model
from steeple.v1 import model_service_pb2 as api


class AsyncModelCalls:
    """The part of the client that changes the model releases that a server serves; ``list_models`` tells which."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def upgrade_model(
        self, release: str, *, accept_missing: bool = False, request_id: str = "", timeout: float | None = None
    ) -> Operation:
        """Begins to extract all photos anew with another release, which then becomes the default.

        The server goes on with the release before, and answers queries of both from then on.

        Args:
            release: Name of one that comes with the server's Steeple, or a folder on the server's disk.
            accept_missing: Whether to go on without the images that cannot be extracted anew; else the operation fails
                if there are any, and its problems name them.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            NotFoundError: If there is no such release.
        """
        request = api.UpgradeModelRequest(
            release=release, accept_missing=accept_missing, request_id=request_id_or_new(request_id)
        )
        call = self._connection.link.models.UpgradeModel
        return to_operation((await self._connection.call(call, request, timeout=timeout)).operation)

    async def retire_model(
        self, model: str | Model, *, accept_missing: bool = False, request_id: str = "", timeout: float | None = None
    ) -> Operation:
        """Begins to take a release out of service that is not the default, and to delete its features.

        Args:
            model: Its name, with or without ``models/``.
            accept_missing: Whether to do so if there are images that only its queries find.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            FailedPreconditionError: If it is the default.
            NotFoundError: If it is not served.
        """
        request = api.RetireModelRequest(
            name=model_name(model),
            accept_missing=accept_missing,
            request_id=request_id_or_new(request_id),
        )
        call = self._connection.link.models.RetireModel
        return to_operation((await self._connection.call(call, request, timeout=timeout)).operation)
