"""How much a region has to say, learned without labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from steeple.delf.features import l2_normalised
from steeple.errors import FailedPreconditionError, InvalidArgumentError

_REGULARISATION: Final = 30.0
_OTHERS: Final = 10


class Saliency:
    """Weights regions by how well they tell their photo from others, as foreseen from what they look like.

    A region of a building agrees with the rest of its photo more than with other photos; one of sky or of people agrees
    with any. The difference of the two agreements is known in training without labels; a ridge regression foresees it
    from the region's vector and from its products with that of the whole photo, which are the region in its context
    (as in Kim and Yoon, BMVC 2018, whose network of two layers is taught by ImageNet's labels).

    Args:
        strength: Weights are exp(strength z), z being what is foreseen, standardised over the training regions.

    Raises:
        InvalidArgumentError: If it is negative.
    """

    def __init__(self, strength: float = 0.5) -> None:
        if not strength >= 0:
            raise InvalidArgumentError(f"strength must be at least 0, not {strength}")
        self._strength = strength
        self._model: Ridge | None = None
        self._mean, self._deviation = 0.0, 1.0

    def fit(self, photos: Sequence[NDArray[np.float32]]) -> None:
        """Learns from the regions of photos.

        Args:
            photos: Of each, float32[R, D], L2-normalised.

        Raises:
            InvalidArgumentError: If there are fewer than two photos.
        """
        if len(photos) < 2:
            raise InvalidArgumentError(
                f"regional attention is fitted on many photos, not {len(photos)}; give the experiment training photos"
            )
        targets = np.concatenate(agreements(photos))
        seen = np.concatenate([_in_context(vectors) for vectors in photos])
        self._model = Ridge(_REGULARISATION, solver="cholesky").fit(seen, targets)
        foreseen = self._model.predict(seen)
        self._mean, self._deviation = float(foreseen.mean()), max(float(foreseen.std()), 1e-9)

    def weights(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of the regions of one photo.

        Args:
            vectors: float32[R, D], L2-normalised.

        Returns:
            float32[R], positive.

        Raises:
            FailedPreconditionError: Before the fit.
        """
        if self._model is None:
            raise FailedPreconditionError("regional attention has not been fitted; give the experiment training photos")
        standardised = (self._model.predict(_in_context(vectors)) - self._mean) / self._deviation
        found: NDArray[np.float32] = np.exp(self._strength * np.clip(standardised, -4.0, 4.0)).astype(np.float32)
        return found


def agreements(photos: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Of each region: its similarity to the rest of its photo, less that to the most similar other photos.

    Args:
        photos: Of each, the vectors of its regions, float32[R, D], L2-normalised.

    Returns:
        Of each photo float32[R].
    """
    sums = l2_normalised(np.stack([vectors.sum(axis=0) for vectors in photos]))
    found = []
    for place, vectors in enumerate(photos):
        rest = l2_normalised(vectors.sum(axis=0) - vectors)
        others = np.delete(vectors @ sums.T, place, axis=1)
        nearest = np.sort(others, axis=1)[:, -_OTHERS:].mean(axis=1)
        found.append(((vectors * rest).sum(axis=1) - nearest).astype(np.float32))
    return found


def _in_context(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    whole = l2_normalised(vectors.sum(axis=0))
    return np.concatenate([vectors, vectors * whole * np.float32(np.sqrt(len(whole)))], axis=1)
