"""siaMAC and Deep Image Retrieval: what each decides. Needs no Keras."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from steeple.baselines.training.hard_negatives import HardNegatives


@dataclass(frozen=True)
class Method:
    """What a method decides.

    Attributes:
        name: Of the method.
        loss: ``contrastive`` or ``triplet``, see :mod:`steeple.baselines.training.global_losses`.
        margin: Of the loss.
        negatives: Of every tuple.
        tuples: In a batch.
        rate: Learning rate of Adam in the first epoch; it falls by a tenth from epoch to epoch.
        dimensions: Of the projection of regions; 0 for a method without.
    """

    name: str
    loss: str
    margin: float
    negatives: HardNegatives
    tuples: int
    rate: float
    dimensions: int = 0


SIAMAC: Final = Method("siamac", "contrastive", 0.7, HardNegatives(5, 5, one_a_landmark=True), tuples=8, rate=2e-5)
"""Radenovic, Tolias and Chum, ECCV 2016: their margin and their five negatives."""

DIR: Final = Method(
    "dir", "triplet", 0.1, HardNegatives(1, 25, one_a_landmark=False), tuples=16, rate=2e-5, dimensions=512
)
"""Gordo et al., IJCV 2017: their margin, and negatives drawn from the 25 hardest."""


@dataclass(frozen=True)
class Limits:
    """When a run ends, and how large pictures are.

    Attributes:
        side: Pixels of the square pictures that are learned from, and of the longer side of those that are compared.
        steps: Of the optimiser, at most.
        seconds: After so many no further step is made.
        seed: Of all randomness.
    """

    side: int = 320
    steps: int = 4000
    seconds: float = math.inf
    seed: int = 1
