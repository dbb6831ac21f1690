"""What lies where in a pack, and how much of it there may be; docs/client/packs.md describes it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.cells import CellGrid

FORMAT: Final = "steeple-pack"
VERSION: Final = 1

MANIFEST: Final = "manifest.json"
LANDMARKS: Final = "landmarks.json"
COARSE: Final = "codebook/coarse.npy"
PRODUCT: Final = "codebook/product.npy"
ROTATION: Final = "codebook/rotation.npy"
LISTS: Final = "lists.npy"
CODES: Final = "codes.npy"
CELLS: Final = "cells.npy"
DESCRIPTORS: Final = "descriptors.npy"

MAX_LANDMARKS: Final = 50_000
MAX_IMAGES: Final = 500_000
MAX_IMAGES_OF_LANDMARK: Final = 1000
MAX_CELLS: Final = 1 << 20
"""Of an image's pyramid."""

MAX_THUMBNAIL: Final = 256 << 10
"""Bytes of one."""

LONGEST_MANIFEST: Final = 16 << 20
LONGEST_LANDMARKS: Final = 256 << 20


def thumbnail_member(landmark_id: str) -> str:
    """Name of the member that holds a landmark's thumbnail."""
    return f"thumbnails/{landmark_id}.jpg"


def list_dtype(lists: int) -> np.dtype[np.unsignedinteger]:
    """Of the numbers of as many inverted lists, in the file."""
    return np.dtype("<u2") if lists <= 1 << 16 else np.dtype("<u4")


def npy_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """What stands before the numbers of an array that ``numpy.load`` reads (its format 1.0).

    NumPy pads it in other ways from version to version; made here, it is always the same, and never has to be parsed.
    """
    said = f"{{'descr': '{dtype.newbyteorder('<').str}', 'fortran_order': False, 'shape': {shape}, }}"
    text = said.ljust(_HEADER - _HEADER_PREFIX - 1).encode("ascii") + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def bitmap_bytes(cells: int) -> int:
    """Bytes of a bit for each of so many cells."""
    return -(-cells // 8)


def bitmap(numbers: NDArray[np.int64], grid: CellGrid) -> NDArray[np.uint8]:
    """uint8[B]: a bit for each cell of a grid, the first cell's highest; those of ``numbers`` are set."""
    bits = np.zeros(len(grid), np.uint8)
    bits[numbers] = 1
    return np.packbits(bits)


_HEADER: Final = 128  # bytes, of which numbers begin at a multiple of 64
_HEADER_PREFIX: Final = 10
_SET_BITS: Final = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.int64)


def set_bits(bitmaps: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[I]: set bits of bitmaps that lie one after the other and begin at ``starts``; none is empty."""
    return np.add.reduceat(_SET_BITS[bitmaps], starts)
