"""What every descriptor index does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from steeple.delf import DIMENSIONS
from steeple.delf.features import MAX_FEATURES
from steeple.errors import InvalidArgumentError
from steeple.recognition.neighbours import DescriptorSearch

MAX_IMAGE_KEY: Final = (1 << 51) - 1
"""Together with a feature number it fits into an int64."""


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


class DescriptorIndex(DescriptorSearch, Protocol):
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

    def __contains__(self, image_key: int) -> bool:
        """Whether an image was added and not removed."""
        ...

    def snapshot(self, folder: Path, sequence: int, stopped: Callable[[], bool] = ...) -> None:
        """Saves the index. What was saved before stays good until all of the new is there.

        Args:
            folder: Of this index's alone.
            sequence: Catalogue sequence number up to which it is current.
            stopped: Asked now and then whether to give up.

        Raises:
            CancelledError: If it was stopped.
            OSError: If it cannot be written.
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
    if len(descriptors) > MAX_FEATURES:
        raise InvalidArgumentError(f"an image has at most {MAX_FEATURES} descriptors, not {len(descriptors)}")
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
