"""Shorter descriptors: principal components of any float ones, fitted on training photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from steeple.delf.features import l2_normalised
from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.lab.features import LocalFeatures
from steeple.lab.protocols import Kind, Projection

_MOST: Final = 200_000  # descriptors to fit on: a thousand for each number of the covariance of 128


class PrincipalComponents:
    """PCA, after which descriptors are L2-normalised again (Jegou and Chum, ECCV 2012; DELF, section 4.3).

    Args:
        dimensions: Of the new descriptors.
        whiten: Whether components are brought to the same variance.

    Raises:
        InvalidArgumentError: If there would be no dimension.
    """

    def __init__(self, dimensions: int = 40, whiten: bool = False) -> None:
        if dimensions < 1:
            raise InvalidArgumentError(f"'dimensions' of a projection is 1 or more, not {dimensions}")
        self._dimensions, self._whiten = dimensions, whiten
        self._pca: PCA | None = None

    def fit(self, training: Sequence[LocalFeatures]) -> None:
        """See :meth:`Projection.fit`."""
        if any(features.binary for features in training):
            raise InvalidArgumentError("descriptors of bits have no principal components; leave the projection out")
        given = [features.descriptors for features in training if len(features)]
        total = sum(map(len, given))
        columns = given[0].shape[1] if given else 0
        if total <= self._dimensions or columns < self._dimensions:
            raise InvalidArgumentError(
                f"{self._dimensions} components cannot be fitted on {total} descriptors of {columns}; "
                "give more training photos, or ask for fewer"
            )
        every = -(-total // _MOST)
        samples = np.concatenate(given)[::every]
        self._pca = PCA(self._dimensions, whiten=self._whiten, svd_solver="covariance_eigh").fit(samples)

    def apply(self, features: LocalFeatures) -> LocalFeatures:
        """See :meth:`Projection.apply`."""
        if self._pca is None:
            raise FailedPreconditionError("the projection was not fitted; fit it on training photos first")
        columns = features.descriptors.shape[1]
        if features.binary or columns != self._pca.n_features_in_:
            raise InvalidArgumentError(
                f"the projection was fitted on descriptors of {self._pca.n_features_in_} numbers; these have "
                f"{columns} {'bytes' if features.binary else 'numbers'}"
            )
        if not len(features):
            return replace(features, descriptors=np.empty((0, self._dimensions), np.float32))
        made: NDArray[np.float32] = np.asarray(self._pca.transform(features.descriptors), np.float32)
        return replace(features, descriptors=l2_normalised(made))


PROJECTIONS: Final[Mapping[str, Kind[Projection]]] = {
    "pca": Kind(
        "PCA",
        "Jegou and Chum, ECCV 2012; Noh et al., ICCV 2017, section 4.3",
        "About the mean, without whitening unless asked for, fitted on the training photos; L2-normalised again.",
        PrincipalComponents,
    ),
}
"""By the name that an experiment gives."""
