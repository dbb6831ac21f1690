"""Queries that are kept for review: off unless the settings say so."""

from steeple.server.review.keeper import KeptOfCall, QueryKeeper
from steeple.server.review.records import Content, KeepPolicy, KeepRules, KeptCandidate, KeptQuery, QueryVerdict
from steeple.server.review.reviewing import Review

__all__ = [
    "Content",
    "KeepPolicy",
    "KeepRules",
    "KeptCandidate",
    "KeptOfCall",
    "KeptQuery",
    "QueryKeeper",
    "QueryVerdict",
    "Review",
]
