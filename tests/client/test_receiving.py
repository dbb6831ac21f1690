"""Files that come in pieces."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from steeple.client._async.receiving import TakePart, receive_file
from steeple.client._local_files import PartialFile
from steeple.errors import UnavailableError
from steeple.v1.pack_service_pb2 import DownloadPackResponse

WHOLE = bytes(range(10))


async def received(tmp_path: Path, at_once: int, patience_seconds: float) -> list[int]:
    """Offsets that a file is asked for from, over a connection that breaks after every few bytes."""
    asked: list[int] = []

    async def send_from(offset: int, take: TakePart) -> None:
        asked.append(offset)
        await take(DownloadPackResponse(data=WHOLE[offset : offset + at_once]))
        raise UnavailableError("the connection broke")

    file = PartialFile(tmp_path / "file", "source", len(WHOLE), hashlib.sha256(WHOLE).hexdigest())
    await receive_file(file, send_from, patience_seconds=patience_seconds, progress=None)
    assert (tmp_path / "file").read_bytes() == WHOLE
    return asked


async def test_what_gets_on_is_never_given_up(tmp_path: Path) -> None:
    """Ten pieces, a tenth of a second between them: longer than it may take without anything coming."""
    assert await received(tmp_path, 1, 0.5) == list(range(10))


async def test_what_does_not_get_on_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="the connection broke"):
        await received(tmp_path, 0, 0.25)
    assert not (tmp_path / "file").exists()
