"""Pairs of patches of many photos, made once in processes of their own and kept in memory."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.baselines.training.correspondences import PairParameters, corresponding
from steeple.baselines.training.patch_pairs import PatchArrays, PatchParameters, patch_pairs
from steeple.delf.photo_files import some_photos_below
from steeple.delf.progress import Progress
from steeple.delf.training.photos import is_held_back, training_image
from steeple.errors import InvalidArgumentError

PHOTO: Final = "photo"
"""Of a pool's arrays: int32[N]; number of the photo of each pair."""

SCENE: Final = "scene"
"""Of a pool's arrays: int32[N]; equal for pairs of the same two views of a photo, in which no two show the same."""

HELD_BACK: Final = 0.05
"""Share of the photos that is kept for validation, chosen by the hash of their names."""

_TOGETHER: Final = 8  # pairs of a scene in a batch
_CHUNK: Final = 4
_ROUNDS_AT_MOST: Final = 1000


@dataclass(frozen=True)
class PatchPhotos:
    """Photos by what they are used for.

    Attributes:
        training: By path.
        validation: By path; none of them is trained on.
    """

    training: tuple[Path, ...]
    validation: tuple[Path, ...]

    @staticmethod
    def below(folder: Path) -> PatchPhotos:
        """All photos anywhere below a folder.

        Raises:
            InvalidArgumentError: If there are not enough to train on some and to validate on others.
        """
        if not folder.is_dir():
            raise InvalidArgumentError(f"there is no folder {folder}")
        found = some_photos_below(folder)
        validation = tuple(path for path in found if is_held_back(path, HELD_BACK))
        training = tuple(path for path in found if not is_held_back(path, HELD_BACK))
        if len(validation) < 2 or len(training) < 2:
            raise InvalidArgumentError(f"{folder} has {len(found)} photos; there must be more, at least some fifty")
        return PatchPhotos(training, validation)


@dataclass(frozen=True)
class _Task:
    path: Path
    photo: int
    scene: int
    seed: tuple[int, ...]
    pairs: PairParameters
    patches: PatchParameters


def make_pool(
    photos: Sequence[Path],
    count: int,
    pairs: PairParameters,
    patches: PatchParameters,
    *,
    seed: int,
    workers: int,
    progress: Progress,
    until: float = math.inf,
) -> PatchArrays:
    """Makes pairs of patches: photo by photo, again and again with other views, until there are enough.

    Args:
        photos: To make them of.
        count: Of pairs.
        pairs: How views differ.
        patches: Which patches.
        seed: The same pool comes of the same seed, however many processes make it.
        workers: Processes.
        progress: Told how far it is.
        until: When to stop with what there is, if that is anything, by :func:`time.monotonic`.

    Returns:
        What :func:`steeple.baselines.training.patch_pairs.patch_pairs` returns, of all photos, and ``photo`` and
        ``scene``.

    Raises:
        ImageError: If a photo cannot be read.
        InvalidArgumentError: If photos are so plain that there are no pairs.
    """
    tasks = (
        _Task(path, number, turn * len(photos) + number, (seed, turn, number), pairs, patches)
        for turn in range(_ROUNDS_AT_MOST)
        for number, path in enumerate(photos)
    )
    parts: list[PatchArrays] = []
    done = tried = 0
    # Processes begin anew: what was imported by now - Keras, a GPU - must not be copied into them.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin) as executor:
        # In portions, so that not much more is made than is wanted.
        portion = workers * 4 * _CHUNK
        waiting = [executor.submit(_made, list(islice(tasks, _CHUNK))) for _ in range(portion // _CHUNK)]
        while waiting and done < count and (not done or time.monotonic() < until):
            made = waiting.pop(0).result()
            waiting.append(executor.submit(_made, list(islice(tasks, _CHUNK))))
            parts += made
            tried += _CHUNK
            done += sum(len(part[PHOTO]) for part in made)
            progress("pairs of patches", min(done, count), count)
            if not done and tried >= 2 * len(photos):
                break
        executor.shutdown(wait=True, cancel_futures=True)
    if not done:
        raise InvalidArgumentError("the photos are so plain that no keypoint is found; take others")
    return {name: np.concatenate([part[name] for part in parts])[:count] for name in parts[0]}


def default_workers() -> int:
    """As many processes as there are processors, up to 4."""
    return min(4, os.cpu_count() or 1)


def drawn(pool: PatchArrays, size: int, seed: tuple[int, ...]) -> NDArray[np.intp]:
    """intp[size]: numbers of pairs of a pool, none twice; eight at a time are neighbours in it, so mostly of a scene.

    Patches of one photo are the hardest to tell apart: they share light, style and material.

    Args:
        pool: From :func:`make_pool`; of ``size`` pairs and more.
        size: Of the batch.
        seed: Of the draw.
    """
    rng = np.random.default_rng(seed)
    count = len(pool[PHOTO])
    together = _TOGETHER if size % _TOGETHER == 0 and count >= _TOGETHER * size else 1
    first = together * rng.choice(count // together, min(size, count) // together, replace=False)
    return np.asarray((first[:, None] + np.arange(together)).reshape(-1), np.intp)


def batch(pool: PatchArrays, size: int, seed: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    """Pairs drawn from a pool, mirrored and turned by a right angle at random, all in the same way.

    Args:
        pool: From :func:`make_pool`, without patches for detection.
        size: Of the batch.
        seed: Of the draw.
    """
    rng = np.random.default_rng((*seed, 1))
    chosen = drawn(pool, size, seed)
    mirrored, turns = bool(rng.integers(2)), int(rng.integers(4))
    changed = {}
    for name in ("first", "second"):
        patches = np.rot90(pool[name][chosen], turns, axes=(1, 2))
        changed[name] = np.ascontiguousarray(patches[:, :, ::-1] if mirrored else patches)
    return {**changed, PHOTO: pool[PHOTO][chosen], SCENE: pool[SCENE][chosen]}


def _begin() -> None:
    cv2.setNumThreads(1)


def _made(tasks: Sequence[_Task]) -> list[PatchArrays]:
    made = []
    for task in tasks:
        rng = np.random.default_rng(task.seed)
        found = corresponding(training_image(task.path), task.pairs, rng)
        if not len(found.in_first):
            continue
        arrays = patch_pairs(found, task.patches, rng)
        arrays[PHOTO] = np.full(len(found.in_first), task.photo, np.int32)
        arrays[SCENE] = np.full(len(found.in_first), task.scene, np.int32)
        made.append(arrays)
    return made
