"""Binary codes by Hamming distance: all of them, those in near cells, or those in the same buckets."""

from __future__ import annotations

from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.indexes.arguments import enough, whole
from steeple.lab.indexes.nearest import Nearest, NearestSearch, found
from steeple.lab.indexes.sharing import shared
from steeple.lab.indexes.vectors import Vectors, bits

_ID_BYTES: Final = 8
_BUCKET_BYTES: Final = 8 + 24  # its key, and where its ids are


class CodeTables:
    """Binary codes, found by any of several parts of theirs: multi-index hashing (Norouzi et al., CVPR 2012).

    Args:
        size: Bits of a code; a multiple of 8.
        tables: Hash tables, each of which has its part of the code as a key. 0: every code is compared with.
        key: Bits of a key.
        flips: Bits of a key that may differ: so many buckets are looked into.

    Raises:
        InvalidArgumentError: If keys take more bits than a code has.
    """

    def __init__(self, size: int, tables: int, key: int, flips: int) -> None:
        if tables * key > size:
            raise InvalidArgumentError(
                f"{tables} tables with keys of {key} bits take {tables * key} bits, and codes have {size}; "
                "take fewer tables or shorter keys"
            )
        self._size, self._tables = size, tables
        if tables:
            self._index: Any = faiss.IndexBinaryMultiHash(size, tables, key)
            self._index.nflip = flips
        else:
            self._index = faiss.IndexBinaryFlat(size)

    def add(self, codes: NDArray[np.uint8]) -> None:
        """Adds codes uint8[N, size / 8]."""
        self._index.add(codes)

    def nearest(self, codes: NDArray[np.uint8], count: int) -> Nearest:
        """The nearest of each code, among those that a table finds."""
        return found(self._index, codes, count)

    @property
    def bytes(self) -> int:
        """Codes, and what tables keep: ids and buckets."""
        codes = int(self._index.ntotal) * self._size // 8
        if not self._tables:
            return codes
        return (
            codes
            + self._tables * int(self._index.ntotal) * _ID_BYTES
            + int(self._index.hashtable_size()) * (_BUCKET_BYTES)
        )


def checked_tables(tables: int, key: int, flips: int) -> tuple[int, int, int]:
    """Parameters of :class:`CodeTables`.

    Raises:
        InvalidArgumentError: If a number is out of range.
    """
    return whole("tables", tables, 0, 256), whole("key_bits", key, 1, 32), whole("flips", flips, 0, 3)


class MultiProbe(NearestSearch):
    """Bits, hashed by some of them, chosen at random (LSH; Indyk and Motwani, STOC 1998), and found in several buckets.

    Buckets that differ in a bit or more are looked into as well (multi-probe; Lv et al., VLDB 2007).

    Args:
        tables: Hash tables.
        key: Bits of a key; no bit is in two keys.
        flips: Bits of a key that may differ.
        seed: Another one chooses other bits.

    Raises:
        InvalidArgumentError: If a number is out of range.
    """

    title = "multi-probe LSH"
    fitted = False

    def __init__(self, tables: int, key: int, flips: int, seed: int) -> None:
        super().__init__()
        whole("tables", tables, 1)
        self._parameters = checked_tables(tables, key, flips)
        self._seed = whole("seed", seed, 0)
        self._order: NDArray[np.int64] = np.empty(0, np.int64)
        self._codes = CodeTables(8, 0, 0, 0)

    def accept(self, rows: Vectors) -> None:
        """See :meth:`NearestSearch.accept`: bits, enough of them for the keys."""
        size = 8 * bits(rows, self.title).shape[1]
        self._codes = CodeTables(size, *self._parameters)
        self._order = np.random.default_rng(self._seed).permutation(size)

    def _permuted(self, rows: Vectors) -> NDArray[np.uint8]:
        return np.packbits(np.unpackbits(bits(rows, self.title), axis=1)[:, self._order], axis=1)

    def _build(self, rows: Vectors) -> None:
        self._codes.add(self._permuted(rows))

    def _nearest(self, rows: Vectors, count: int) -> Nearest:
        return self._codes.nearest(self._permuted(rows), count)

    def similarities(self, distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """The share of bits that agree."""
        return (1.0 - distances / len(self._order)).astype(np.float32)

    def _bytes(self) -> int:
        return self._codes.bytes


class BinaryCells(NearestSearch):
    """Bits in an inverted file, whose cells have centroids of bits.

    Args:
        lists: Cells.
        probes: Cells that are looked into; more than there are means all.

    Raises:
        InvalidArgumentError: If a number is out of range.
    """

    title = "cells of bits"

    def __init__(self, lists: int, probes: int) -> None:
        super().__init__()
        self._lists = whole("lists", lists, 1, 1 << 16)
        self._probes = min(whole("probes", probes, 1), self._lists)
        self._index: Any = None
        self._size = 0  # bits

    def accept(self, rows: Vectors) -> None:
        """See :meth:`NearestSearch.accept`: bits."""
        self._size = 8 * bits(rows, self.title).shape[1]

    def _train(self, rows: Vectors) -> None:
        enough(len(rows), self._lists, self.title, "vectors")
        quantizer: Any = faiss.IndexBinaryFlat(self._size)
        self._index = faiss.IndexBinaryIVF(quantizer, self._size, self._lists)
        self._index.cp.min_points_per_centroid = 1  # FAISS would write its advice to stderr
        with shared(8.0 * rows.size * self._lists):
            self._index.train(rows)
        self._index.nprobe = self._probes

    def _build(self, rows: Vectors) -> None:
        with shared(float(rows.size) * self._lists):
            self._index.add(rows)

    def _nearest(self, rows: Vectors, count: int) -> Nearest:
        return found(self._index, rows, count)

    def similarities(self, distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """The share of bits that agree."""
        return (1.0 - distances / self._size).astype(np.float32)

    def _bytes(self) -> int:
        return int(self._index.ntotal) * (self._size // 8 + _ID_BYTES)
