"""Photos for training networks of whole photos: who matches whom, what is held out, and pictures of one size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.training import mining
from steeple.delf.training.photometric import degraded
from steeple.delf.training.photos import TrainingPhotos, is_held_back, training_image
from steeple.delf.training.recipe import LightParameters
from steeple.errors import InvalidArgumentError

_LEAST_CROP: Final = 0.7
_ASPECT: Final = 0.75
_CELL: Final = 32  # pixels: the stride of the networks
_LIGHT: Final = LightParameters(night=0.05, noisy=0.1, occluded=0.1)


@dataclass(frozen=True)
class Collection:
    """Photos and what is known of them.

    Attributes:
        paths: Of the photos.
        labels: int64[N]; number of the landmark, or -1 of none.
        matches: Numbers of photos by the number of one, where they were verified to show the same scene.
    """

    paths: tuple[Path, ...]
    labels: NDArray[np.int64]
    matches: Mapping[int, tuple[int, ...]]


def collections(
    folder: Path, pairs: Path | None, held_out: Sequence[str], share: float
) -> tuple[Collection, Collection]:
    """What to train on and what to validate on.

    Args:
        folder: One folder of photos per landmark; of none in folders whose name begins with ``_``.
        pairs: Pairs of photos that verified, by their paths below ``folder``, as
            :func:`steeple.delf.training.mining.save` writes them; None for none.
        held_out: Landmarks to validate on.
        share: Of the photos of no landmark, to validate on.

    Raises:
        InvalidArgumentError: If there is no landmark to train or to validate on, or a pair names a photo not there.
        ReleaseError: If the pairs cannot be read.
    """
    if not held_out:
        raise InvalidArgumentError("no landmark is held out to validate on; name at least one with --held-out")
    whole = TrainingPhotos.below(folder)
    taught = TrainingPhotos.below(folder, held_out, share)
    if not taught.landmarks:
        raise InvalidArgumentError(f"{folder} has no landmark left to train on; hold out fewer")
    verified = [] if pairs is None else [(folder / one.first, folder / one.second) for one in mining.load(pairs)]
    known = set(whole.all)
    missing = next((path for pair in verified for path in pair if path not in known), None)
    if missing is not None:
        raise InvalidArgumentError(
            f"{pairs} names {missing}, which is not there; find pairs among the photos of --data"
        )
    held = [paths for name, paths in zip(whole.landmarks, whole.labelled, strict=True) if name in held_out]
    strangers = [path for path in whole.unlabelled if is_held_back(path, share)]
    return _collection(taught.labelled, taught.unlabelled, verified), _collection(held, strangers, ())


def load(paths: Sequence[Path], threads: int) -> list[NDArray[np.uint8]]:
    """Every photo, uint8[H, W, 3], RGB, of at most 448 pixels a side.

    Raises:
        ImageError: If one cannot be read; the text names it.
    """
    with ThreadPoolExecutor(threads, "steeple-photos") as pool:
        return list(pool.map(training_image, paths))


def shown(photo: NDArray[np.uint8], side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """uint8[S, S, 3]: a random square of a photo, 0.7 to 1 of its shorter side, in random light."""
    height, width = photo.shape[:2]
    extent = max(1, round(min(height, width) * rng.uniform(_LEAST_CROP, 1.0)))
    row, column = int(rng.integers(height - extent + 1)), int(rng.integers(width - extent + 1))
    square = photo[row : row + extent, column : column + extent]
    how = cv2.INTER_AREA if extent > side else cv2.INTER_LINEAR
    return degraded(np.asarray(cv2.resize(square, (side, side), interpolation=how), np.uint8), _LIGHT, rng)


def whole(photos: Sequence[NDArray[np.uint8]], side: int, count: int) -> Iterator[tuple[NDArray[np.uint8], list[int]]]:
    """Whole photos in batches of one size, about 4:3 or 3:4, whichever is nearer: a network sees two shapes alone.

    Args:
        photos: uint8[H, W, 3] each.
        side: Pixels of the longer side.
        count: Pictures of every batch; the last of a shape is filled up with black.

    Yields:
        uint8[count, h, w, 3], and the numbers of the photos, in order.
    """
    shorter = max(_CELL, round(side * _ASPECT / _CELL) * _CELL)
    for upright in (False, True):
        numbers = [n for n, photo in enumerate(photos) if (photo.shape[0] > photo.shape[1]) is upright]
        size = (shorter, side) if upright else (side, shorter)
        for first in range(0, len(numbers), count):
            chosen = numbers[first : first + count]
            batch = np.zeros((count, size[1], size[0], 3), np.uint8)
            for place, number in enumerate(chosen):
                batch[place] = cv2.resize(photos[number], size, interpolation=cv2.INTER_AREA)
            yield batch, chosen


def _collection(
    labelled: Sequence[Sequence[Path]], unlabelled: Sequence[Path], verified: Iterable[tuple[Path, Path]]
) -> Collection:
    paths = [*(path for one in labelled for path in one), *unlabelled]
    labels = [label for label, one in enumerate(labelled) for _ in one] + [-1] * len(unlabelled)
    numbers = {path: number for number, path in enumerate(paths)}
    matches: dict[int, list[int]] = {}
    for first, second in verified:
        if first in numbers and second in numbers:
            matches.setdefault(numbers[first], []).append(numbers[second])
            matches.setdefault(numbers[second], []).append(numbers[first])
    return Collection(
        tuple(paths), np.array(labels, np.int64), {one: tuple(sorted(set(found))) for one, found in matches.items()}
    )
