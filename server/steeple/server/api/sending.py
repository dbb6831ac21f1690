"""Sends files in pieces."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from typing import Final

from steeple.errors import UnavailableError
from steeple.server.api.pools import Pool
from steeple.server.durable import errors_translated

_SENT_AT_ONCE: Final = 1 << 20  # bytes


async def pieces(files: Pool, file: io.RawIOBase, sent_at_once: int = _SENT_AT_ONCE) -> AsyncGenerator[bytes, None]:
    """What is left of a file.

    Args:
        files: Threads for what reads large files.
        file: Opened; the caller closes it.
        sent_at_once: Bytes of a piece, at most: of one that was not sent whole, a caller has nothing.

    Raises:
        UnavailableError: If it is deleted meanwhile, or its storage cannot be reached.
    """

    def read() -> bytes:
        with errors_translated("files"):
            try:
                return file.read(sent_at_once) or b""
            except FileNotFoundError:
                raise UnavailableError("the file was replaced or deleted while it was sent; try again") from None

    while data := await files.run(read):
        yield data
