"""Photos to local features with a model release."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steeple.delf import pyramid
from steeple.delf.dense import best_cells, dense_levels
from steeple.delf.features import MAX_SIDE, FeatureSet, l2_normalised, quantize_descriptors
from steeple.delf.image import read_image
from steeple.delf.network import Network
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease
from steeple.errors import ImageError

MIN_SIDE: Final = 32
"""Pixels. An image with a shorter side has too few cells to be recognised by, and is refused."""

MAX_ASPECT: Final = 20
"""Longest side over shortest. Panoramas up to here are taken."""

Photo: TypeAlias = str | os.PathLike[str] | bytes | NDArray[np.uint8]
"""A file's path, an encoded image's bytes, or uint8[H, W, 3] RGB pixels."""


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """What the network attends to on one level of a photo's pyramid (DELF, section 4.2).

    Attributes:
        level: Its size, and its scale in photo pixels per pixel of the level.
        scores: float32[h, w]; the attention score of each cell, not negative. The cells cover the whole photo in equal
            parts, row by row.
    """

    level: pyramid.Level
    scores: NDArray[np.float32]


class Extractor:
    """Turns photos into local features with one model release.

    The same photo gives the same features, bit for bit, on one kind of machine. Not thread safe: one
    thread at a time, whichever.

    Args:
        release: A release, its name, or its folder.
        threads: Threads that the network may use.

    Raises:
        NotFoundError: If there is no such release.
        ReleaseError: If the release is damaged.
        FailedPreconditionError: If no TFLite runtime is installed.
    """

    def __init__(self, release: ModelRelease | str | Path = DEFAULT_RELEASE, *, threads: int = 1) -> None:
        self.release = release if isinstance(release, ModelRelease) else ModelRelease.load(release)
        # One a pyramid level: a camera's frames are all of one size, and a network that sees only one
        # size plans its memory once, not at every call (a sixth of the time).
        self._networks = [
            Network(self.release.network_path, threads=threads) for _ in self.release.extraction.pyramid_scales
        ]

    def extract(self, photo: Photo) -> FeatureSet:
        """The local features of a photo.

        Args:
            photo: A file's path, an encoded image's bytes, or uint8[H, W, 3] RGB pixels.

        Returns:
            At most ``release.extraction.max_features`` features, by falling attention score. Keypoints are
            in pixels of the photo as given, with its EXIF orientation applied.

        Raises:
            ImageError: If the photo cannot be read, is too small, too narrow, or not RGB uint8.
        """
        image = checked_image(photo)
        best = best_cells(self._networks, image, self.release.extraction)
        return FeatureSet(
            model=self.release.name,
            width=image.shape[1],
            height=image.shape[0],
            descriptors=quantize_descriptors(best.descriptors),
            keypoints=best.keypoints,
            scales=best.scales,
            scores=best.scores,
        )

    def attention(self, photo: Photo) -> list[AttentionMap]:
        """The attention scores of all cells of a photo, from which :meth:`extract` keeps the best.

        Args:
            photo: As for :meth:`extract`.

        Returns:
            One map a pyramid level, the largest level first.

        Raises:
            ImageError: As :meth:`extract` does.
        """
        made = dense_levels(self._networks, checked_image(photo), self.release.extraction)
        return [AttentionMap(level, scores) for level, _, scores in made]

    def global_descriptor(self, photo: Photo) -> NDArray[np.float32]:
        """One descriptor of the whole photo (GeM: Radenovic et al., 2018), for short-listing and fusion.

        Args:
            photo: As for :meth:`extract`.

        Returns:
            float32[G], L2-normalised: the sum over the pyramid's levels, down to half size. G is the release's.

        Raises:
            FailedPreconditionError: If the release makes none.
            ImageError: As :meth:`extract` does.
        """
        image = checked_image(photo)
        levels = pyramid.levels(image.shape[1], image.shape[0], self.release.extraction)
        chosen = [level for level in levels if level.scale <= 2.0 * levels[0].scale + 0.05]
        pairs = zip(self._networks, pyramid.resized(image, chosen), strict=False)
        vectors = np.stack([network.global_descriptor(pixels) for network, pixels in pairs])
        whole: NDArray[np.float32] = l2_normalised(l2_normalised(vectors).sum(axis=0, keepdims=True))[0]
        return whole


def checked_image(photo: Photo) -> NDArray[np.uint8]:
    """The pixels of a photo, if features can be made of them.

    Raises:
        ImageError: If the photo cannot be read, is too small, too narrow, or not RGB uint8.
    """
    image = photo if isinstance(photo, np.ndarray) else read_image(photo)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f"pixels must be uint8[H, W, 3] in RGB order, not {image.dtype}{list(image.shape)}")
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise ImageError(f"the image has {width}x{height} pixels; at least {MIN_SIDE} a side are needed")
    if max(height, width) > MAX_SIDE:
        raise ImageError(f"the image has {width}x{height} pixels; at most {MAX_SIDE} a side are taken")
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise ImageError(f"the image is {width}x{height}, longer than {MAX_ASPECT}:1; send the part with the landmark")
    return np.ascontiguousarray(image)
