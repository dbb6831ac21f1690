"""A new index with more lists, made beside the one that serves, for a catalogue that has outgrown its codebook."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.photo_files import evenly
from steeple.delf.release import ModelRelease
from steeple.errors import CancelledError, SnapshotError
from steeple.server.catalogue import Catalogue
from steeple.server.index import FaissIndex, training
from steeple.server.index.snapshot import SnapshotFolder
from steeple.server.logs import facts

log = logging.getLogger(__name__)

_PROGRESS_SECONDS: Final = 10.0
_IMAGES_AT_ONCE: Final = 256
_LONG_CODES_UNTIL: Final = 1 << 25  # descriptors; beyond it, codes are half as long
_SHORT_CODE: Final = 10


class Rebuild:
    """The making of a new index, which goes on where it was interrupted, also by the end of the process.

    Args:
        release: Of the features.
        catalogue: The truth.
        folder: Where what is done of it lies.
    """

    def __init__(self, release: ModelRelease, catalogue: Catalogue, folder: Path) -> None:
        self._release = release
        self._catalogue = catalogue
        self._folder = folder

    def run(self, old: FaissIndex, stopped: Callable[[], bool]) -> tuple[FaissIndex, int]:
        """Trains a codebook on the catalogue's descriptors and adds all images.

        Args:
            old: The index that serves, to be replaced.
            stopped: Asked now and then whether to give up.

        Returns:
            The index, and the catalogue sequence number from which on changes may be missing in it.

        Raises:
            CancelledError: If it was stopped; :meth:`run` goes on from there.
            OSError: If something cannot be written.
            SteepleError: If the catalogue cannot be read.
        """
        fresh, sequence = self._resumed() or self._begun(old, stopped)
        total, said = self._catalogue.image_count(), time.monotonic()
        last = max(fresh.keys(), default=0)
        for image_key, features in self._catalogue.iterate_features(self._release.name, last):
            if stopped():
                fresh.snapshot(self._folder, sequence)
                raise CancelledError("the making of a new index was interrupted; it goes on from there")
            fresh.add(image_key, features.unit_descriptors())
            if fresh.wants_snapshot:
                fresh.snapshot(self._folder, sequence)
            if time.monotonic() - said > _PROGRESS_SECONDS:
                said = time.monotonic()
                log.info("a new index is being made", extra=facts(images=fresh.stats().images, of=total))
        log.info("a new index was made", extra=facts(kind=fresh.stats().kind, images=fresh.stats().images))
        return fresh, sequence

    def clear(self) -> None:
        """Removes what was kept to go on from."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _resumed(self) -> tuple[FaissIndex, int] | None:
        if not SnapshotFolder(self._folder).exists:
            return None
        try:
            fresh, sequence = FaissIndex.restore(self._folder, self._release)
        except SnapshotError as error:
            log.warning("a half-made index is not used", extra=facts(reason=error.message))
            return None
        if sequence > self._catalogue.sequence() or fresh.crowded:
            return None
        log.info("a half-made index goes on", extra=facts(images=fresh.stats().images))
        return fresh, sequence

    def _begun(self, old: FaissIndex, stopped: Callable[[], bool]) -> tuple[FaissIndex, int]:
        self.clear()
        stats, sequence = old.stats(), self._catalogue.sequence()
        lists = training.lists_for(stats.descriptors)
        log.info(
            "the index has outgrown its codebook and is made anew",
            extra=facts(kind=stats.kind, descriptors=stats.descriptors, lists=lists),
        )
        codebook = training.train(
            self._samples(old, training.SAMPLES_PER_LIST * lists, stopped),
            lists,
            code_size=old.code_size if stats.descriptors < _LONG_CODES_UNTIL else min(old.code_size, _SHORT_CODE),
            probes=self._release.index.probes,
            stopped=stopped,
        )
        fresh = FaissIndex(self._release, codebook=codebook)
        fresh.snapshot(self._folder, sequence)
        return fresh, sequence

    def _samples(self, old: FaissIndex, count: int, stopped: Callable[[], bool]) -> NDArray[np.float32]:
        """float32[about ``count``, 40]: all descriptors of images evenly chosen by key, thus by age."""
        stats = old.stats()
        keys = evenly(old.keys(), -(-count * stats.images // stats.descriptors))
        found = []
        for start in range(0, len(keys), _IMAGES_AT_ONCE):
            if stopped():
                raise CancelledError("the training of the codebook was interrupted")
            features = self._catalogue.features(keys[start : start + _IMAGES_AT_ONCE])
            found += [each.unit_descriptors() for each in features.values() if each.model == self._release.name]
        return np.concatenate(found)
