"""Batches of training pictures, each a function of the seed and its number alone: a run can go on where it stopped."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from steeple.delf.training.mining import MinedPair
from steeple.delf.training.photos import TrainingPhotos, training_image
from steeple.delf.training.recipe import ViewParameters
from steeple.delf.training.views import ScenePair, square_view, view_pair

_Made = TypeVar("_Made")

Batch = tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]
"""Inputs and what is to be made of them, by name."""

_LEAST_THREADS: Final = 2
_MOST_THREADS: Final = 4


@dataclass(frozen=True)
class BatchMaker:
    """Makes batches of view pairs and of labelled pictures.

    Attributes:
        photos: To draw from.
        mined: Pairs of photos of one scene.
        views: How views differ.
        stride: Of the network.
        pairs: View pairs a batch.
        labelled: Labelled pictures a batch.
        strangers: Share of the labelled pictures that show no landmark; their class is the last.
        mined_share: Share of the view pairs that are two photos.
        seed: Of the run and its stage.
    """

    photos: TrainingPhotos
    mined: Sequence[MinedPair]
    views: ViewParameters
    stride: int
    pairs: int
    labelled: int
    strangers: float
    mined_share: float
    seed: tuple[int, ...]

    def __call__(self, number: int) -> Batch:
        """Batch ``number``: uint8 pictures and the targets of the losses."""
        rng = np.random.default_rng([*self.seed, number])
        inputs: dict[str, NDArray[Any]] = {}
        wanted: dict[str, NDArray[Any]] = {}
        if self.pairs:
            pairs = [self._pair(rng) for _ in range(self.pairs)]
            views = [view_pair(scene, self.views, self.stride, rng) for scene, _ in pairs]
            inputs["first"] = np.stack([view.first for view in views])
            inputs["second"] = np.stack([view.second for view in views])
            positions = np.stack([view.positions for view in views])
            wanted["positions"] = positions
            wanted["valid"] = np.stack([view.valid for view in views]).astype(np.float32)
            wanted["targets"] = _cells(positions, self.views.side, self.stride)
            # Photos of one landmark may show the same wall, and are not held against each other.
            wanted["scenes"] = np.array(
                [label if label >= 0 else -1 - place for place, (_, label) in enumerate(pairs)], np.int32
            )
        if self.labelled:
            chosen = [self._labelled(rng) for _ in range(self.labelled)]
            inputs["labelled"] = np.stack([image for image, _ in chosen])
            wanted["classes"] = np.array([label for _, label in chosen], np.int32)
        return inputs, wanted

    def _pair(self, rng: np.random.Generator) -> tuple[ScenePair, int]:
        if self.mined and rng.random() < self.mined_share:
            mined = self.mined[int(rng.integers(len(self.mined)))]
            return mined.scene(), mined.label
        sizes = [len(self.photos.unlabelled), *map(len, self.photos.labelled)]
        number = int(rng.integers(sum(sizes)))
        for label, size in enumerate(sizes, start=-1):
            if number < size:
                paths = self.photos.unlabelled if label < 0 else self.photos.labelled[label]
                return ScenePair.of_one(training_image(paths[number])), label
            number -= size
        raise AssertionError  # pragma: no cover - the number is below the sum

    def _labelled(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], int]:
        landmarks = len(self.photos.landmarks)
        stranger = bool(self.photos.unlabelled) and (not landmarks or rng.random() < self.strangers)
        label = landmarks if stranger else int(rng.integers(landmarks))
        paths = self.photos.unlabelled if stranger else self.photos.labelled[label]
        return square_view(training_image(paths[int(rng.integers(len(paths)))]), self.views, rng), label


def _cells(positions: NDArray[np.float32], side: int, stride: int) -> NDArray[np.int32]:
    count = side // stride
    grid = np.clip(np.rint((positions + 0.5) / stride - 0.5), 0, count - 1).astype(np.int32)
    numbers: NDArray[np.int32] = grid[..., 1] * count + grid[..., 0]
    return numbers


def threads() -> int:
    """How many threads make batches: a few of the processor's cores, for the network runs beside them."""
    return min(_MOST_THREADS, max(_LEAST_THREADS, (os.cpu_count() or 1) // 2))


def ahead(make: Callable[[int], _Made], numbers: range) -> Generator[_Made, None, None]:
    """``make`` of each number in order, made by threads while the caller works on the ones before."""
    waiting: deque[Future[_Made]] = deque()
    count = threads()
    with ThreadPoolExecutor(count, "steeple-batches") as pool:
        try:
            for number in numbers:
                waiting.append(pool.submit(make, number))
                if len(waiting) > 2 * count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
