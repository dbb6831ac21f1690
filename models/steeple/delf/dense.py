"""Dense local features of any network over an image pyramid, the best of them kept (DELF, sections 4.1 and 4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from steeple.delf import pyramid
from steeple.delf.features import l2_normalised
from steeple.delf.release import ExtractionParameters


class DenseNetwork(Protocol):
    """A fully convolutional network: an image in, a descriptor and an attention score per cell out."""

    def __call__(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Runs the network.

        Args:
            image: uint8[H, W, 3], RGB; sides are multiples of the stride.

        Returns:
            Descriptors float32[h, w, D], not normalised, and attention scores float32[h, w], not negative.
        """
        ...


@dataclass(frozen=True, eq=False)
class DenseFeatures:
    """Cells of a photo's pyramid, by falling attention score.

    Attributes:
        descriptors: float32[N, D], L2-normalised.
        keypoints: float32[N, 2]; x, y, pixels of the photo: centres of the cells.
        scales: float32[N]; photo pixels per pixel of the level that the cell is of.
        scores: float32[N]; attention scores.
    """

    descriptors: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    scales: NDArray[np.float32]
    scores: NDArray[np.float32]


def best_cells(
    networks: Sequence[DenseNetwork], image: NDArray[np.uint8], parameters: ExtractionParameters
) -> DenseFeatures:
    """The cells of highest attention score, over all levels.

    Args:
        networks: One a pyramid level, the largest first; all may be one.
        image: uint8[H, W, 3], RGB.
        parameters: The pyramid, and how many cells of which score are kept.
    """
    height, width = image.shape[:2]
    descriptors, keypoints, scales, scores = [], [], [], []
    for level, cells, attention in dense_levels(networks, image, parameters):
        rows, columns = attention.shape
        descriptors.append(cells.reshape(rows * columns, -1))
        keypoints.append(pyramid.cell_centres(columns, rows, width, height))
        scales.append(np.full(rows * columns, level.scale, np.float32))
        scores.append(attention.reshape(-1))
    score = np.concatenate(scores)
    # A stable sort, so that equal scores keep the order of the pyramid and the answer is deterministic.
    order = np.argsort(-score, kind="stable")[: parameters.max_features]
    order = order[score[order] > parameters.score_threshold]
    return DenseFeatures(
        l2_normalised(np.concatenate(descriptors)[order]),
        np.concatenate(keypoints)[order],
        np.concatenate(scales)[order],
        score[order],
    )


def dense_levels(
    networks: Sequence[DenseNetwork], image: NDArray[np.uint8], parameters: ExtractionParameters
) -> Iterator[tuple[pyramid.Level, NDArray[np.float32], NDArray[np.float32]]]:
    """What a network says of each pyramid level: descriptors float32[h, w, D] and attention scores float32[h, w].

    Arguments are as for :func:`best_cells`.
    """
    levels = pyramid.levels(image.shape[1], image.shape[0], parameters)
    for network, level, pixels in zip(networks, levels, pyramid.resized(image, levels), strict=False):
        yield level, *network(pixels)
