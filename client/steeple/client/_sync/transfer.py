# Made from _async/transfer.py by tools/generate_sync_client.py; do not edit.
"""Calls of the TransferService."""

from __future__ import annotations

from typing import Final

from steeple.client._convert_operations import to_operation
from steeple.client._convert_uploads import upload_name
from steeple.client._requests import number_of, request_id_or_new
from steeple.client._sync.connection import Connection
from steeple.client.operations import Operation
from steeple.client.uploads import Upload
from steeple.v1 import transfer_service_pb2 as api

_POLICIES: Final = {
    "fail": api.ImportCatalogueRequest.EXISTING_POLICY_FAIL,
    "skip": api.ImportCatalogueRequest.EXISTING_POLICY_SKIP,
    "replace": api.ImportCatalogueRequest.EXISTING_POLICY_REPLACE,
}


class TransferCalls:
    """The part of the client that moves a whole catalogue from one server to another."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def export_catalogue(self, *, photos: bool = True, request_id: str = "", timeout: float | None = None) -> Operation:
        """Begins to write all of the catalogue that is not deleted into one ZIP archive on the server.

        Wait for it with :meth:`wait_operation`; the results name the file for :meth:`download_operation_file`.

        Args:
            photos: Whether photos are in it. Without, images have only their features where it is imported.
            request_id: A UUID by which the server knows a repeat; empty: a new one.
            timeout: Seconds for all attempts to begin it; None: the client's.
        """
        request = api.ExportCatalogueRequest(without_photos=not photos, request_id=request_id_or_new(request_id))
        response = self._connection.call(self._connection.link.transfer.ExportCatalogue, request, timeout=timeout)
        return to_operation(response.operation)

    def import_catalogue(
        self,
        upload: str | Upload,
        *,
        existing: str = "fail",
        request_id: str = "",
        timeout: float | None = None,
    ) -> Operation:
        """Begins to add what is in such an archive, with the ids, times, counts and features that it had.

        What is there already as the archive has it is left alone, so an import can be repeated.

        Args:
            upload: The archive, as :meth:`upload_file` returned it.
            existing: What to do about ids that are taken by something else: ``fail`` before anything is changed,
                ``skip`` them, or ``replace`` what is there, for good.
            request_id: A UUID by which the server knows a repeat; empty: a new one.
            timeout: Seconds for all attempts to begin it; None: the client's.

        Raises:
            NotFoundError: If there is no such upload.
            FailedPreconditionError: If it is not complete.
            InvalidArgumentError: If ``existing`` is none of these.
        """
        request = api.ImportCatalogueRequest(
            upload=upload_name(upload),
            existing_policy=number_of(existing, _POLICIES, says="existing is one of", field="existing"),
            request_id=request_id_or_new(request_id),
        )
        response = self._connection.call(self._connection.link.transfer.ImportCatalogue, request, timeout=timeout)
        return to_operation(response.operation)
