"""What networks of patches have in common: weights by layer become graphs, and these are run some patches at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.graph import Graph, OnnxNetwork
from steeple.baselines.patches import normalised
from steeple.delf.training.layer_weights import LayerWeights
from steeple.errors import ReleaseError

_AT_ONCE: Final = 256  # patches: more do not fit the processor's cache


class PatchNetwork:
    """One or more networks that come from one file of weights. Any number of threads may call them.

    Attributes:
        dimensions: Of a descriptor.
        networks: In the order of :attr:`graphs`.

    Args:
        weights: As ``python -m steeple.baselines.training`` writes them.
        threads: Threads that one call may use.

    Raises:
        ReleaseError: If weights are missing, or do not fit together.
    """

    title: ClassVar[str]
    """Whose weights these are, for messages."""
    last: ClassVar[str]
    """Name of the layer that makes descriptors."""
    graphs: ClassVar[Sequence[Callable[[LayerWeights], Graph]]]
    """What makes the networks of weights."""

    def __init__(self, weights: LayerWeights, *, threads: int = 1) -> None:
        try:
            self.dimensions = int(weights[self.last][0].shape[-1])
            made = [graph(weights) for graph in self.graphs]
        except KeyError as error:
            raise ReleaseError(f"these are no weights {self.title}: there is no layer {error}") from error
        self.networks = [OnnxNetwork(graph.model(), threads=threads) for graph in made]


def in_parts(network: OnnxNetwork, patches: NDArray[np.uint8], columns: int) -> NDArray[np.float32]:
    """float32[N, columns]: what a network with one input makes of normalised patches uint8[N, S, S], some at a time."""
    made = [
        next(iter(network({"patches": normalised(patches[start : start + _AT_ONCE])}).values()))
        for start in range(0, len(patches), _AT_ONCE)
    ]
    return np.concatenate(made) if made else np.empty((0, columns), np.float32)
