"""Photos of a synthetic catalogue, and queries that show one of them or none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import FeatureSet
from steeple.delf.features import quantize_descriptors
from steeple.errors import InvalidArgumentError
from steeple.server.scale.operating_points import QUERY_DESCRIPTORS
from steeple.server.scale.synthetic import IMAGE_DESCRIPTORS, moved

QUERY_IMAGES: Final = 20
"""Images that a query has descriptors of: as many as are verified."""

PLANTED: Final = 150
"""Features of a query that show the image that it is of."""

DISTANCE: Final = 0.58
"""Between features of one spot in two photos, at the median."""

WIDTH: Final = 640
"""Of a synthetic photo, pixels."""

HEIGHT: Final = 480
"""Of a synthetic photo, pixels."""

_NOISE: Final = 4.0  # pixels, as cells of 16 pixels place a keypoint: 16 / sqrt(12)


@dataclass(frozen=True)
class Query:
    """What a photo to be recognised would be.

    Attributes:
        features: 500 of them.
        image: Number of the image that it shows; None if it shows none.
    """

    features: FeatureSet
    image: int | None


class SyntheticPhotos:
    """Features of a synthetic catalogue's images: its descriptors, at random keypoints of 640x480 pixels.

    Image and query n are the same each time.

    Args:
        model: Name of the release.
        descriptors: float32[1000, 40] of each image, by its number.
        images: In the catalogue.

    Raises:
        InvalidArgumentError: If there are fewer images than :data:`QUERY_IMAGES`.
    """

    def __init__(self, model: str, descriptors: Callable[[int], NDArray[np.float32]], images: int) -> None:
        if images < QUERY_IMAGES:
            raise InvalidArgumentError(
                f"whole queries need a catalogue of {QUERY_IMAGES} images, not {images}: give --descriptors of at "
                f"least {QUERY_IMAGES * IMAGE_DESCRIPTORS}"
            )
        self._model = model
        self._descriptors = descriptors
        self._images = images

    def photo(self, number: int) -> FeatureSet:
        """The features of an image."""
        return self._features(self._descriptors(number), self._keypoints(number))

    def query(self, number: int, *, planted: bool) -> Query:
        """A query of 500 features, all copies of the catalogue's descriptors, moved by 0.58.

        Args:
            number: Of the query.
            planted: Whether 150 of them are of one image, where a similarity puts them, with 4 pixels of noise. All
                others are of 20 images, or 19 more, at random keypoints: matches that verification has to refuse.
        """
        rng = np.random.default_rng((8, number, planted))
        images = rng.choice(self._images, QUERY_IMAGES, replace=False)
        rows, keypoints = [], []
        if planted:
            shown, images = int(images[0]), images[1:]
            at = seen_from_elsewhere(self._keypoints(shown), rng)
            inside = np.flatnonzero(((at >= 0) & (at < (WIDTH - 1, HEIGHT - 1))).all(axis=1))
            chosen = rng.choice(inside, min(PLANTED, len(inside)), replace=False)
            rows.append(self._descriptors(shown)[chosen])
            keypoints.append(at[chosen])
        rest = QUERY_DESCRIPTORS - sum(map(len, rows))
        for image, count in zip(images, np.bincount(np.arange(rest) % len(images)), strict=True):
            rows.append(self._descriptors(int(image))[rng.choice(IMAGE_DESCRIPTORS, int(count), replace=False)])
            keypoints.append(rng.uniform(0, (WIDTH - 1, HEIGHT - 1), (int(count), 2)))
        order = rng.permutation(QUERY_DESCRIPTORS)
        copies = moved(np.concatenate(rows)[order], DISTANCE, rng)
        features = self._features(copies, np.concatenate(keypoints)[order].astype(np.float32))
        return Query(features, shown if planted else None)

    def _keypoints(self, number: int) -> NDArray[np.float32]:
        rng = np.random.default_rng((7, number))
        return rng.uniform(0, (WIDTH - 1, HEIGHT - 1), (IMAGE_DESCRIPTORS, 2)).astype(np.float32)

    def _features(self, descriptors: NDArray[np.float32], keypoints: NDArray[np.float32]) -> FeatureSet:
        count = len(descriptors)
        return FeatureSet(
            self._model,
            WIDTH,
            HEIGHT,
            quantize_descriptors(descriptors),
            keypoints,
            np.ones(count, np.float32),
            np.linspace(1.0, 0.1, count, dtype=np.float32),
        )


def seen_from_elsewhere(keypoints: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """float64[N, 2]: where a similarity puts keypoints, with 4 pixels of noise.

    It zooms by 0.7 to 1.2, turns by up to 20 degrees and shifts a little.

    Args:
        keypoints: float32[N, 2]; of 640x480 pixels.
        rng: Chooses it.
    """
    zoom, angle = math.exp(rng.uniform(math.log(0.7), math.log(1.2))), math.radians(rng.uniform(-20, 20))
    turn = zoom * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    middle = np.array([WIDTH, HEIGHT]) / 2
    shifted = middle + rng.uniform(-40, 40, 2)
    moved_there: NDArray[np.float64] = (keypoints - middle) @ turn.T + shifted
    return moved_there + rng.normal(0, _NOISE, keypoints.shape)
