"""How much is done for a frame, and how often: by a budget of latency, and by battery and heat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import FeatureSet


class FeatureExtractor(Protocol):
    """What :class:`steeple.delf.Extractor` does for a frame."""

    def extract(self, photo: NDArray[np.uint8]) -> FeatureSet:
        """The local features of a frame, uint8[H, W, 3] in RGB."""
        ...


@dataclass(frozen=True)
class Effort:
    """What is spent on a frame.

    Attributes:
        pyramid_scales: Levels of the release's pyramid that are looked at, largest first.
        threads: Of the network.
    """

    pyramid_scales: tuple[float, ...]
    threads: int


ExtractorFactory: TypeAlias = Callable[[Effort], FeatureExtractor]
"""Makes an extractor; called on the thread that uses it."""


@dataclass(frozen=True)
class Conditions:
    """What the device says of itself; None for what it does not tell.

    Attributes:
        battery: Charge, 0 to 1.
        charging: Whether it is plugged in.
        heat: 0 (cool) to 1 (about to be throttled hard).
    """

    battery: float | None = None
    charging: bool | None = None
    heat: float | None = None


class Pace:
    """Chooses the effort for a frame, and when the next is due. Thread safe.

    Args:
        pyramid_scales: Of the model release, largest first.
        budget_ms: From a frame to its answer, at most, if it can be had.
        threads: Of the network, at most.
    """

    def __init__(
        self, pyramid_scales: tuple[float, ...], *, budget_ms: float = 300.0, threads: int | None = None
    ) -> None:
        raise NotImplementedError

    def under(self, conditions: Conditions) -> None:
        """Goes by what the device says of itself from now on."""
        raise NotImplementedError
