"""Inner products of descriptors, also where NumPy was built without a BLAS library, as it is for Android."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_CONFIGURATION: Final[Any] = np.show_config(mode="dicts")
HAS_BLAS: Final = bool(_CONFIGURATION["Build Dependencies"]["blas"]["found"])
"""Whether NumPy multiplies matrices with a BLAS library."""


def columns_of(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32[D, N], C-contiguous: descriptors, float32[N, D], as :func:`inner_products` takes them."""
    return np.ascontiguousarray(descriptors.T)


def inner_products(
    rows: NDArray[np.float32], columns: NDArray[np.float32], *, blas: bool = HAS_BLAS
) -> NDArray[np.float32]:
    """float32[M, N]: inner products of the rows of float32[M, D] and the columns of float32[D, N].

    Without a BLAS library, NumPy's product of matrices is a plain loop, and its sum of products is several times as
    fast, as that uses the processor's vector instructions.

    Args:
        rows: One descriptor a row.
        columns: One descriptor a column, from :func:`columns_of`; otherwise it is slow.
        blas: Whether to take NumPy's product of matrices.
    """
    products: NDArray[np.float32] = rows @ columns if blas else np.einsum("md,dn->mn", rows, columns)
    return products
