"""Indexing and coding: searches of photos by their local features or by one vector each."""

from steeple.lab.indexes.global_searches import GLOBAL_SEARCHES
from steeple.lab.indexes.local_searches import LOCAL_SEARCHES
from steeple.lab.indexes.voting import VotingSearch

__all__ = ["GLOBAL_SEARCHES", "LOCAL_SEARCHES", "VotingSearch"]
