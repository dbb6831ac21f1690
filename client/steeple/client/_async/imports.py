"""Calls of the ImportService."""

from __future__ import annotations

from typing import Final

from steeple.client._async.connection import AsyncConnection
from steeple.client._convert_operations import to_operation
from steeple.client._convert_uploads import upload_name
from steeple.client._requests import number_of, request_id_or_new
from steeple.client.operations import Operation
from steeple.client.uploads import Upload
from steeple.errors import InvalidArgumentError
from steeple.v1 import catalog_service_pb2 as catalog
from steeple.v1 import import_service_pb2 as api

_ON_EXISTING: Final = {
    "skip": api.EXISTING_LANDMARK_POLICY_SKIP,
    "update": api.EXISTING_LANDMARK_POLICY_UPDATE,
    "fail": api.EXISTING_LANDMARK_POLICY_FAIL,
}
_DUPLICATES: Final = {
    "none": catalog.DUPLICATE_POLICY_NONE,
    "report": catalog.DUPLICATE_POLICY_REPORT,
    "refuse": catalog.DUPLICATE_POLICY_REFUSE,
}


class AsyncImportCalls:
    """The part of the client that begins imports."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def import_reference_images(
        self,
        *,
        upload: str | Upload = "",
        folder: str = "",
        manifest: str = "",
        validate_only: bool = False,
        on_existing: str = "skip",
        duplicates: str = "none",
        request_id: str = "",
        timeout: float | None = None,
    ) -> Operation:
        """Begins to add photos by the thousand; :meth:`wait_operation` waits for the end.

        Photos lie in one folder a landmark, or beside a manifest that says what they show: docs/server/import.md. What
        cannot be used is told by :meth:`list_operation_problems`, and the rest goes on. A photo that its landmark has
        already is not added again.

        Args:
            upload: One that is complete, a zip archive, by id or name; or
            folder: a folder of the server's disk, relative to its ``import_dir``; ``.`` for all of it.
            manifest: Name of the manifest in it; empty: ``manifest.csv`` or ``manifest.jsonl`` if there is one.
            validate_only: Whether only to say what would be done.
            on_existing: What becomes of landmarks that are there already: ``skip`` leaves them as they are, ``update``
                sets the fields that are given, ``fail`` changes nothing at all. Photos are added to them.
            duplicates: What becomes of photos that have near-duplicates, or that look like another landmark:
                ``none`` does not look for them, ``report`` adds and ``refuse`` does not add them. Looking takes the
                server about a query a photo.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds until it has begun; None: the client's ``long_timeout``.

        Returns:
            The operation, just begun.

        Raises:
            InvalidArgumentError: If the manifest has a wrong column, or there is nothing to import.
            NotFoundError: If there is no such upload, folder or manifest.
            FailedPreconditionError: If the upload is not complete, or the server imports no folders.
        """
        if bool(upload) == bool(folder):
            raise InvalidArgumentError("an import needs one source: give upload or folder", field="source")
        request = api.ImportReferenceImagesRequest(
            manifest=manifest,
            validate_only=validate_only,
            existing_landmark_policy=number_of(
                on_existing, _ON_EXISTING, says="on_existing is one of", field="on_existing"
            ),
            duplicate_policy=number_of(duplicates, _DUPLICATES, says="duplicates is one of", field="duplicates"),
            request_id=request_id_or_new(request_id),
        )
        if upload:
            request.upload = upload_name(upload)
        else:
            request.folder = folder
        response = await self._connection.call(
            self._connection.link.imports.ImportReferenceImages, request, timeout=timeout, long=True
        )
        return to_operation(response.operation)
