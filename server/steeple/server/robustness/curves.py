"""Curves of how well photos are matched with changed copies of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np

from steeple.delf.homographies import Image
from steeple.delf.progress import Progress
from steeple.errors import InvalidArgumentError
from steeple.server.robustness.matches import Matched, match
from steeple.server.robustness.methods import LocalFeatures, Method
from steeple.server.robustness.transformations import Transformation

MIN_PHOTOS: Final = 2
"""One hides a part of the other."""


@dataclass(frozen=True)
class Point:
    """What one method does at one strength of a transformation, over all photos.

    Attributes:
        strength: Of the transformation.
        recognised: Share of the photos that verification found where they are.
        correct_share: Share of a photo's matches that are correct, mean; 0 for a photo without matches.
        near_share: The same of those that are near.
        correct: Correct matches of a photo, mean.
        matches: Matches of a photo, mean.
    """

    strength: float
    recognised: float
    correct_share: float
    near_share: float
    correct: float
    matches: float


@dataclass(frozen=True)
class Curves:
    """One transformation.

    Attributes:
        transformation: Which.
        points: By name of the method, a point for each strength.
    """

    transformation: Transformation
    points: dict[str, tuple[Point, ...]]

    def mean(self, method: str) -> float:
        """Share of photos that a method recognises, mean over the strengths."""
        return fmean(point.recognised for point in self.points[method])


def measure(
    photos: Sequence[Image],
    methods: Sequence[Method],
    transformations: Sequence[Transformation],
    progress: Progress,
) -> list[Curves]:
    """Matches every photo with every changed copy of itself. The same photos give the same curves.

    Args:
        photos: uint8[H, W, 3] each, RGB.
        methods: What finds the features.
        transformations: What changes the photos.
        progress: Told how many photos are done.

    Raises:
        InvalidArgumentError: If there are fewer than :data:`MIN_PHOTOS` photos.
    """
    if len(photos) < MIN_PHOTOS:
        raise InvalidArgumentError(f"at least {MIN_PHOTOS} photos are needed: one hides a part of the other")
    found: dict[tuple[str, float, str], list[Matched]] = {}
    for number, photo in enumerate(photos):
        progress("photos", number, len(photos))
        other = photos[(number + 1) % len(photos)]
        features = {method.name: method.features(photo) for method in methods}
        for transformation in transformations:
            for strength in transformation.strengths:
                matched = _matched(photo, other, number, methods, features, transformation, strength)
                for name, one in matched.items():
                    found.setdefault((transformation.name, strength, name), []).append(one)
    progress("photos", len(photos), len(photos))
    return [
        Curves(
            transformation,
            {
                method.name: tuple(
                    _point(strength, found[transformation.name, strength, method.name])
                    for strength in transformation.strengths
                )
                for method in methods
            },
        )
        for transformation in transformations
    ]


def _matched(
    photo: Image,
    other: Image,
    number: int,
    methods: Sequence[Method],
    features: dict[str, LocalFeatures],
    transformation: Transformation,
    strength: float,
) -> dict[str, Matched]:
    view = transformation.view(photo, strength, other, number)
    same = np.array_equal(view.image, photo)  # nothing to extract anew
    sizes = [(image.shape[1], image.shape[0]) for image in (photo, view.image)]
    return {
        method.name: match(
            features[method.name] if same else method.features(view.image),
            features[method.name],
            view.homography,
            sizes[0],
            sizes[1],
        )
        for method in methods
    }


def _point(strength: float, matched: Sequence[Matched]) -> Point:
    return Point(
        strength=strength,
        recognised=fmean(one.recognised for one in matched),
        correct_share=fmean(one.correct / max(one.matches, 1) for one in matched),
        near_share=fmean(one.near / max(one.matches, 1) for one in matched),
        correct=fmean(one.correct for one in matched),
        matches=fmean(one.matches for one in matched),
    )
