"""The codebook of a pack: coarse quantizer and product quantizer as arrays (DELF, section 4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import DIMENSIONS, l2_normalised
from steeple.errors import InvalidArgumentError
from steeple.recognition.products import columns_of, inner_products

CENTROIDS: Final = 256
"""Of a sub-quantizer: codes have 8 bits for each."""

MAX_LISTS: Final = 1 << 20

_LARGEST: Final = 100.0  # descriptors have length 1
_ORTHONORMAL: Final = 1e-3


@dataclass(frozen=True, eq=False)
class PackCodebook:
    """What turns codes into descriptors. Thread safe.

    A descriptor x is turned into y = R x; y is in the list of the nearest coarse centroid c, and its code names, for
    each of M sub-quantizers, the centroid nearest to that part of y - c.

    Attributes:
        coarse: float32[L, 40]; centroids of the inverted lists.
        product: float32[M, 256, 40 / M]; centroids of the sub-quantizers.
        rotation: float32[40, 40], orthonormal; R (OPQ). None: descriptors are not turned.

    Raises:
        InvalidArgumentError: If shapes or dtypes differ from the above, a number is not finite or above 100, or R is
            not orthonormal.
    """

    coarse: NDArray[np.float32]
    product: NDArray[np.float32]
    rotation: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.coarse.ndim != 2 or not 1 <= len(self.coarse) <= MAX_LISTS or self.coarse.shape[1] != DIMENSIONS:
            raise InvalidArgumentError(
                f"coarse centroids must be float32[1 to {MAX_LISTS}, {DIMENSIONS}], not {list(self.coarse.shape)}"
            )
        parts = len(self.product) if self.product.ndim == 3 else 0
        if not parts or DIMENSIONS % parts or self.product.shape[1:] != (CENTROIDS, DIMENSIONS // parts):
            raise InvalidArgumentError(
                f"centroids of sub-quantizers must be float32[M, {CENTROIDS}, {DIMENSIONS} / M], not "
                f"{list(self.product.shape)}"
            )
        arrays = [self.coarse, self.product, *([] if self.rotation is None else [self.rotation])]
        if not all(array.dtype == np.float32 and (np.abs(array) <= _LARGEST).all() for array in arrays):
            raise InvalidArgumentError(f"a codebook must be of finite float32 numbers of at most {_LARGEST}")
        if self.rotation is not None and (
            self.rotation.shape != (DIMENSIONS, DIMENSIONS)
            or np.abs(self.rotation @ self.rotation.T - np.eye(DIMENSIONS)).max() > _ORTHONORMAL
        ):
            raise InvalidArgumentError(f"the rotation must be an orthonormal float32[{DIMENSIONS}, {DIMENSIONS}]")

    @property
    def lists(self) -> int:
        """Number of inverted lists."""
        return len(self.coarse)

    @property
    def code_size(self) -> int:
        """Bytes of a code."""
        return len(self.product)

    @property
    def size_bytes(self) -> int:
        """Of its arrays."""
        return self.coarse.nbytes + self.product.nbytes + (0 if self.rotation is None else self.rotation.nbytes)

    def turned(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[N, 40]: descriptors as the lists have them."""
        return descriptors if self.rotation is None else descriptors @ self.rotation.T

    def nearest_lists(self, turned: NDArray[np.float32], probes: int) -> NDArray[np.intp]:
        """intp[N, P]: the ``probes`` lists nearest to each turned descriptor, or all if there are fewer; in no order.

        Args:
            turned: float32[N, 40], from :meth:`turned`.
            probes: P.
        """
        if probes >= self.lists:
            return np.tile(np.arange(self.lists), (len(turned), 1))
        distances = (self.coarse**2).sum(axis=1) - 2.0 * inner_products(turned, columns_of(self.coarse))
        return np.argpartition(distances, probes - 1, axis=1)[:, :probes]

    def residuals(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32[N, 40]: what codes, uint8[N, M], add to the centroid of their list."""
        count, parts = codes.shape
        numbers = codes + np.arange(0, parts * CENTROIDS, CENTROIDS, dtype=np.intp)
        return self.product.reshape(parts * CENTROIDS, -1).take(numbers, axis=0).reshape(count, DIMENSIONS)

    def decode(self, lists: NDArray[np.integer], codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32[N, 40]: the descriptors, L2-normalised, that codes in lists stand for."""
        rows = self.coarse[lists] + self.residuals(codes)
        return l2_normalised(rows if self.rotation is None else rows @ self.rotation)
