"""What methods make of a photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FeatureMaps: TypeAlias = tuple[NDArray[np.float32], ...]
"""What a backbone makes of a photo: float32[h, w, C], not negative, one for each size it was shown, largest first."""


@dataclass(frozen=True, eq=False)
class LocalFeatures:
    """The local features of one photo, the strongest first.

    Attributes:
        positions: float32[N, 2]; x, y in pixels of the photo, the centre of its first pixel being 0, 0.
        scales: float32[N]; size of the feature in pixels, up to a factor that is the method's.
        angles: float32[N]; orientation in radians, clockwise on the screen; NaN where the method has none.
        scores: float32[N]; strength, of the method's own scale.
        descriptors: float32[N, D], L2-normalised; or uint8[N, B], 8 bits a byte, compared by Hamming distance.
        width: Of the photo, pixels.
        height: Of the photo, pixels.
    """

    positions: NDArray[np.float32]
    scales: NDArray[np.float32]
    angles: NDArray[np.float32]
    scores: NDArray[np.float32]
    descriptors: NDArray[np.float32] | NDArray[np.uint8]
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def binary(self) -> bool:
        """Whether descriptors are bits."""
        return bool(self.descriptors.dtype == np.uint8)

    def first(self, count: int) -> LocalFeatures:
        """The strongest, at most so many."""
        return LocalFeatures(
            self.positions[:count],
            self.scales[:count],
            self.angles[:count],
            self.scores[:count],
            self.descriptors[:count],
            self.width,
            self.height,
        )
