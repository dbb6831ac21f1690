"""``steeple.v1.UploadService``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import grpc

from steeple.errors import InvalidArgumentError, SteepleError
from steeple.server.api.names import parse_upload
from steeple.server.api.pools import Pool
from steeple.server.api.readiness import Readiness
from steeple.server.api.resources import timestamp
from steeple.server.api.status import FIELD
from steeple.server.catalogue import audit
from steeple.server.uploads import Upload, Uploads, Writer
from steeple.v1 import upload_service_pb2 as api
from steeple.v1 import upload_service_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class UploadService(upload_service_pb2_grpc.UploadServiceServicer):
    """Takes files in pieces.

    Args:
        readiness: Where the engine, and so the uploads, are.
        files: Threads for what reads and writes large files.
    """

    def __init__(self, readiness: Readiness, files: Pool) -> None:
        self._readiness = readiness
        self._files = files

    async def CreateUpload(  # noqa: N802
        self, request: api.CreateUploadRequest, context: Context
    ) -> api.CreateUploadResponse:
        """Begins an upload."""
        upload = await self._files.run(
            self._uploads.create,
            request.file_name,
            request.size_bytes,
            request.sha256,
            request_id=request.request_id,
        )
        audit.name(upload.name)
        return api.CreateUploadResponse(upload=upload_message(upload))

    async def WriteUpload(  # noqa: N802
        self, requests: AsyncIterator[api.WriteUploadRequest], context: Context
    ) -> api.WriteUploadResponse:
        """Writes the next bytes of an upload."""
        writer, name = None, ""
        try:
            async for request in requests:
                if writer is None:
                    name = request.name
                    writer = await self._files.run(self._uploads.begin, parse_upload(name))
                elif request.name not in ("", name):
                    raise InvalidArgumentError(
                        f"name is {name} in this stream, and cannot become {request.name[:200]!r}", **{FIELD: "name"}
                    )
                await self._files.run(writer.write, request.offset, request.data)
            if writer is None:
                raise InvalidArgumentError(
                    "the stream had no message: the first one names the upload", **{FIELD: "name"}
                )
            # A connection that breaks ends the loop like a stream that is over, and cancels this a moment later.
            upload = await self._files.run(writer.end)
        except BaseException:
            if writer is not None:
                await self._keep(writer)
            raise
        if not upload.complete:
            audit.leave_out()
        return api.WriteUploadResponse(upload=upload_message(upload))

    async def GetUpload(  # noqa: N802
        self, request: api.GetUploadRequest, context: Context
    ) -> api.GetUploadResponse:
        """An upload by name."""
        upload = await self._files.run(self._uploads.get, parse_upload(request.name))
        return api.GetUploadResponse(upload=upload_message(upload))

    async def ListUploads(  # noqa: N802
        self, request: api.ListUploadsRequest, context: Context
    ) -> api.ListUploadsResponse:
        """Uploads, the latest first, a page at a time."""
        page = await self._files.run(self._uploads.list, request.page_size, request.page_token)
        return api.ListUploadsResponse(
            uploads=[upload_message(upload) for upload in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
        )

    async def DeleteUpload(  # noqa: N802
        self, request: api.DeleteUploadRequest, context: Context
    ) -> api.DeleteUploadResponse:
        """Deletes an upload."""
        await self._files.run(self._uploads.delete, parse_upload(request.name))
        return api.DeleteUploadResponse()

    async def _keep(self, writer: Writer) -> None:
        """Commits what came, whatever is the matter; what the caller is told of that stays."""
        ending = asyncio.ensure_future(self._files.run(writer.end))
        with suppress(SteepleError):
            await asyncio.shield(ending)

    @property
    def _uploads(self) -> Uploads:
        return self._readiness.engine.uploads


def upload_message(upload: Upload) -> api.Upload:
    """An upload as the API shows it."""
    return api.Upload(
        name=upload.name,
        file_name=upload.file_name,
        size_bytes=upload.size_bytes,
        sha256=upload.sha256,
        committed_size=upload.committed_bytes,
        complete=upload.complete,
        create_time=timestamp(upload.create_time),
        expire_time=timestamp(upload.expire_time),
    )
