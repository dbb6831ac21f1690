"""Files sent in pieces from storage that others change."""

from __future__ import annotations

import pytest

from steeple.errors import UnavailableError
from steeple.server.api.pools import Pool
from steeple.server.api.sending import pieces
from steeple.server.files import Part
from steeple.server.files.reading import PartReader

DATA = bytes(range(256)) * (20 << 10)  # 5 MiB, more than a block


async def test_what_is_left_of_a_file_is_sent_until_it_is_gone() -> None:
    gone = False

    def get(name: str, start: int, end: int) -> bytes:
        if gone:
            raise FileNotFoundError(name)
        return DATA[start:end]

    pool = Pool("files", threads=1, capacity=1)
    for offset in (0, 1000, len(DATA)):
        file = PartReader(get, [Part(0, len(DATA), "x")])
        file.seek(offset)
        assert b"".join([data async for data in pieces(pool, file)]) == DATA[offset:]
    received = b""

    async def receive() -> None:
        nonlocal gone, received
        async for data in pieces(pool, PartReader(get, [Part(0, len(DATA), "x")])):
            received += data
            gone = True

    with pytest.raises(UnavailableError, match="replaced or deleted while it was sent"):
        await receive()
    assert received == DATA[: 4 << 20], "what had been read already"
    pool.close()
