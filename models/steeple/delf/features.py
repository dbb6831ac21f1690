"""Local features of one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.errors import FeatureSetError

DIMENSIONS: Final = 40
"""Components of a descriptor (DELF, section 4.3: PCA to 40 dimensions)."""

MAX_FEATURES: Final = 4096
"""No image has more features than this; what claims to is refused."""

MAX_SIDE: Final = 65535
"""Longest side, in pixels, of an image whose keypoints can be expressed."""


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """The local features of one image, ordered by falling attention score.

    The centre of the top left pixel is (0, 0); x runs right and y down. Keypoints are in pixels of
    the submitted image after its EXIF orientation was applied.

    Attributes:
        model: Name of the model release that made the features.
        width: Of the image, pixels.
        height: Of the image, pixels.
        descriptors: int8[N, 40]; ``round(127 * x)`` of the L2-normalised descriptor.
        keypoints: float32[N, 2]; x, y.
        scales: float32[N]; image pixels per pixel of the pyramid level the feature was found in.
        scores: float32[N]; attention scores, not negative.

    Raises:
        FeatureSetError: If shapes or dtypes differ from the above, N exceeds :data:`MAX_FEATURES`, a
            number is not finite, a score is negative or above the one before, a scale is not positive, a keypoint
            lies outside the image or the model is not named.
    """

    model: str
    width: int
    height: int
    descriptors: NDArray[np.int8]
    keypoints: NDArray[np.float32]
    scales: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        if not self.model or "/" in self.model:
            raise FeatureSetError(
                f"model must name the model release that made the features, not {self.model!r}", field="model"
            )
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise FeatureSetError(
                f"image size must be 1 to {MAX_SIDE} pixels a side, not {self.width}x{self.height}",
                field="height" if 1 <= self.width <= MAX_SIDE else "width",
            )
        count = len(self.descriptors)
        if count > MAX_FEATURES:
            raise FeatureSetError(
                f"at most {MAX_FEATURES} features are taken, not {count}; send the best by score", field="descriptors"
            )
        expected: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "descriptors": ((count, DIMENSIONS), np.int8),
            "keypoints": ((count, 2), np.float32),
            "scales": ((count,), np.float32),
            "scores": ((count,), np.float32),
        }
        for name, (shape, dtype) in expected.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != dtype:
                raise FeatureSetError(
                    f"{name} must be {dtype.__name__}{list(shape)}, not {array.dtype}{list(array.shape)}", field=name
                )
            if not np.isfinite(array).all():
                raise FeatureSetError(f"{name} must be finite numbers; feature {_first_bad(array)} is not", field=name)
        if (self.scores < 0).any():
            raise FeatureSetError("attention scores must not be negative", field="scores")
        rising = self.scores[1:] > self.scores[:-1]
        if rising.any():
            raise FeatureSetError(
                f"features must be ordered by falling attention score; feature {int(np.argmax(rising)) + 1} is not",
                field="scores",
            )
        if (self.scales <= 0).any():
            raise FeatureSetError("scales must be positive", field="scales")
        limit = np.array([self.width, self.height], np.float32) - 0.5
        outside = ((self.keypoints < -0.5) | (self.keypoints > limit)).any(axis=1)
        if outside.any():
            index = int(np.argmax(outside))
            x, y = self.keypoints[index]
            raise FeatureSetError(
                f"keypoint {index} at ({x:.1f}, {y:.1f}) lies outside the {self.width}x{self.height} image",
                field="keypoints",
            )

    def __len__(self) -> int:
        return len(self.descriptors)

    def unit_descriptors(self) -> NDArray[np.float32]:
        """float32[N, 40]: the descriptors, L2-normalised again after their quantization."""
        return l2_normalised(self.descriptors.astype(np.float32))

    def best(self, count: int) -> FeatureSet:
        """The ``count`` features of highest score (all of them if there are fewer)."""
        return self if count >= len(self) else self.chosen(np.arange(count))

    def chosen(self, rows: NDArray[np.intp]) -> FeatureSet:
        """Some of the features: those of ``rows``, intp[M], which rise."""
        return FeatureSet(
            self.model,
            self.width,
            self.height,
            self.descriptors[rows],
            self.keypoints[rows],
            self.scales[rows],
            self.scores[rows],
        )

    def followed_by(self, others: FeatureSet) -> FeatureSet:
        """These features and ``others`` of the same image, whose scores count as no higher than the last one here.

        Raises:
            FeatureSetError: If they are of another model release or of an image of another size, or too many together.
        """
        if (others.model, others.width, others.height) != (self.model, self.width, self.height):
            raise FeatureSetError(
                f"features of {others.model} in an image of {others.width}x{others.height} do not go together with "
                f"those of {self.model} in one of {self.width}x{self.height}"
            )
        scores = np.concatenate([self.scores, others.scores])
        return FeatureSet(
            self.model,
            self.width,
            self.height,
            np.concatenate([self.descriptors, others.descriptors]),
            np.concatenate([self.keypoints, others.keypoints]),
            np.concatenate([self.scales, others.scales]),
            np.minimum.accumulate(scores),
        )


def l2_normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32[..., D]: ``vectors`` divided by their L2 norms; those of norm 0 stay 0."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    normalised: NDArray[np.float32] = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return normalised


def quantize_descriptors(unit: NDArray[np.float32]) -> NDArray[np.int8]:
    """int8[N, 40] of float32[N, 40] unit vectors: ``round(127 * x)``."""
    quantized: NDArray[np.int8] = np.clip(np.rint(127.0 * unit), -127, 127).astype(np.int8)
    return quantized


def _first_bad(array: NDArray[Any]) -> int:
    return int(np.argwhere(~np.isfinite(array))[0][0])
