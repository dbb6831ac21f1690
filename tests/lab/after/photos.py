"""Evidence of photos that do not exist."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.homographies import Homography, mapped
from steeple.lab.features import LocalFeatures
from steeple.lab.protocols import Evidence

SIZE = 640, 480


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """float32[N, D] or float32[D], L2-normalised."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def clusters(seed: int, groups: int, each: int, dimensions: int = 16, spread: float = 0.25) -> NDArray[np.float32]:
    """float32[groups * each, D]: vectors of photos, those of a landmark near each other and in a row."""
    random = np.random.default_rng(seed)
    centres = unit(random.normal(size=(groups, dimensions)))
    noise = random.normal(size=(groups, each, dimensions)) * spread / np.sqrt(dimensions)
    return unit((centres[:, None] + noise).reshape(groups * each, dimensions))


def features(seed: int, count: int = 60, binary: bool = False) -> LocalFeatures:
    """Random features all over a photo."""
    random = np.random.default_rng(seed)
    descriptors = random.integers(0, 256, (count, 32), np.uint8) if binary else unit(random.normal(size=(count, 32)))
    return LocalFeatures(
        random.uniform((0, 0), SIZE, (count, 2)).astype(np.float32),
        random.uniform(5, 40, count).astype(np.float32),
        np.full(count, np.nan, np.float32),
        np.linspace(1, 0, count, dtype=np.float32),
        descriptors,
        *SIZE,
    )


def seen(photo: LocalFeatures, homography: Homography, keep: int) -> LocalFeatures:
    """The first ``keep`` features of a photo as seen through a homography, among others that are new."""
    zoom = float(np.sqrt(np.linalg.det(homography[:2, :2])))
    other = features(len(photo) + keep, len(photo), photo.binary)
    positions = np.concatenate([mapped(homography, photo.positions[:keep]).astype(np.float32), other.positions[keep:]])
    scales = np.concatenate([photo.scales[:keep] * np.float32(zoom), other.scales[keep:]])
    descriptors = np.concatenate([photo.descriptors[:keep], other.descriptors[keep:]])
    return LocalFeatures(positions, scales, photo.angles, photo.scores, descriptors, photo.width, photo.height)


def orb(image: NDArray[np.uint8]) -> LocalFeatures:
    """ORB features of a picture uint8[H, W, 3]."""
    found, bits = cv2.ORB.create(500).detectAndCompute(image, np.empty(0, np.uint8))
    return LocalFeatures(
        np.array([each.pt for each in found], np.float32),
        np.array([each.size for each in found], np.float32),
        np.radians([each.angle for each in found]).astype(np.float32),
        np.array([each.response for each in found], np.float32),
        np.asarray(bits, np.uint8),
        image.shape[1],
        image.shape[0],
    )


def evidences(vectors: NDArray[np.float32], locals_: list[LocalFeatures] | None = None) -> list[Evidence]:
    """One a vector."""
    if locals_ is None:
        return [Evidence(vector) for vector in vectors]
    return [Evidence(*each) for each in zip(vectors, locals_, strict=True)]
