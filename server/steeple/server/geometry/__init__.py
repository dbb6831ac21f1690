"""How precisely the outline of an answer lies on what it surrounds."""

from steeple.server.geometry.agreement import Agreement, measure_agreement, pairs_of
from steeple.server.geometry.finder import Finder
from steeple.server.geometry.known import Outlined, measure_pairs, measure_views
from steeple.server.geometry.pairs_file import KnownPair, read_pairs

__all__ = [
    "Agreement",
    "Finder",
    "KnownPair",
    "Outlined",
    "measure_agreement",
    "measure_pairs",
    "measure_views",
    "pairs_of",
    "read_pairs",
]
