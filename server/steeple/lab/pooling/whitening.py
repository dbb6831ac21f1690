"""Fewer dimensions of like variance: PCA and whitening of vectors of whole photos or of regions."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from steeple.delf.features import l2_normalised
from steeple.errors import FailedPreconditionError, InvalidArgumentError

_FLAT: Final = 1e-6  # of the largest variance: below it, a dimension has none but rounding's


class Projection(Protocol):
    """Makes other vectors of vectors."""

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[N, D] to float32[N, E], L2-normalised; or one float32[D] to float32[E]."""
        ...


class Whitening:
    """PCA, and if asked for whitening, as descriptors of photos are commonly given (Jegou and Chum, ECCV 2012).

    Vectors are centred, projected onto the directions of largest variance, divided by the standard deviation along
    each (whitening), and L2-normalised.

    Args:
        dimensions: To keep, at most. Training vectors bear no more than they have themselves, and one fewer than there
            are of them; where they bear less than is asked for, that is kept. None: all that they bear.
        whiten: Whether to divide by the standard deviations.

    Raises:
        InvalidArgumentError: If there are no dimensions to keep.
    """

    def __init__(self, dimensions: int | None, whiten: bool = True) -> None:
        if dimensions is not None and dimensions < 1:
            raise InvalidArgumentError(f"whitening keeps at least one dimension, not {dimensions}")
        self._most = dimensions
        self._whiten = whiten
        self._mean: NDArray[np.float32] | None = None
        self._matrix = np.zeros((0, 0), np.float32)

    @property
    def fitted(self) -> bool:
        """Whether there was a fit."""
        return self._mean is not None

    @property
    def dimensions(self) -> int:
        """Kept; 0 before the fit."""
        return len(self._matrix)

    def fit(self, vectors: NDArray[np.float32]) -> None:
        """Finds the directions and deviations.

        Args:
            vectors: float32[T, D].

        Raises:
            InvalidArgumentError: If there are fewer than two vectors, or all are the same.
        """
        if len(vectors) < 2:
            raise InvalidArgumentError(
                f"whitening is fitted on many vectors, not {len(vectors)}; give the experiment training photos"
            )
        most = min(len(vectors) - 1, vectors.shape[1])
        kept = most if self._most is None else min(self._most, most)
        solver = "covariance_eigh" if len(vectors) > vectors.shape[1] else "full"
        with np.errstate(invalid="ignore"):  # shares of a variance of zero, which is refused below
            model = PCA(kept, svd_solver=solver).fit(vectors.astype(np.float64))
        variances = model.explained_variance_
        rank = int((variances > _FLAT * variances[0]).sum()) if variances[0] > _FLAT**2 else 0
        if not rank:
            raise InvalidArgumentError("whitening is fitted on vectors that differ; all training vectors are the same")
        matrix = model.components_[:rank]
        if self._whiten:
            matrix = matrix / np.sqrt(variances[:rank, None])
        self._mean = model.mean_.astype(np.float32)
        self._matrix = matrix.astype(np.float32)

    def transform(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """What :meth:`apply` does, without the L2-normalisation at its end.

        Raises:
            FailedPreconditionError: Before the fit.
            InvalidArgumentError: If the vectors have other dimensions than those of the fit.
        """
        if self._mean is None:
            raise FailedPreconditionError("the whitening has not been fitted; fit it on training vectors first")
        if vectors.shape[-1] != len(self._mean):
            raise InvalidArgumentError(
                f"the whitening was fitted on vectors of {len(self._mean)} dimensions, not {vectors.shape[-1]}"
            )
        return ((vectors - self._mean) @ self._matrix.T).astype(np.float32)

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Projects, whitens and normalises.

        Args:
            vectors: float32[N, D], or one float32[D].

        Returns:
            float32[N, E] or float32[E], E being :attr:`dimensions`; L2-normalised.

        Raises:
            FailedPreconditionError: Before the fit.
            InvalidArgumentError: If the vectors have other dimensions than those of the fit.
        """
        return l2_normalised(self.transform(vectors))
