"""Which image each number of a descriptor belongs to, and which of them are still there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import SnapshotError

_PER_BYTE: Final = 8
_RECORD: Final = np.dtype([("key", "<i8"), ("start", "<i8"), ("count", "<i4"), ("alive", "?")])


class SlotTable:
    """Numbers for descriptors: those of one image follow each other, and none is ever used again.

    An inverted list keeps the number beside the code. Numbers are dense, so a set of images is a bitmap of one bit a
    descriptor, which FAISS can look into during a search (``IDSelectorBitmap``): to remove an image is to clear its
    bits. Each image begins at a multiple of 8, so that its bits are whole bytes.

    Not thread safe.
    """

    def __init__(self) -> None:
        self._table = np.zeros(64, _RECORD)
        # Apart from the table, as every search looks through it.
        self._starts = np.zeros(64, np.int64)
        self._alive = np.zeros(4096, np.uint8)
        self._used = 0  # rows of the table
        self._slots: dict[int, int] = {}
        self._descriptors = 0
        self._kept = 0  # numbers of the images that are there
        self._dead = 0

    def __contains__(self, key: int) -> bool:
        return key in self._slots

    def __len__(self) -> int:
        """Images."""
        return len(self._slots)

    @property
    def descriptors(self) -> int:
        """Descriptors of the images that are there."""
        return self._descriptors

    @property
    def dead(self) -> int:
        """Numbers of removed images that lists may still hold."""
        return self._dead

    def worn(self, factor: int, least: int) -> bool:
        """Whether it has more than ``factor`` times the rows or numbers of a table of the same images made anew.

        Fewer than ``least`` of them do not count.
        """
        return self._used > max(least, factor * len(self)) or self.next > max(least, factor * self._kept)

    @property
    def next(self) -> int:
        """The number after the last."""
        if not self._used:
            return 0
        last = self._table[self._used - 1]
        return _rounded(int(last["start"]) + int(last["count"]))

    def put(self, key: int, count: int) -> int:
        """The first of ``count`` numbers for an image; numbers that it had before are dead."""
        start = self.next
        self.remove(key)
        if self._used == len(self._table):
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])
            self._starts = np.concatenate([self._starts, np.zeros_like(self._starts)])
        self._table[self._used] = (key, start, count, True)
        self._starts[self._used] = start
        self._slots[key] = self._used
        self._used += 1
        self._descriptors += count
        self._kept += _rounded(count)
        end = _rounded(start + count) // _PER_BYTE
        if end > len(self._alive):
            grown = np.zeros(max(end, len(self._alive) * 3 // 2), np.uint8)
            grown[: len(self._alive)] = self._alive
            self._alive = grown
        self._alive[start // _PER_BYTE : end] = 0xFF
        return start

    def remove(self, key: int) -> bool:
        """Whether the image was there; its numbers are dead."""
        slot = self._slots.pop(key, None)
        if slot is None:
            return False
        record = self._table[slot]
        record["alive"] = False
        start, count = int(record["start"]), int(record["count"])
        self._alive[start // _PER_BYTE : _rounded(start + count) // _PER_BYTE] = 0
        self._descriptors -= count
        self._kept -= _rounded(count)
        self._dead += count
        return True

    def forget(self, dead: int) -> None:
        """Tells that lists no longer hold as many dead numbers."""
        self._dead -= dead

    def bitmap(self, keys: Collection[int] | None = None) -> NDArray[np.uint8]:
        """uint8[next / 8]: the bits of all images, or of those of ``keys`` that are there.

        Number n is bit n & 7 of byte n >> 3. The bitmap of all is the table's own: it changes with it.
        """
        size = self.next // _PER_BYTE
        if keys is None:
            return self._alive[:size]
        chosen = np.zeros(self._used, np.bool_)
        chosen[[self._slots[key] for key in keys if key in self._slots]] = True
        lengths = -(-self._table["count"][: self._used] // _PER_BYTE)
        return np.repeat(np.where(chosen, np.uint8(0xFF), np.uint8(0)), lengths)

    def images_of(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Image keys and feature numbers of descriptor numbers, any shape; both -1 where the number is negative."""
        if not self._used:
            return np.full(numbers.shape, -1, np.int64), np.full(numbers.shape, -1, np.int32)
        # Images without descriptors share their start with the next; the last of equal ones has the numbers.
        slots = np.searchsorted(self._starts[: self._used], numbers, side="right") - 1
        none = numbers < 0
        keys = np.where(none, -1, self._table["key"][slots])
        features = np.where(none, -1, numbers - self._starts[slots])
        return keys, features.astype(np.int32)

    def keys(self) -> tuple[int, ...]:
        """Of the images that are there, rising."""
        return tuple(sorted(self._slots))

    def to_bytes(self) -> bytes:
        """The table, for :meth:`from_bytes`; 21 bytes an image."""
        return self._table[: self._used].tobytes()

    @staticmethod
    def from_bytes(data: bytes | memoryview, held: int) -> SlotTable:
        """A table from :meth:`to_bytes`.

        Args:
            data: Its bytes.
            held: Numbers that lists hold, the dead ones included.

        Raises:
            SnapshotError: If they are no table, or have more descriptors than lists hold.
        """
        if len(data) % _RECORD.itemsize:
            raise SnapshotError("the table of images does not consist of whole records")
        rows = np.frombuffer(data, _RECORD).copy()
        lengths = -(-rows["count"].astype(np.int64) // _PER_BYTE)
        starts = _PER_BYTE * np.concatenate([[0], np.cumsum(lengths)])[:-1]
        if (rows["count"] < 0).any() or (rows["start"] != starts).any():
            raise SnapshotError("the table of images has gaps")
        alive = np.flatnonzero(rows["alive"])
        table = SlotTable()
        table._slots = dict(zip(map(int, rows["key"][alive]), map(int, alive), strict=True))
        if len(table._slots) != len(alive):
            raise SnapshotError("the table of images has one of them twice")
        if len(rows):
            table._table, table._starts, table._used = rows, starts, len(rows)
            table._alive = np.repeat(np.where(rows["alive"], np.uint8(0xFF), np.uint8(0)), lengths)
        table._descriptors = int(rows["count"][alive].sum())
        table._kept = _PER_BYTE * int(lengths[alive].sum())
        table._dead = held - table._descriptors
        if table._dead < 0:
            raise SnapshotError(f"the table of images has {table._descriptors} descriptors, the lists have {held}")
        return table


def _rounded(number: int) -> int:
    return -(-number // _PER_BYTE) * _PER_BYTE
