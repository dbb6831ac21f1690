"""Which photos of one landmark see the same, found a photo at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from steeple.delf import FeatureSet, ModelRelease
from steeple.recognition import GalleryImage
from steeple.server.discovery.matches import HeapMatcher, Match, Pair, pairs_of

_ADDED_AT_ONCE: Final = 8  # photos: about as long as it takes to look for one


class Survey:
    """Looks for each photo among the others, with the search and the verification of queries. Thread safe.

    What was found stays; the features, and the index that they are searched with, only as long as somebody looks.

    Args:
        release: Model release of all features.
        keys: Of the photos, in the order in which they are looked for.
    """

    def __init__(self, release: ModelRelease, keys: Sequence[int]) -> None:
        self._release = release
        self._keys = tuple(keys)
        self._lock = threading.Lock()  # held for a step; guards what follows
        self._waiting = list(keys)  # that were not looked for
        self._matches: list[Match] = []
        self._pairs: tuple[Pair, ...] | None = None
        self._lookers = 0
        self._features: Mapping[int, FeatureSet] = {}
        self._matcher: HeapMatcher | None = None
        self._added = 0

    @property
    def model(self) -> str:
        """Name of the release."""
        return self._release.name

    @property
    def keys(self) -> tuple[int, ...]:
        """Of the photos."""
        return self._keys

    @property
    def finished(self) -> bool:
        """Whether all were looked for."""
        return not self._waiting

    @property
    def compared(self) -> int:
        """Photos that were looked for."""
        return len(self._keys) - len(self._waiting)

    @contextmanager
    def looking(self, features: Mapping[int, FeatureSet]) -> Iterator[None]:
        """For as long as :meth:`step` is called.

        Args:
            features: Of all photos, by key.
        """
        with self._lock:
            self._lookers += 1
            self._features = self._features or features
        try:
            yield
        finally:
            with self._lock:
                self._lookers -= 1
                if not self._lookers:
                    self._features, self._matcher, self._added = {}, None, 0

    def step(self) -> None:
        """Goes on, within :meth:`looking`, for about as long as a query takes."""
        with self._lock:
            if not self._waiting:
                return
            if len(self._keys) == 1:
                self._waiting.clear()
                return
            if self._matcher is None:
                images = {key: GalleryImage(str(key), one) for key, one in self._features.items()}
                self._matcher = HeapMatcher(self._release, lambda keys: {key: images[key] for key in keys})
            if self._added < len(self._keys):
                for key in self._keys[self._added : self._added + _ADDED_AT_ONCE]:
                    self._matcher.add(key, self._features[key])
                self._added = min(self._added + _ADDED_AT_ONCE, len(self._keys))
                return
            key = self._waiting[0]
            self._matches += self._matcher.matches(key, self._features[key])
            del self._waiting[0]
            if not self._waiting:
                self._pairs, self._matches = tuple(pairs_of(self._matches)), []

    def pairs(self) -> Sequence[Pair]:
        """Pairs of photos that agree on one geometry, as far as they were looked for."""
        with self._lock:
            return pairs_of(self._matches) if self._pairs is None else self._pairs
