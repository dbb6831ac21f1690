"""Reading files of which any part can be asked for."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final

from steeple.server.files.kinds import Part

_BLOCK: Final = 4 << 20  # bytes that are asked for at once


class PartReader(io.RawIOBase):
    """A file of parts, read in blocks of 4 MiB, one of which is kept. For one thread at a time.

    Args:
        get: Gives bytes of a part's file, by its name, start and end.
        parts: In their order, without gaps.
    """

    def __init__(self, get: Callable[[str, int, int], bytes], parts: Sequence[Part]) -> None:
        super().__init__()
        self._get = get
        self._parts = parts
        self._starts = [part.start for part in parts]
        self._size = parts[-1].end if parts else 0
        self._position = 0
        self._block_start, self._block = 0, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes elsewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("there is nothing before the start of a file")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as the base class has it
        """Reads as many bytes as there are in one block, at most."""
        view = memoryview(buffer).cast("B")
        if not view or self._position >= self._size:
            return 0
        offset = self._position - self._block_start
        if not 0 <= offset < len(self._block):
            self._fetch()
            offset = 0
        data = self._block[offset : offset + len(view)]
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _fetch(self) -> None:
        part = self._parts[bisect_right(self._starts, self._position) - 1]
        start = self._position - part.start
        end = min(part.size_bytes, start + _BLOCK)
        data = self._get(part.name, start, end)
        if len(data) != end - start:
            raise FileNotFoundError(part.name)
        self._block_start, self._block = self._position, data
