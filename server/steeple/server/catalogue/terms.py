"""Terms of landmarks: labels and metadata as numbers, by which lists find them without reading every row.

A term is 64 bits of the SHA-256 of what it stands for. Two of a million share theirs with a probability of 3e-8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, insert

from steeple.server.catalogue.search_tables import landmark_term

ANY: Final = "*"
"""Stands for any label or key; neither can be called so: a label has letters, and a key is told apart by its kind."""


def label(word: str) -> int:
    """Of the landmarks that have a label; of :data:`ANY`, those that have one at all."""
    return _number("label", word)


def key(name: str) -> int:
    """Of the landmarks that have a key of metadata."""
    return _number("key", name)


def any_key() -> int:
    """Of the landmarks that have metadata."""
    return _number("any key")


def entry(name: str, value: str) -> int:
    """Of the landmarks that have an entry of metadata."""
    return _number("entry", name, value)


def terms_of(labels: Collection[str], metadata: Mapping[str, str]) -> set[int]:
    """All terms of a landmark."""
    found = {label(word) for word in labels}
    if labels:
        found.add(label(ANY))
    if metadata:
        found.add(any_key())
    for name, value in metadata.items():
        found |= {key(name), entry(name, value)}
    return found


def rows_of(landmark_key: int, terms: Iterable[int]) -> list[dict[str, Any]]:
    """Rows of the table."""
    return [{"term": term, "landmark_key": landmark_key} for term in sorted(terms)]


def replace(connection: Connection, landmark_key: int, before: Collection[int], after: Collection[int]) -> None:
    """Makes ``after`` of a landmark's terms, which are ``before``."""
    gone, new = sorted(set(before) - set(after)), set(after) - set(before)
    if gone:
        which = landmark_term.c.term.in_(gone), landmark_term.c.landmark_key == landmark_key
        connection.execute(sqlalchemy.delete(landmark_term).where(*which))
    if new:
        connection.execute(insert(landmark_term), rows_of(landmark_key, new))


def _number(*parts: str) -> int:
    # A NUL, which none of the parts can have, keeps them apart.
    digest = hashlib.sha256("\0".join(parts).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
