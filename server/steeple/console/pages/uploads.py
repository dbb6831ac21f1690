"""Takes large files of browsers in pieces. A browser that lost its way asks how far it is, and goes on from there."""

from __future__ import annotations

from typing import Final

from starlette.responses import JSONResponse, Response

from steeple.client import Upload
from steeple.console.routing import Pages
from steeple.console.visit import Visit
from steeple.errors import InvalidArgumentError

PAGES: Final = Pages()

MOST_BYTES: Final = 8 << 20
"""Of a piece."""


@PAGES.post("/uploads")
async def begin(visit: Visit) -> Response:
    """Begins one: ``file_name`` and ``size`` of the form."""
    size = _number(visit.text("size"), "size")
    return _told(await visit.client.create_upload(visit.text("file_name")[-255:] or "photos.zip", size))


@PAGES.get("/uploads/{upload}", scope="editor")
async def look(visit: Visit) -> Response:
    """How far one is."""
    return _told(await visit.client.get_upload(visit.request.path_params["upload"]))


@PAGES.post("/uploads/{upload}", own_form=True)
async def go_on(visit: Visit) -> Response:
    """Takes a piece, the body of the request, at the ``offset`` of the query."""
    visit.check_token()
    offset = _number(visit.query.get("offset", ""), "offset")
    data = bytearray()
    async for part in visit.request.stream():
        data += part
        if len(data) > MOST_BYTES:
            raise InvalidArgumentError(f"a piece has at most {MOST_BYTES} bytes", field="data")
    return _told(await visit.client.write_upload(visit.request.path_params["upload"], offset, bytes(data)))


def _told(upload: Upload) -> Response:
    return JSONResponse({
        "id": upload.id,
        "file_name": upload.file_name,
        "size": upload.size_bytes,
        "offset": upload.committed_size,
        "complete": upload.complete,
    })  # fmt: skip


def _number(text: str, field: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InvalidArgumentError(f"{field} must be a number of bytes, not {text[:40]!r}", field=field)
    return int(text)
