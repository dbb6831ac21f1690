"""A new index, made beside the one that serves: with more lists, as a setting says, or without traces of the past."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from steeple.delf.photo_files import evenly
from steeple.delf.release import ModelRelease
from steeple.errors import CancelledError, SnapshotError
from steeple.server.catalogue import Catalogue
from steeple.server.index import FaissIndex, IndexStats, training
from steeple.server.index.codebook import Codebook
from steeple.server.index.snapshot import SnapshotFolder
from steeple.server.index_factory import IndexFactory
from steeple.server.logs import facts

log = logging.getLogger(__name__)

_PROGRESS_SECONDS: Final = 10.0
_IMAGES_AT_ONCE: Final = 256
_LONG_CODES_UNTIL: Final = 1 << 25  # descriptors; beyond it, codes are half as long
_SHORT_CODE: Final = 10


@dataclass(frozen=True)
class Plan:
    """How an index is to be made anew.

    Attributes:
        factory: Of its codebook.
        codebook: To take as it is; None: one is trained.
        reason: For the log.
    """

    factory: IndexFactory
    codebook: Codebook | None
    reason: str


class Indexed(Protocol):
    """What a new index takes the place of: its images are what a codebook is trained on."""

    def stats(self) -> IndexStats:
        """How many there are."""
        ...

    def keys(self) -> Sequence[int]:
        """Of the images, rising."""
        ...


class Rebuild:
    """The making of a new index, which goes on where it was interrupted, also by the end of the process.

    Args:
        release: Of the features.
        catalogue: The truth.
        folder: Where what is done of it lies.
        factory: Of the index that is wanted; None: one whose lists suit the size of the catalogue.
    """

    def __init__(
        self, release: ModelRelease, catalogue: Catalogue, folder: Path, factory: IndexFactory | None = None
    ) -> None:
        self._release = release
        self._catalogue = catalogue
        self._folder = folder
        self._factory = factory

    def plan(self, index: FaissIndex) -> Plan | None:
        """How the index is to be made anew; None: it may stay, or waits for more descriptors."""
        now, count = index.codebook.factory, index.stats().descriptors
        if self._factory is not None and self._factory != now:
            if count >= self._factory.training_descriptors:
                return Plan(self._factory, None, "the index is made anew as its setting says")
        elif self._factory is None and index.crowded:
            # GPUs take no codes of 10 bytes, and have memory for longer ones.
            factory = _automatic(now, count, may_be_short=index.device is None)
            return Plan(factory, None, "the index has outgrown its codebook and is made anew")
        if index.worn:
            return Plan(now, index.codebook, "the index is made anew without the traces of images that are gone")
        return None

    def first(self) -> Plan:
        """How the first index of a catalogue is to be made that has all of its descriptors already."""
        count, codebook = self._catalogue.descriptor_count(self._release.name), FaissIndex(self._release).codebook
        reason = "an index is made of the catalogue"
        if self._factory is not None:
            return Plan(self._factory, None, reason) if count >= self._factory.training_descriptors else _of(codebook)
        if count > codebook.comfort and training.lists_for(count) > codebook.lists:
            return Plan(_automatic(codebook.factory, count, may_be_short=True), None, reason)
        return _of(codebook)

    def waiting(self, index: FaissIndex) -> str:
        """What has to happen before the index is as its setting says; empty if it is, or is to be made anew."""
        count = index.stats().descriptors
        if self._factory in (None, index.codebook.factory) or count >= self._factory.training_descriptors:
            return ""
        return (
            f"{self._factory} is trained once the catalogue has {self._factory.training_descriptors:,} descriptors; it "
            f"has {count:,}, and {index.codebook.factory} serves until then"
        )

    def run(
        self,
        plan: Plan,
        old: Indexed,
        stopped: Callable[[], bool],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> tuple[FaissIndex, int]:
        """Trains a codebook on the catalogue's descriptors, or takes the plan's, and adds all images.

        Args:
            plan: What to make.
            old: The index that serves, to be replaced, or what would be in one.
            stopped: Asked now and then whether to give up.
            progress: Told of the images done and of their total.

        Returns:
            The index, and the catalogue sequence number from which on changes may be missing in it.

        Raises:
            CancelledError: If it was stopped; :meth:`run` goes on from there.
            OSError: If something cannot be written.
            SteepleError: If the catalogue cannot be read.
        """
        total, said = self._catalogue.image_count(), time.monotonic()
        progress(0, total)
        fresh, sequence = self._resumed(plan) or self._begun(plan, old, stopped)
        done = fresh.stats().images
        progress(done, total)
        last = max(fresh.keys(), default=0)
        for image_key, features in self._catalogue.iterate_features(self._release.name, last):
            if stopped():
                fresh.snapshot(self._folder, sequence)
                raise CancelledError("the making of a new index was interrupted; it goes on from there")
            fresh.add(image_key, features.unit_descriptors())
            done += 1
            progress(done, total)
            if fresh.wants_snapshot:
                fresh.snapshot(self._folder, sequence)
            if time.monotonic() - said > _PROGRESS_SECONDS:
                said = time.monotonic()
                log.info("a new index is being made", extra=facts(images=done, of=total))
        log.info("a new index was made", extra=facts(kind=fresh.stats().kind, images=fresh.stats().images))
        return fresh, sequence

    def clear(self) -> None:
        """Removes what was kept to go on from."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _resumed(self, plan: Plan) -> tuple[FaissIndex, int] | None:
        if not SnapshotFolder(self._folder).exists:
            return None
        try:
            fresh, sequence = FaissIndex.restore(self._folder, self._release)
        except SnapshotError as error:
            log.warning("a half-made index is not used", extra=facts(reason=error.message))
            return None
        if sequence > self._catalogue.sequence() or not self._fits(fresh, plan):
            return None
        log.info("a half-made index goes on", extra=facts(images=fresh.stats().images))
        return fresh, sequence

    def _fits(self, fresh: FaissIndex, plan: Plan) -> bool:
        if plan.codebook is not None:
            return fresh.codebook.sha256 == plan.codebook.sha256
        found = fresh.codebook.factory
        if self._factory is not None:
            return found == plan.factory
        # The catalogue may have grown since: fewer lists than would be planned now will do if they are enough.
        enough = self._catalogue.descriptor_count(self._release.name) <= fresh.codebook.comfort
        return found == IndexFactory.automatic(found.lists, plan.factory.sub_quantizers) and (
            enough or found.lists >= plan.factory.lists
        )

    def _begun(self, plan: Plan, old: Indexed, stopped: Callable[[], bool]) -> tuple[FaissIndex, int]:
        self.clear()
        stats, sequence = old.stats(), self._catalogue.sequence()
        log.info(plan.reason, extra=facts(kind=stats.kind, descriptors=stats.descriptors, wanted=plan.factory))
        codebook = plan.codebook or training.train(
            self._samples(old, training.samples_for(plan.factory), stopped),
            plan.factory,
            probes=self._release.index.probes,
            stopped=stopped,
        )
        fresh = FaissIndex(self._release, codebook=codebook)
        fresh.snapshot(self._folder, sequence)
        return fresh, sequence

    def _samples(self, old: Indexed, count: int, stopped: Callable[[], bool]) -> NDArray[np.float32]:
        """float32[about ``count``, 40]: all descriptors of images evenly chosen by key, thus by age."""
        stats = old.stats()
        keys = evenly(old.keys(), -(-count * stats.images // stats.descriptors))
        found = []
        for start in range(0, len(keys), _IMAGES_AT_ONCE):
            if stopped():
                raise CancelledError("the training of the codebook was interrupted")
            features = self._catalogue.features(keys[start : start + _IMAGES_AT_ONCE], self._release.name)
            found += [each.unit_descriptors() for each in features.values()]
        return np.concatenate(found)


def _automatic(now: IndexFactory, count: int, *, may_be_short: bool) -> IndexFactory:
    """What suits as many descriptors, with codes as long as they are now, or shorter ones."""
    short = may_be_short and count >= _LONG_CODES_UNTIL
    codes = min(now.sub_quantizers, _SHORT_CODE) if short else now.sub_quantizers
    return IndexFactory.automatic(training.lists_for(count), codes)


def _of(codebook: Codebook) -> Plan:
    return Plan(codebook.factory, codebook, "an index is made of the catalogue with the codebook of the release")
