"""Searches by local features that an experiment can name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from steeple.lab.indexes.flat import Flat
from steeple.lab.indexes.voting import Voting
from steeple.lab.protocols import Kind, LocalSearch


def _exact(neighbours: int = 20) -> LocalSearch:
    return Voting(Flat(), neighbours)


LOCAL_SEARCHES: Final[Mapping[str, Kind[LocalSearch]]] = MappingProxyType(
    {
        "exact": Kind(
            title="exact k-NN, votes",
            paper="Noh et al., ICCV 2017, section 4.4: neighbours of each descriptor, gathered per image",
            choices="Every descriptor is compared with (L2, or Hamming for bits) and 20 neighbours vote, once for each "
            "of their photos. The score is the number of votes; the mean distance orders equal ones.",
            make=_exact,
        ),
    }
)
"""By name. All of them vote but those that say otherwise."""
