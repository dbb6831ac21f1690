"""Reads a form with a photo into memory: nothing of it goes to a disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from steeple.errors import CancelledError, ImageError, InvalidArgumentError

MOST_BYTES: Final = 32 * 2**20
"""Of a form."""


class _InMemory(MultiPartParser):
    spool_max_size = MOST_BYTES + 1  # of a file, before it would go to a disk


async def read_photo_form(request: Request) -> FormData:
    """The form of a request.

    Raises:
        ImageError: If it is too large.
        InvalidArgumentError: If it cannot be read.
        CancelledError: If the browser goes away.
    """
    read = 0

    async def bounded() -> AsyncGenerator[bytes, None]:
        nonlocal read
        async for chunk in request.stream():
            read += len(chunk)
            if read <= MOST_BYTES:
                yield chunk  # what is more is read to its end, or the browser would not see the answer, and dropped
        if read > MOST_BYTES:
            raise MultiPartException("too large")  # the one error at which the parser closes its files

    try:
        return await _InMemory(request.headers, bounded(), max_files=4, max_fields=16).parse()
    except ClientDisconnect as error:
        raise CancelledError("the browser went away before the photo was there") from error
    except (MultiPartException, KeyError) as error:
        if read > MOST_BYTES:
            raise ImageError(f"the photo is larger than {MOST_BYTES // 2**20} MB; make it smaller") from error
        raise InvalidArgumentError("the form cannot be read; reload the page and send it again") from error


async def photo_of(form: FormData, *names: str) -> bytes:
    """The first photo of these fields; empty if there is none."""
    for name in names:
        for value in form.getlist(name):
            if isinstance(value, UploadFile) and (data := await value.read()):
                return data
    return b""
