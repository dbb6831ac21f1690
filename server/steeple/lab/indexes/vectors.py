"""Vectors that searches are given, and what they must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError

Vectors: TypeAlias = NDArray[np.float32] | NDArray[np.uint8]
"""float32[N, D], L2-normalised; or uint8[N, B], 8 bits a byte."""


class Form:
    """Dtype and number of columns, which all vectors that a search is given share with the first.

    Args:
        accept: Raises InvalidArgumentError for those that the search is not for.
    """

    def __init__(self, accept: Callable[[Vectors], None]) -> None:
        self._accept = accept
        self._form: tuple[np.dtype[Any], int] | None = None

    @property
    def known(self) -> bool:
        """Whether there were any vectors."""
        return self._form is not None

    def checked(self, vectors: Vectors) -> Vectors:
        """Vectors as FAISS wants them, in one piece.

        Raises:
            InvalidArgumentError: If they are not float32[N, D] or uint8[N, B], unlike those before, not what the search
                is for, or a number is not finite.
        """
        if vectors.ndim != 2 or vectors.dtype not in (np.float32, np.uint8):
            raise InvalidArgumentError(
                f"vectors are {vectors.dtype}{list(vectors.shape)}; float32[N, D] or, for bits, uint8[N, B] is needed"
            )
        if vectors.dtype == np.float32 and not np.isfinite(vectors).all():
            raise InvalidArgumentError("vectors have numbers that are not finite; see what extracted them")
        form = (vectors.dtype, vectors.shape[1])
        if self._form is None:
            self._accept(vectors)
            self._form = form
        elif form != self._form:
            was = f"{self._form[0]}[N, {self._form[1]}]"
            raise InvalidArgumentError(
                f"vectors are {form[0]}[N, {form[1]}] and those before were {was}; "
                "extract photos, queries and training photos in the same way"
            )
        return cast("Vectors", np.ascontiguousarray(vectors))


def numbers(vectors: Vectors, method: str) -> NDArray[np.float32]:
    """Vectors that must not be bits.

    Raises:
        InvalidArgumentError: If they are.
    """
    if vectors.dtype != np.float32:
        raise InvalidArgumentError(
            f"{method} is for vectors of float32, not of {vectors.dtype}; for bits take 'exact', 'binary-cells' or "
            "'multi-probe-lsh'"
        )
    return vectors.astype(np.float32, copy=False)


def bits(vectors: Vectors, method: str) -> NDArray[np.uint8]:
    """Vectors that must be bits.

    Raises:
        InvalidArgumentError: If they are not.
    """
    if vectors.dtype != np.uint8:
        raise InvalidArgumentError(
            f"{method} is for bits in uint8, not for {vectors.dtype}; for numbers take 'exact', 'pq' or 'lsh'"
        )
    return vectors.astype(np.uint8, copy=False)
