"""Pairs of photos of one landmark that verify against each other: real changes of light, season and viewpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.progress import Progress
from steeple.delf.training.photos import TrainingPhotos, training_image
from steeple.delf.training.views import ScenePair
from steeple.errors import ReleaseError

_NEIGHBOURS: Final = 10
_LEAST_INLIERS: Final = 15
_RADIUS: Final = 14.0  # pixels of a training image


@dataclass(frozen=True)
class MinedPair:
    """Two photos of a landmark and the affine map between them.

    Attributes:
        first: File.
        second: File.
        label: Number of the landmark.
        transform: 6 numbers, the affine map from pixels of the first training image to those of the second, by rows.
        region: x, y of the corners of the inliers' convex hull in the first, by turns.
        inliers: Matches that agree with the map.
    """

    first: str
    second: str
    label: int
    transform: tuple[float, ...]
    region: tuple[float, ...]
    inliers: int

    def scene(self) -> ScenePair:
        """The pair with its photos read."""
        transform = np.vstack([np.array(self.transform).reshape(2, 3), [0, 0, 1]])
        region = np.array(self.region, np.float32).reshape(-1, 2)
        return ScenePair(training_image(Path(self.first)), training_image(Path(self.second)), transform, region)


@dataclass(frozen=True)
class _Described:
    descriptors: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    whole: NDArray[np.float32]


def mine(
    photos: TrainingPhotos,
    describe: Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]],
    progress: Progress,
) -> list[MinedPair]:
    """Finds pairs with the current model: the nearest photos of the same landmark, verified.

    Args:
        photos: Labelled ones are paired.
        describe: uint8[H, W, 3] to unit descriptors float32[N, D], keypoints float32[N, 2] and a unit vector of the
            whole photo.
        progress: Told how far it is.
    """
    found: list[MinedPair] = []
    total, done = sum(map(len, photos.labelled)), 0
    for label, paths in enumerate(photos.labelled):
        described = []
        for path in paths:
            progress("pairs", done, total)
            described.append(_Described(*describe(training_image(path))))
            done += 1
        found += _of_landmark(paths, described, label)
    progress("pairs", total, total)
    return found


def _of_landmark(paths: Sequence[Path], described: Sequence[_Described], label: int) -> list[MinedPair]:
    whole = np.stack([each.whole for each in described])
    likeness = whole @ whole.T
    np.fill_diagonal(likeness, -1)
    candidates = {
        (min(i, j), max(i, j))
        for i in range(len(paths))
        for j in map(int, np.argsort(-likeness[i])[:_NEIGHBOURS])
        if i != j
    }
    found = []
    for i, j in sorted(candidates):
        verified = _verified(described[i], described[j])
        if verified is not None:
            transform, region, inliers = verified
            found.append(
                MinedPair(
                    str(paths[i]),
                    str(paths[j]),
                    label,
                    tuple(map(float, transform.ravel())),
                    tuple(map(float, region.ravel())),
                    inliers,
                )
            )
    return found


def _verified(first: _Described, second: _Described) -> tuple[NDArray[np.float64], NDArray[np.float32], int] | None:
    likeness = first.descriptors @ second.descriptors.T
    forth, back = likeness.argmax(axis=1), likeness.argmax(axis=0)
    rows = np.flatnonzero(back[forth] == np.arange(len(forth)))
    if len(rows) < _LEAST_INLIERS:
        return None
    source, target = first.keypoints[rows], second.keypoints[forth[rows]]
    found: Any = cv2.estimateAffinePartial2D(  # OpenCV's types do not know that there may be none
        source, target, method=cv2.RANSAC, ransacReprojThreshold=_RADIUS, maxIters=1000, confidence=0.999
    )
    if found[0] is None:
        return None
    kept = np.flatnonzero(found[1].ravel())
    if len(np.unique(np.rint(source[kept] / 8), axis=0)) < _LEAST_INLIERS:
        return None
    design = np.column_stack([source[kept], np.ones(len(kept))])
    affine = np.linalg.lstsq(design, target[kept], rcond=None)[0].T
    if np.linalg.det(affine[:, :2]) <= 0.02:
        return None
    hull = np.asarray(cv2.convexHull(source[kept].astype(np.float32)).reshape(-1, 2), np.float32)
    return affine, hull, len(kept)


def save(pairs: Iterable[MinedPair], file: Path) -> None:
    """Writes pairs as JSON; after a crash there is all of the file or nothing."""
    aside = file.with_name(f".{file.name}.new")
    aside.write_text(json.dumps([asdict(pair) for pair in pairs]) + "\n", encoding="utf-8")
    aside.replace(file)


def load(file: Path) -> list[MinedPair]:
    """Reads what :func:`save` wrote.

    Raises:
        ReleaseError: If the file is missing or damaged.
    """
    try:
        entries: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        return [
            MinedPair(**{**entry, "transform": tuple(entry["transform"]), "region": tuple(entry["region"])})
            for entry in entries
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ReleaseError(f"{file} cannot be read: {error}; train into another folder") from error
