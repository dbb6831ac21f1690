"""Discovery of landmarks in a heap of photos, as the Google-Landmarks set was built (DELF, section 3).

Photos that were taken near each other and whose features agree on one geometry are proposed as a landmark, for an
administrator to name.
"""

from steeple.server.discovery.discoveries import Discoveries
from steeple.server.discovery.grouping import Group, Grouping, HeapPhoto, group_photos
from steeple.server.discovery.matches import HeapMatcher, Match, Pair, pairs_of
from steeple.server.discovery.records import (
    Acceptance,
    Discovery,
    DiscoveryOptions,
    DiscoveryPhoto,
    LeftoverReason,
    Proposal,
    ProposalState,
    Source,
)

__all__ = [
    "Acceptance",
    "Discoveries",
    "Discovery",
    "DiscoveryOptions",
    "DiscoveryPhoto",
    "Group",
    "Grouping",
    "HeapMatcher",
    "HeapPhoto",
    "LeftoverReason",
    "Match",
    "Pair",
    "Proposal",
    "ProposalState",
    "Source",
    "group_photos",
    "pairs_of",
]
