# Made from _async/files.py by tools/generate_sync_client.py; do not edit.
"""Calls that move whole files: uploads, and what operations have made."""

from __future__ import annotations

import os
from functools import partial
from typing import Final

from steeple.client._concurrency import in_thread, sleep
from steeple.client._convert_operations import operation_name, to_operation
from steeple.client._convert_uploads import to_upload, upload_name
from steeple.client._local_files import LocalFile, PartialFile
from steeple.client._patience import Patience
from steeple.client._requests import request_id_or_new
from steeple.client._sync.connection import Connection
from steeple.client._sync.listing import Listing
from steeple.client._sync.receiving import Progress, TakePart, receive_file
from steeple.client.operations import Operation
from steeple.client.uploads import Upload
from steeple.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    NotFoundError,
    SteepleError,
    UnavailableError,
)
from steeple.v1 import operation_service_pb2, upload_service_pb2
from steeple.v1.upload_service_pb2 import WriteUploadRequest

_AT_ONCE: Final = 8 << 20  # bytes of a call
_MESSAGE: Final = 1 << 20  # bytes of a message of it


class FileCalls:
    """The part of the client that moves whole files.

    A connection that breaks and a server that restarts cost no more than what was under way: both directions go on
    where they were. They give up once nothing has come through for as long as the client's ``long_timeout``.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def upload_file(
        self,
        path: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
        resume: str | Upload | None = None,
    ) -> Upload:
        """Sends a file to the server, for other calls to use; it is read twice, first for its hash.

        Args:
            path: Of the file.
            progress: Told bytes that are safe on the server, and bytes of the file, now and then.
            resume: An upload of the same file that was begun before, to go on with; None: a new one. An error that
                leaves one behind tells its name in ``metadata["upload"]``.

        Raises:
            NotFoundError: If there is no such file, or no such upload.
            InvalidArgumentError: If the file is empty or cannot be read.
            FailedPreconditionError: If the upload to resume is of another file, or the file has changed meanwhile.
            ResourceExhaustedError: If it does not fit on the server.
            AbortedError: If somebody else writes to the same upload.
            DataLossError: If the server got other bytes than were sent; an upload to resume begins anew then.
            UnavailableError: If nothing has come through for ``long_timeout``.
        """
        file = in_thread(lambda: LocalFile.measure(path))
        upload = self._begun(file, resume)
        patience = Patience(self._connection.settings.long_timeout)
        try:
            while not upload.complete:
                if progress is not None:
                    progress(upload.committed_size, upload.size_bytes)
                try:
                    reached = self._write(upload, file)
                except SteepleError as error:
                    patience.check(error)
                    reached = self._where(upload, error)
                if reached.committed_size > upload.committed_size or reached.complete:
                    patience.renew()
                else:
                    sleep(patience.pause())
                upload = reached
        except SteepleError as error:
            error.metadata.setdefault("upload", upload.name)
            raise
        if progress is not None:
            progress(upload.size_bytes, upload.size_bytes)
        return upload

    def create_upload(
        self, file_name: str, size_bytes: int, *, sha256: str = "", request_id: str = "", timeout: float | None = None
    ) -> Upload:
        """Begins an upload whose bytes :meth:`write_upload` brings, for who has no file to read them from.

        Args:
            file_name: What the file is called where it comes from; 1 to 255 characters.
            size_bytes: Of the whole file.
            sha256: Of the whole file, hex, for the server to check; empty: not known.
            request_id: UUID of the request; empty: a new one.
            timeout: Seconds; None: the client's.

        Raises:
            InvalidArgumentError: If a value is out of its limits.
            ResourceExhaustedError: If it does not fit on the server.
        """
        request = upload_service_pb2.CreateUploadRequest(
            file_name=file_name, size_bytes=size_bytes, sha256=sha256, request_id=request_id_or_new(request_id)
        )
        response = self._connection.call(self._connection.link.uploads.CreateUpload, request, timeout=timeout)
        return to_upload(response.upload)

    def write_upload(self, upload: str | Upload, offset: int, data: bytes) -> Upload:
        """Brings the next bytes of an upload; how far it is then. It is not tried again: ask :meth:`get_upload`.

        Args:
            upload: By id, by name or as another call returned it.
            offset: Of the first of these bytes, which is how far the upload is: its ``committed_size``.
            data: The bytes; a few MiB at a time do well.

        Raises:
            NotFoundError: If there is no such upload.
            FailedPreconditionError: If it is elsewhere than at ``offset``.
            InvalidArgumentError: If there are more bytes than the whole file has.
            AbortedError: If somebody else has begun to write to it.
            DataLossError: If these were the last ones and the hash is another; it begins anew.
            UnavailableError: If the connection broke; some of the bytes may be there.
        """
        name = upload_name(upload)
        starts = range(0, max(1, len(data)), _MESSAGE)
        requests = [
            WriteUploadRequest(name="" if start else name, offset=offset + start, data=data[start : start + _MESSAGE])
            for start in starts
        ]
        return to_upload((self._connection.send(self._connection.link.uploads.WriteUpload, requests)).upload)

    def get_upload(self, upload: str | Upload, *, timeout: float | None = None) -> Upload:
        """An upload as it is now.

        Raises:
            NotFoundError: If there is none.
        """
        request = upload_service_pb2.GetUploadRequest(name=upload_name(upload))
        response = self._connection.call(self._connection.link.uploads.GetUpload, request, timeout=timeout)
        return to_upload(response.upload)

    def list_uploads(self, *, page_size: int = 50, timeout: float | None = None) -> Listing[Upload]:
        """Uploads, the latest first.

        Args:
            page_size: Uploads fetched at a time, as the iterator needs them.
            timeout: Seconds for each page; None: the client's.
        """
        request = upload_service_pb2.ListUploadsRequest(page_size=page_size)
        return self._connection.listing(
            self._connection.link.uploads.ListUploads,
            request,
            lambda page: map(to_upload, page.uploads),
            timeout=timeout,
        )

    def delete_upload(self, upload: str | Upload, *, timeout: float | None = None) -> None:
        """Deletes an upload.

        Raises:
            NotFoundError: If there is none.
        """
        request = upload_service_pb2.DeleteUploadRequest(name=upload_name(upload))
        self._connection.call(self._connection.link.uploads.DeleteUpload, request, timeout=timeout)

    def download_operation_file(
        self,
        operation: str | Operation,
        file: str,
        target_path: str | os.PathLike[str],
        *,
        progress: Progress | None = None,
    ) -> None:
        """Receives a file that an operation has made; it appears at its place once it is whole and its hash is right.

        Until then it lies beside its place, and another call with the same arguments goes on with it.

        Args:
            operation: By id, by name or as another call returned it.
            file: Its name, as the operation's results say under ``file``.
            target_path: Where it is to be, over what is there.
            progress: Told bytes that are here, and bytes of the file, now and then.

        Raises:
            NotFoundError: If there is no such operation, or it has made no such file.
            FailedPreconditionError: If the file cannot be written.
            DataLossError: If the file is damaged, on the server or here.
            UnavailableError: If nothing has come through for ``long_timeout``.
        """
        name = operation_name(operation)
        request = operation_service_pb2.GetOperationRequest(name=name)
        response = self._connection.call(self._connection.link.operations.GetOperation, request, timeout=None)
        results = to_operation(response.operation).results
        if not file or results.get("file") != file:
            made = results.get("file")
            raise NotFoundError(f"{name} has made {made or 'no file (yet)'}, not {file!r}", resource=name)
        received = PartialFile(target_path, f"{name}/{file}", int(results["file_size_bytes"]), results["file_sha256"])

        def send_from(offset: int, take: TakePart) -> None:
            request = operation_service_pb2.DownloadOperationFileRequest(name=name, file=file, offset=offset)
            self._connection.receive(self._connection.link.operations.DownloadOperationFile, request, take)

        receive_file(received, send_from, patience_seconds=self._connection.settings.long_timeout, progress=progress)

    def _begun(self, file: LocalFile, resume: str | Upload | None) -> Upload:
        if resume is None:
            return self.create_upload(file.path.name, file.size_bytes, sha256=file.sha256)
        upload = self.get_upload(resume)
        if upload.size_bytes != file.size_bytes or upload.sha256 not in ("", file.sha256):
            raise FailedPreconditionError(
                f"{upload.name} is of another file than {file.path} is now; upload that anew", resource=upload.name
            )
        return upload

    def _write(self, upload: Upload, file: LocalFile) -> Upload:
        offset = upload.committed_size
        requests: list[WriteUploadRequest] = []
        for data in in_thread(partial(file.read, offset, _AT_ONCE)):
            requests.append(WriteUploadRequest(name="" if requests else upload.name, offset=offset, data=data))
            offset += len(data)
        return to_upload((self._connection.send(self._connection.link.uploads.WriteUpload, requests)).upload)

    def _where(self, upload: Upload, error: SteepleError) -> Upload:
        """How far an upload is after an error."""
        try:
            return self.get_upload(upload)
        except (UnavailableError, DeadlineExceededError):
            return upload
        except NotFoundError:
            raise error from None
