"""What every descriptor index does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS
from steeple.errors import InvalidArgumentError

FEATURE_BITS: Final = 12
"""Bits of a descriptor's id that number it within its image (``MAX_FEATURES`` is 4096)."""

MAX_IMAGE_KEY: Final = (1 << (63 - FEATURE_BITS)) - 1


@dataclass(frozen=True)
class Neighbours:
    """Nearest neighbours of Q descriptors, K each, nearest first.

    Attributes:
        image_keys: int64[Q, K]; the neighbour's image, -1 where fewer than K were found.
        feature_numbers: int32[Q, K]; the neighbour's row in its image's descriptors.
        distances: float32[Q, K]; squared Euclidean distances, infinite where there is no neighbour.
    """

    image_keys: NDArray[np.int64]
    feature_numbers: NDArray[np.int32]
    distances: NDArray[np.float32]


@dataclass(frozen=True)
class IndexStats:
    """What an index holds.

    Attributes:
        kind: What it is, as in ``IVF1024,PQ20 on CPU``.
        images: Reference images.
        descriptors: Their descriptors.
        bytes_per_descriptor: Of codes and ids.
    """

    kind: str
    images: int
    descriptors: int
    bytes_per_descriptor: float


class DescriptorIndex(Protocol):
    """Descriptors of reference images, searchable by nearest neighbour. Thread safe.

    What :meth:`add` and :meth:`remove` did is seen by every search that begins after they return.
    """

    def add(self, image_key: int, descriptors: NDArray[np.float32]) -> None:
        """Adds an image's descriptors, float32[N, 40]. An image that is there already is replaced.

        Raises:
            InvalidArgumentError: If shape or dtype differ, a number is not finite, or the key is out of range.
        """
        ...

    def remove(self, image_key: int) -> bool:
        """Removes an image; whether it was there."""
        ...

    def search(self, queries: NDArray[np.float32], neighbours: int) -> Neighbours:
        """The nearest ``neighbours`` of each row of ``queries``, float32[Q, 40].

        Raises:
            InvalidArgumentError: If shape or dtype differ, or a number is not finite.
        """
        ...

    def __contains__(self, image_key: int) -> bool:
        """Whether an image was added and not removed."""
        ...

    def snapshot(self, path: Path, sequence: int) -> None:
        """Writes the index, with the catalogue sequence number up to which it is current.

        The file at ``path`` is either the old one or the whole new one, whatever happens.
        """
        ...

    def stats(self) -> IndexStats:
        """What the index holds."""
        ...


def checked(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """``descriptors``, contiguous.

    Raises:
        InvalidArgumentError: If they are not float32[N, 40] of finite numbers.
    """
    if descriptors.dtype != np.float32 or descriptors.ndim != 2 or descriptors.shape[1] != DIMENSIONS:
        raise InvalidArgumentError(
            f"descriptors must be float32[N, {DIMENSIONS}], not {descriptors.dtype}{list(descriptors.shape)}"
        )
    if len(descriptors) > 1 << FEATURE_BITS:
        raise InvalidArgumentError(f"an image has at most {1 << FEATURE_BITS} descriptors, not {len(descriptors)}")
    if not np.isfinite(descriptors).all():
        raise InvalidArgumentError("descriptors must be finite numbers")
    return np.ascontiguousarray(descriptors)


def checked_key(image_key: int) -> int:
    """``image_key``.

    Raises:
        InvalidArgumentError: If it is not from 0 to :data:`MAX_IMAGE_KEY`.
    """
    if not 0 <= image_key <= MAX_IMAGE_KEY:
        raise InvalidArgumentError(f"an image key lies in 0 to {MAX_IMAGE_KEY}, not {image_key}")
    return image_key


def descriptor_ids(image_key: int, count: int) -> NDArray[np.int64]:
    """int64[count]: the ids of an image's descriptors."""
    return (image_key << FEATURE_BITS) + np.arange(count, dtype=np.int64)


def neighbours_of_ids(ids: NDArray[np.int64], distances: NDArray[np.float32]) -> Neighbours:
    """Neighbours from descriptor ids (-1: none) and squared distances, both [Q, K]."""
    none = ids < 0
    return Neighbours(
        image_keys=np.where(none, -1, ids >> FEATURE_BITS),
        feature_numbers=np.where(none, -1, ids & ((1 << FEATURE_BITS) - 1)).astype(np.int32),
        distances=np.where(none, np.float32(np.inf), distances),
    )
