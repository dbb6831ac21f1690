"""Searches by one vector a photo that an experiment can name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from steeple.lab.indexes.flat import InnerProducts
from steeple.lab.indexes.vector_search import VectorSearch
from steeple.lab.protocols import GlobalSearch, Kind


def _exact() -> GlobalSearch:
    return VectorSearch(InnerProducts())


GLOBAL_SEARCHES: Final[Mapping[str, Kind[GlobalSearch]]] = MappingProxyType(
    {
        "exact": Kind(
            title="exact",
            paper="",
            choices="Every vector is compared with. The score is the cosine.",
            make=_exact,
        ),
    }
)
"""By name."""
