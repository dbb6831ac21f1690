"""How exports and imports are begun, and how a server comes to know them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from steeple.delf.release import ModelRelease
from steeple.server.catalogue import Catalogue
from steeple.server.ingest import Ingest
from steeple.server.operations import Operation, OperationRunner
from steeple.server.transfer.exporting import WITHOUT_PHOTOS, Export
from steeple.server.transfer.importing import POLICY, UPLOAD, ExistingPolicy, Import
from steeple.server.uploads import Uploads

_EXPORT: Final = "steeple.v1.TransferService/ExportCatalogue"
_IMPORT: Final = "steeple.v1.TransferService/ImportCatalogue"


class Transfers:
    """Exports and imports of a server's catalogue, as operations.

    Args:
        operations: That they become; not started yet.
        catalogue: The server's.
        ingest: The server's.
        uploads: What is imported from.
        releases: Those that are served.
        save_counts: Sees to it that the catalogue has the numbers of answers.
        max_photo_bytes: A larger photo is not imported.
    """

    def __init__(
        self,
        operations: OperationRunner,
        catalogue: Catalogue,
        ingest: Ingest,
        uploads: Uploads,
        releases: Callable[[], Sequence[ModelRelease]],
        save_counts: Callable[[], None],
        max_photo_bytes: int,
    ) -> None:
        self._operations = operations
        self._uploads = uploads
        operations.register(_EXPORT, Export(catalogue, ingest.shelf, releases, save_counts))
        operations.register(_IMPORT, Import(catalogue, ingest, uploads, releases, max_photo_bytes))

    def begin_export(self, *, with_photos: bool = True, request_id: str = "") -> Operation:
        """Begins to write an archive of the catalogue."""
        return self._operations.begin(_EXPORT, {WITHOUT_PHOTOS: not with_photos}, request_id=request_id)

    def begin_import(
        self, upload_id: str, policy: ExistingPolicy = ExistingPolicy.FAIL, *, request_id: str = ""
    ) -> Operation:
        """Begins to add what is in an archive.

        Raises:
            NotFoundError: If there is no such upload.
            FailedPreconditionError: If it is not complete.
        """
        self._uploads.use(upload_id)
        return self._operations.begin(_IMPORT, {UPLOAD: upload_id, POLICY: str(policy)}, request_id=request_id)
