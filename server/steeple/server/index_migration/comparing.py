"""Whether two indexes of the same images give the same answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.photo_files import evenly
from steeple.recognition.neighbours import DescriptorSearch, Neighbours
from steeple.server.catalogue import Catalogue

_PER_IMAGE: Final = 64  # descriptors
_IMAGES_AT_ONCE: Final = 16
_FEATURES: Final = 1 << 12  # more than an image has


@dataclass(frozen=True)
class Agreement:
    """How much two indexes agree on what is nearest to descriptors.

    Attributes:
        images: Whose descriptors were searched for.
        queries: Descriptors that were.
        neighbours: Nearest that each index was asked for.
        same_image: Share of the queries whose nearest is of the same image.
        same_feature: Share of the queries whose nearest is the same feature.
        overlap: Share of the nearest in one that are among those in the other, on average.
    """

    images: int
    queries: int
    neighbours: int
    same_image: float
    same_feature: float
    overlap: float


def compare(
    one: DescriptorSearch,
    other: DescriptorSearch,
    catalogue: Catalogue,
    model: str,
    keys: Sequence[int],
    *,
    neighbours: int,
    told: Callable[[int, int], None],
) -> Agreement:
    """Searches both indexes for descriptors of reference images, which are in both.

    Args:
        one: An index.
        other: An index of the same images.
        catalogue: Has the descriptors.
        model: Name of the release that made them.
        keys: Of the images; at most 64 descriptors of each are taken.
        neighbours: To ask for.
        told: Of the images done and of their number.
    """
    same_image, same_feature, overlaps, images = [], [], [], 0
    for start in range(0, len(keys), _IMAGES_AT_ONCE):
        told(start, len(keys))
        features = catalogue.features(keys[start : start + _IMAGES_AT_ONCE], model)
        rows = [each.unit_descriptors() for each in features.values()]
        queries = np.concatenate([part[evenly(range(len(part)), _PER_IMAGE)] for part in rows if len(part)])
        images += len(rows)
        first, second = (index.search(queries, neighbours) for index in (one, other))
        same_image.append(first.image_keys[:, 0] == second.image_keys[:, 0])
        found = [_features(each) for each in (first, second)]
        same_feature.append(found[0][:, 0] == found[1][:, 0])
        overlaps.append(_overlap(*found))
    told(len(keys), len(keys))
    if not images:
        return Agreement(0, 0, neighbours, 1.0, 1.0, 1.0)
    return Agreement(
        images,
        sum(map(len, overlaps)),
        neighbours,
        float(np.concatenate(same_image).mean()),
        float(np.concatenate(same_feature).mean()),
        float(np.concatenate(overlaps).mean()),
    )


def _features(found: Neighbours) -> NDArray[np.int64]:
    """int64[Q, K]: one number for a feature of an image; less than 0: none."""
    return np.where(found.image_keys < 0, -1, found.image_keys * _FEATURES + found.feature_numbers)


def _overlap(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64[Q]: of as many as each row has at most, those that are in both."""
    there = (one[:, :, None] == other[:, None, :]) & (one[:, :, None] >= 0)
    count = np.maximum((one >= 0).sum(axis=1), (other >= 0).sum(axis=1))
    return np.where(count > 0, there.any(axis=2).sum(axis=1) / np.maximum(count, 1), 1.0)
