"""Keeps the index in step with the catalogue, which alone is the truth."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import CancelledError, SnapshotError, UnavailableError
from steeple.server.catalogue import Catalogue, Change, ChangeKind
from steeple.server.index import DescriptorIndex, FaissIndex
from steeple.server.logs import facts

log = logging.getLogger(__name__)

_BATCH: Final = 256
_RETRY_SECONDS: Final = 1.0
_PROGRESS_SECONDS: Final = 10.0


class IndexKeeper:
    """An index that follows the catalogue's change log.

    Every change reaches the index by one path only, :meth:`catch_up`: after each mutation, after a
    restart, and again after a failure. So whatever the catalogue has committed gets into the index,
    however often the attempt has to be repeated. Thread safe.

    Args:
        release: Features of other releases are left out of the index.
        catalogue: The truth.
        folder: Where snapshots lie.
        stopping: Set to interrupt a long start; of no effect afterwards.

    Raises:
        CancelledError: If ``stopping`` was set before the index was current.
    """

    def __init__(
        self, release: ModelRelease, catalogue: Catalogue, folder: Path, *, stopping: threading.Event | None = None
    ) -> None:
        self._release = release
        self._catalogue = catalogue
        self._snapshot_path = folder / f"{release.name}.snapshot"
        self._stopping = stopping or threading.Event()
        self._lock = threading.Lock()
        self._behind = False
        self._next_retry = 0.0
        self._index, self._sequence = self._restored() or self._rebuilt()
        self.catch_up()
        if not self._complete():
            log.warning("the index differs from the catalogue and is built anew")
            self._index, self._sequence = self._rebuilt()
            self.catch_up()
        # From here on there are callers who wait to be told that their change is in the index: a stop lets them be.
        self._stopping = threading.Event()

    @property
    def index(self) -> DescriptorIndex:
        """The index that is kept."""
        return self._index

    @property
    def sequence(self) -> int:
        """Sequence number of the last change that the index has."""
        return self._sequence

    def catch_up(self) -> None:
        """Applies all changes that the catalogue has committed.

        Whoever calls this after a commit finds that commit in the index when it returns.

        Raises:
            UnavailableError: If it failed; the changes are in the catalogue and reach the index later.
        """
        with self._lock:
            try:
                while changes := self._catalogue.changes_since(self._sequence, _BATCH):
                    self._apply(changes)
            except CancelledError:
                raise
            except Exception as error:
                self._behind = True
                self._next_retry = time.monotonic() + _RETRY_SECONDS
                log.exception("the index fell behind the catalogue", extra=facts(sequence=self._sequence))
                raise UnavailableError(
                    "the change is stored but not searchable yet; repeat the call with the same request_id"
                ) from error
            self._behind = False

    def catch_up_if_behind(self) -> None:
        """Tries again, now and then, after :meth:`catch_up` has failed; a further failure is only logged."""
        if self._behind and time.monotonic() >= self._next_retry:
            try:
                self.catch_up()
            except UnavailableError:
                return
            log.info("the index has caught up with the catalogue", extra=facts(sequence=self._sequence))

    def snapshot(self) -> None:
        """Writes the index to disk, from where the next start restores it.

        Raises:
            OSError: If it cannot be written.
        """
        with self._lock:
            self._index.snapshot(self._snapshot_path, self._sequence)
            log.info("the index was saved", extra=facts(sequence=self._sequence, path=self._snapshot_path))

    def _apply(self, changes: Sequence[Change]) -> None:
        features = self._catalogue.features(change.image_key for change in changes if change.kind is ChangeKind.ADD)
        for change in changes:
            if self._stopping.is_set():
                raise CancelledError("the server was told to stop")
            if change.kind is ChangeKind.REMOVE:
                self._index.remove(change.image_key)
            elif change.image_key in features:  # else removed since, which a later change says
                self._add(change.image_key, features[change.image_key])
            self._sequence = change.sequence

    def _add(self, image_key: int, features: FeatureSet) -> None:
        if features.model == self._release.name:
            self._index.add(image_key, features.unit_descriptors())

    def _restored(self) -> tuple[FaissIndex, int] | None:
        if not self._snapshot_path.exists():
            return None
        try:
            index, sequence = FaissIndex.restore(self._snapshot_path, self._release)
        except SnapshotError as error:
            log.warning("the saved index is not used and is built anew", extra=facts(reason=error.message))
            return None
        if sequence > self._catalogue.sequence():
            log.warning(
                "the saved index is not used and is built anew", extra=facts(reason="it is ahead of the catalogue")
            )
            return None
        log.info("the saved index was restored", extra=facts(sequence=sequence, images=index.stats().images))
        return index, sequence

    def _rebuilt(self) -> tuple[FaissIndex, int]:
        began = said = time.monotonic()
        index, sequence, images = FaissIndex(self._release), self._catalogue.sequence(), 0
        for image_key, features in self._catalogue.iterate_features(self._release.name):
            if self._stopping.is_set():
                raise CancelledError("the server was told to stop")
            index.add(image_key, features.unit_descriptors())
            images += 1
            if time.monotonic() - said > _PROGRESS_SECONDS:
                said = time.monotonic()
                log.info("the index is being built", extra=facts(images=images))
        log.info("the index was built", extra=facts(images=images, seconds=round(time.monotonic() - began, 3)))
        return index, sequence

    def _complete(self) -> bool:
        return self._index.stats().descriptors == self._catalogue.descriptor_count(self._release.name)
