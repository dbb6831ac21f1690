"""Poolings that look at the whole of a map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import l2_normalised
from steeple.errors import InvalidArgumentError
from steeple.lab.features import FeatureMaps

_SMALLEST: Final = 1e-6
_PRIOR_SHARE: Final = 3.0


class WholePooling:
    """Pools the map of each size; the vectors are L2-normalised, summed, and L2-normalised. Nothing is fitted.

    Args:
        pool_map: float32[h, w, C] to float32[C].
    """

    def __init__(self, pool_map: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self._pool_map = pool_map

    def fit(self, training: Sequence[FeatureMaps]) -> None:
        """There is nothing to fit."""

    def pool(self, maps: FeatureMaps) -> NDArray[np.float32]:
        """float32[C], L2-normalised; zeros, of maps that are zero everywhere."""
        vectors = np.stack([self._pool_map(one) for one in maps])
        return l2_normalised(l2_normalised(vectors).sum(axis=0))


def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the cells of float32[h, w, C]; of a map of one cell, that cell."""
    found: NDArray[np.float32] = values.mean(axis=(0, 1))
    return found


def maximum(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """MAC (Tolias et al., ICLR 2016, section 3.1): the maximum of every channel of float32[h, w, C]."""
    found: NDArray[np.float32] = values.max(axis=(0, 1))
    return found


def centring_prior(height: int, width: int) -> NDArray[np.float32]:
    """What SPoC weights cells by (Babenko and Lempitsky, ICCV 2015, equation 3).

    Returns:
        float32[h, w]: a Gaussian about the map's centre, whose standard deviation is a third of the distance from there
        to the closest border; 1 at the centre.
    """
    deviation = min(height, width) / 2 / _PRIOR_SHARE
    rows = np.arange(height) - (height - 1) / 2
    columns = np.arange(width) - (width - 1) / 2
    squares = rows[:, None] ** 2 + columns[None] ** 2
    return np.exp(-squares / (2 * deviation**2)).astype(np.float32)


def centred_sum(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """SPoC: the sum of the cells of float32[h, w, C], those near the centre having more weight."""
    found: NDArray[np.float32] = np.tensordot(centring_prior(*values.shape[:2]), values, axes=2)
    return found


def generalised_mean(values: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    """GeM (Radenovic et al., TPAMI 2018, equation 3) of float32[h, w, C]; mean for power 1, maximum for infinity."""
    floored = np.maximum(values, _SMALLEST)
    largest = floored.max(axis=(0, 1))  # divided out, so that no power overflows
    shares = ((floored / largest) ** np.float32(power)).mean(axis=(0, 1)) ** np.float32(1 / power)
    found: NDArray[np.float32] = largest * shares
    return found


def cross_dimensional(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """CroW (Kalantidis et al., ECCV workshops 2016, section 3) of float32[h, w, C].

    Cells are weighted by the square root of their activity, L2-normalised over the map; channels by the logarithm of
    how rarely they are active.
    """
    activity = values.sum(axis=2)
    cells = np.sqrt(activity / max(float(np.linalg.norm(activity)), _SMALLEST))
    active = (values > 0).mean(axis=(0, 1))
    rarity = np.log((len(active) * _SMALLEST + active.sum()) / (_SMALLEST + active))
    found: NDArray[np.float32] = (np.tensordot(cells, values, axes=2) * rarity).astype(np.float32)
    return found


def make_neural_codes() -> WholePooling:
    """What the network has pooled itself."""
    return WholePooling(mean)


def make_spoc(centre: bool = True) -> WholePooling:
    """SPoC.

    Args:
        centre: Whether cells near the centre have more weight.
    """
    return WholePooling(centred_sum if centre else mean)


def make_mac() -> WholePooling:
    """MAC."""
    return WholePooling(maximum)


def make_gem(power: float = 3.0) -> WholePooling:
    """GeM.

    Args:
        power: At least 1.

    Raises:
        InvalidArgumentError: If it is less.
    """
    if not power >= 1:
        raise InvalidArgumentError(f"power must be at least 1, not {power}")
    return WholePooling(lambda values: generalised_mean(values, power))


def make_crow() -> WholePooling:
    """CroW."""
    return WholePooling(cross_dimensional)
