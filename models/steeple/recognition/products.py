"""Inner products of descriptors, also where NumPy was built without a BLAS library, as it is for Android."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_CONFIGURATION: Final[Any] = np.show_config(mode="dicts")
HAS_BLAS: Final = bool(_CONFIGURATION["Build Dependencies"]["blas"]["found"])
"""Whether NumPy multiplies matrices with a BLAS library."""


def inner_products(
    rows: NDArray[np.float32], others: NDArray[np.float32], *, blas: bool = HAS_BLAS
) -> NDArray[np.float32]:
    """float32[M, N]: inner products of float32[M, D] and float32[N, D], row by row.

    Without a BLAS library, NumPy's product of matrices is a plain loop, and its sum of products is several times as
    fast, as that uses the processor's vector instructions.

    Args:
        rows: C-contiguous, or it is slow.
        others: C-contiguous, or it is slow.
        blas: Whether to take NumPy's product of matrices.
    """
    products: NDArray[np.float32] = rows @ others.T if blas else np.einsum("md,nd->mn", rows, others)
    return products
