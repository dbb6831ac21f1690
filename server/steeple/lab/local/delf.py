"""DELF (Noh et al., ICCV 2017) in its variants: the product's own release, and float networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.delf import DelfNetwork
from steeple.baselines.delf_weights import DelfWeights, by_energy, trained, untrained
from steeple.delf import DEFAULT_RELEASE, DIMENSIONS, Extractor, ModelRelease
from steeple.delf.dense import DenseFeatures, best_cells
from steeple.delf.extractor import MIN_SIDE, checked_image
from steeple.delf.features import MAX_FEATURES
from steeple.delf.release import ExtractionParameters
from steeple.errors import ImageError, InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.local.assembled import checked_count, no_features

TUNED: Final = "delf-tuned"
"""The network that was trained on landmarks, if nothing else is said."""


class QuantizedDelf:
    """A model release as the product runs it: int8 throughout, descriptors int8[40].

    Args:
        count: Features kept, at most.
        release: Name or folder of the model release.

    Raises:
        InvalidArgumentError: If ``count`` makes no sense.
        NotFoundError: If there is no such release.
        ReleaseError: If it is damaged.
    """

    def __init__(self, count: int = 1000, release: str = DEFAULT_RELEASE) -> None:
        loaded = ModelRelease.load(release)
        self._extractor = Extractor(
            replace(loaded, extraction=_keeping(checked_count(count, MAX_FEATURES), loaded.extraction))
        )

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        """At most ``count`` features, float32[N, 40]; none of a photo that the product refuses, being too small."""
        try:
            made = self._extractor.extract(image)
        except ImageError:
            return no_features(image, DIMENSIONS)
        cells = DenseFeatures(made.unit_descriptors(), made.keypoints, made.scales, made.scores)
        return _local(cells, image, self._extractor.release.extraction.stride)


class FloatDelf:
    """A network in float, through the same pyramid.

    Args:
        found: The network.
        count: Features kept, at most.

    Raises:
        InvalidArgumentError: If ``count`` makes no sense.
        ReleaseError: If weights are of another network.
    """

    def __init__(self, found: DelfWeights, count: int) -> None:
        self._parameters = _keeping(checked_count(count), found.extraction)
        self._network = DelfNetwork(found.parameters, found.weights)
        self._dimensions = self._network(np.zeros((MIN_SIDE, MIN_SIDE, 3), np.uint8))[0].shape[-1]

    def extract(self, image: NDArray[np.uint8]) -> LocalFeatures:
        """At most ``count`` features, float32[N, D]; none of a photo that the product refuses, being too small."""
        try:
            pixels = checked_image(image)
        except ImageError:
            return no_features(image, self._dimensions)
        networks = [self._network] * len(self._parameters.pyramid_scales)
        return _local(best_cells(networks, pixels, self._parameters), image, self._parameters.stride)


def imagenet(count: int = 1000, release: str = DEFAULT_RELEASE) -> FloatDelf:
    """DELF without any fine-tuning: a trunk that knows ImageNet, PCA, cells scored by energy.

    Args:
        count: Features kept, at most.
        release: Name or folder of a model release whose trunk was not trained further.

    Raises:
        InvalidArgumentError: If a value makes no sense, or the trunk was trained further.
        NotFoundError: If there is no such release.
        ReleaseError: If it does not say what it was made from, or is damaged.
        UnavailableError: If a package with weights cannot be fetched.
    """
    return FloatDelf(by_energy(untrained(release)), count)


def finetuned(count: int = 1000, weights: str = TUNED) -> FloatDelf:
    """DELF whose trunk and projection were trained on landmarks, cells scored by energy.

    Args:
        count: Features kept, at most.
        weights: Name or folder of a trained network, see :func:`steeple.baselines.delf_weights.trained`.

    Raises:
        InvalidArgumentError: If a value makes no sense, or the trunk was not trained.
        NotFoundError: If there is no such network.
        ReleaseError: If it has no weights, or is damaged.
    """
    found = trained(weights)
    if not found.tuned:
        raise InvalidArgumentError(
            f"the trunk of {weights} knows ImageNet alone, as delf-imagenet; choose a trained one"
        )
    return FloatDelf(by_energy(found), count)


def attention(count: int = 1000, weights: str = TUNED) -> FloatDelf:
    """DELF whose cells are scored by the attention that was learned (section 4.2).

    Args:
        count: Features kept, at most.
        weights: As for :func:`finetuned`.

    Raises:
        InvalidArgumentError: If a value makes no sense, or the network has learned no attention.
        NotFoundError: If there is no such network.
        ReleaseError: If it has no weights, or is damaged.
    """
    found = trained(weights)
    if not found.parameters.learned_attention:
        raise InvalidArgumentError(
            f"{weights} has learned no attention: its cells are scored by energy; choose another"
        )
    return FloatDelf(found, count)


def _keeping(count: int, parameters: ExtractionParameters) -> ExtractionParameters:
    return replace(parameters, max_features=count)


def _local(made: DenseFeatures, image: NDArray[np.uint8], stride: int) -> LocalFeatures:
    """Cells as local features; the size of one is its side in the photo."""
    return LocalFeatures(
        made.keypoints,
        (made.scales * stride).astype(np.float32),
        np.full(len(made.scales), np.nan, np.float32),
        made.scores,
        made.descriptors,
        image.shape[1],
        image.shape[0],
    )
