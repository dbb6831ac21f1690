"""Reference images that a search is limited to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class ImageSelection(Collection[int]):
    """Keys of reference images, and where they all lie, by which an index can leave out most of what it has.

    Attributes:
        keys: Of the images.
        regions: Cells (:mod:`~steeple.server.catalogue.regions`) that all of their landmarks lie in; None: anywhere.
    """

    keys: frozenset[int]
    regions: frozenset[int] | None = None

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    def __iter__(self) -> Iterator[int]:
        return iter(self.keys)

    def __len__(self) -> int:
        return len(self.keys)
