"""Queries that are kept for review: off unless the settings say so; and feedback, which is on unless they say no."""

from steeple.server.review.keeper import KeptOfCall, QueryKeeper
from steeple.server.review.records import (
    Content,
    Feedback,
    KeepPolicy,
    KeepRules,
    KeptCandidate,
    KeptQuery,
    Origin,
    QueryVerdict,
    query_name,
)
from steeple.server.review.reviewing import Review

__all__ = [
    "Content",
    "Feedback",
    "KeepPolicy",
    "KeepRules",
    "KeptCandidate",
    "KeptOfCall",
    "KeptQuery",
    "Origin",
    "QueryKeeper",
    "QueryVerdict",
    "Review",
    "query_name",
]
