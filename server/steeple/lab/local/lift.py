"""Local features of a network like LIFT."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.baselines import releases
from steeple.baselines.lift import Lift
from steeple.baselines.patches import REGION, SIDE, cut
from steeple.errors import InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.local.assembled import checked_count, no_features, strongest_first
from steeple.lab.local.opencv import grey
from steeple.lab.protocols import Kind, LocalExtractor

_OCTAVE: Final = 2  # levels
_AROUND: Final = np.ones((5, 5), np.uint8)
_ACROSS: Final = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class _Level:
    image: NDArray[np.uint8]
    scores: NDArray[np.float32]
    factors: NDArray[np.float64]  # x, y; pixels of the photo in one of the level

    @property
    def size(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[0]


class LiftLike:
    """A learned detector on a pyramid, learned orientations, and learned descriptors (after Yi et al., ECCV 2016).

    See :mod:`steeple.baselines.lift` for what is like LIFT and what is not.

    Args:
        count: Features kept, at most.
        threshold: Pixels with a lower score are no keypoints. Training wants blank places below -1, keypoints above 1.

    Raises:
        InvalidArgumentError: If a value makes no sense.
        NotFoundError: If the network is not part of this installation.
    """

    def __init__(self, count: int = 1000, threshold: float = 0.0) -> None:
        if not math.isfinite(threshold):
            raise InvalidArgumentError(f"'threshold' of lift-like is a finite number, not {threshold!r}")
        self._count, self._threshold = checked_count(count), threshold
        self._network = Lift(releases.load("lift").weights)

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        """At most ``count`` features, float32[N, 128], of a photo uint8[H, W, 3]."""
        levels = self._levels(grey(image)) if min(image.shape[:2]) >= SIDE else []
        height, width = image.shape[:2]
        places = [self._peaks(levels, number) for number in range(len(levels))]
        found = sum(len(one) for one in places)
        if not found:
            return no_features(image, self._network.dimensions)
        scores = [level.scores[at[:, 1], at[:, 0]] for level, at in zip(levels, places, strict=True)]
        # What is not kept need not be described.
        kept = np.zeros(found, np.bool_)
        kept[np.argsort(-np.concatenate(scores), kind="stable")[: self._count]] = True
        masks = np.split(kept, np.cumsum([len(at) for at in places])[:-1])
        parts = [
            self._described(level, _refined(level.scores, at[mask]), strengths[mask])
            for level, at, strengths, mask in zip(levels, places, scores, masks, strict=True)
        ]
        positions, scales, angles, strengths, descriptors = (np.concatenate(one) for one in zip(*parts, strict=True))
        return strongest_first(
            LocalFeatures(positions, scales, angles, strengths, descriptors, width, height), self._count
        )

    def _levels(self, photo: NDArray[np.uint8]) -> list[_Level]:
        """The photo and smaller ones, two an octave, down to the size of a patch."""
        levels: list[_Level] = []
        height, width = photo.shape
        while True:
            factor = 2.0 ** (len(levels) / _OCTAVE)
            size = round(width / factor), round(height / factor)
            if min(size) < SIDE:
                return levels
            smaller = photo if not levels else cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
            image = np.asarray(smaller, np.uint8)
            factors = np.array([width / size[0], height / size[1]])
            levels.append(_Level(image, self._network.scores(image), factors))

    def _peaks(self, levels: list[_Level], number: int) -> NDArray[np.int64]:
        """int64[N, 2]: x, y of pixels of a level with higher scores than all around, there and in the next levels."""
        level = levels[number]
        highest = cv2.dilate(level.scores, _AROUND)
        for other in levels[max(0, number - 1) : number + 2]:
            if other is not level:
                theirs = cv2.resize(cv2.dilate(other.scores, _ACROSS), level.size, interpolation=cv2.INTER_LINEAR)
                highest = np.maximum(highest, theirs)
        return np.argwhere((level.scores >= highest) & (level.scores > self._threshold))[:, ::-1]

    def _described(
        self, level: _Level, at: NDArray[np.float64], scores: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], ...]:
        """Positions, scales, angles, scores and descriptors of places of a level."""
        regions = np.full(len(at), float(SIDE))
        angles = self._network.angles(cut(level.image, at, regions, np.zeros(len(at)), SIDE))
        descriptors = self._network.descriptors(cut(level.image, at, regions, angles, SIDE))
        size = SIDE / REGION * np.sqrt(level.factors.prod())
        positions = ((at + 0.5) * level.factors - 0.5).astype(np.float32)
        return positions, np.full(len(at), size, np.float32), angles, scores, descriptors


def _refined(scores: NDArray[np.float32], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64[N, 2]: where parabolas through the scores of pixels and their neighbours have their tops."""
    padded = np.pad(scores, 1, mode="edge").astype(np.float64)
    x, y = at[:, 0] + 1, at[:, 1] + 1
    middle = padded[y, x]
    offsets = []
    for before, after in ((padded[y, x - 1], padded[y, x + 1]), (padded[y - 1, x], padded[y + 1, x])):
        bend = 2 * middle - before - after
        offsets.append(np.where(bend > 0, (after - before) / (2 * np.maximum(bend, 1e-9)), 0.0))
    return np.asarray(at + np.clip(np.stack(offsets, axis=1), -0.5, 0.5), np.float64)


KINDS: Final[dict[str, Kind[LocalExtractor]]] = {
    "lift-like": Kind(
        "LIFT-like",
        "near to Yi, Trulls, Lepetit and Fua, ECCV 2016",
        "A learned detector, orientation and descriptor of LIFT's kinds, trained by this project side by side, each by "
        "a loss of its own, on two views of one photo each; levels are a root of 2 apart.",
        LiftLike,
    )
}
