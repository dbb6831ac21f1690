"""How often each reference image has supported an answer."""

from __future__ import annotations

import threading
from collections import Counter

from steeple.server.catalogue import Catalogue


class IdentifyCounts:
    """Counts in memory, for a query must not wait for the disk. Thread safe.

    Args:
        catalogue: Takes what :meth:`save` was not called for yet.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._counts: Counter[int] = Counter()

    def add(self, image_key: int) -> None:
        """One more answer that an image has supported best."""
        with self._lock:
            self._counts[image_key] += 1

    def save(self) -> None:
        """Hands the counts to the catalogue; what it does not take is kept for the next time.

        Raises:
            SteepleError: If the catalogue cannot be written.
        """
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            self._catalogue.count_identified(counts)
        except BaseException:
            with self._lock:
                self._counts.update(counts)
            raise
