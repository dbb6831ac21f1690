"""A query whose features come in parts."""

from __future__ import annotations

import numpy as np

from steeple.delf import FeatureSet
from steeple.recognition.neighbours import Neighbours


class Accumulated:
    """What is known of a query so far: its features, and their neighbours, which are looked for once.

    Not thread safe: parts come one after the other.

    Attributes:
        counted: Whether an answer was counted as an identification: that happens once, however many parts there are.
    """

    def __init__(self) -> None:
        self.counted = False
        self._features: FeatureSet | None = None
        self._neighbours: Neighbours | None = None

    @property
    def features(self) -> FeatureSet | None:
        """All of them so far; None if there were none."""
        return self._features

    @property
    def neighbours(self) -> Neighbours | None:
        """Of all features so far; None if there were none."""
        return self._neighbours

    def extend(self, features: FeatureSet, neighbours: Neighbours) -> tuple[FeatureSet, Neighbours]:
        """All features and all neighbours, with those of another part.

        Raises:
            FeatureSetError: If the part is of another image or release, or there are too many features now.
        """
        if self._features is not None and self._neighbours is not None:
            features = self._features.followed_by(features)
            before = self._neighbours
            neighbours = Neighbours(
                np.concatenate([before.image_keys, neighbours.image_keys]),
                np.concatenate([before.feature_numbers, neighbours.feature_numbers]),
                np.concatenate([before.distances, neighbours.distances]),
            )
        self._features, self._neighbours = features, neighbours
        return features, neighbours
