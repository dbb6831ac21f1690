"""What recognition asks of an index."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


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

    def rows(self, start: int, end: int) -> Neighbours:
        """Those of some of the descriptors, that follow each other."""
        part = slice(start, end)
        return Neighbours(self.image_keys[part], self.feature_numbers[part], self.distances[part])


class DescriptorSearch(Protocol):
    """Descriptors of reference images, searchable by nearest neighbour. Thread safe."""

    def search(
        self, queries: NDArray[np.float32], neighbours: int, *, within: Collection[int] | None = None
    ) -> Neighbours:
        """The nearest neighbours of descriptors.

        Args:
            queries: float32[Q, 40].
            neighbours: K, of each.
            within: Keys of the images to look in; None: all. Keys of none are passed over.

        Raises:
            InvalidArgumentError: If shape or dtype differ, or a number is not finite.
        """
        ...
