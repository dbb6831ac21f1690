"""Keeps the index in step with the catalogue, which alone is the truth."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from steeple.delf.release import ModelRelease
from steeple.errors import CancelledError, SnapshotError
from steeple.server.catalogue import Catalogue, Change, ChangeKind
from steeple.server.catching_up import CatchingUp
from steeple.server.index import FaissIndex, faiss_version
from steeple.server.index.device import Device
from steeple.server.index.snapshot import SnapshotFolder
from steeple.server.index_factory import IndexFactory
from steeple.server.index_rebuild import Rebuild
from steeple.server.keeper import Activity, IndexInfo, Stop, UpkeepState
from steeple.server.logs import facts

log = logging.getLogger(__name__)

_BATCH: Final = 256
_AT_ONCE: Final = 16  # images whose descriptors FAISS assigns to lists together
_SAVE_SECONDS: Final = 300.0  # of changes that a start after a crash has to apply again
_PROGRESS_SECONDS: Final = 10.0


@dataclass(frozen=True)
class IndexOptions:
    """How an index is to be.

    Attributes:
        factory: Of its codebook; None: the release's, and more lists as the catalogue grows.
        device: That searches its files; None: the processor.
        batch_delay_seconds: That a search waits at most for others to share FAISS's call with; None: none does.
        batch_descriptors: Of a shared call, at most.
    """

    factory: IndexFactory | None = None
    device: Device | None = None
    batch_delay_seconds: float | None = None
    batch_descriptors: int = 1


class IndexKeeper:
    """An index that follows the catalogue's change log.

    Every change reaches the index by one path only, :meth:`catch_up`: after each mutation, after a
    restart, and again after a failure. So whatever the catalogue has committed gets into the index,
    however often the attempt has to be repeated. Thread safe.

    Args:
        release: Features of other releases are left out of the index.
        catalogue: The truth.
        folder: Where snapshots lie.
        options: How the index is to be.
        stopping: Set to interrupt a long start; of no effect afterwards.

    Raises:
        CancelledError: If ``stopping`` was set before the index was current.
    """

    def __init__(
        self,
        release: ModelRelease,
        catalogue: Catalogue,
        folder: Path,
        *,
        options: IndexOptions | None = None,
        stopping: Stop | None = None,
    ) -> None:
        options = options or IndexOptions()
        self._release = release
        self._catalogue = catalogue
        self._folder = folder / release.name
        self._rebuild = Rebuild(release, catalogue, folder / f"{release.name}.rebuild", options.factory)
        self._upkeep_state = UpkeepState()
        self._stopping: Stop = stopping or threading.Event()
        self._lock = threading.Lock()
        self._saving = threading.RLock()
        self._growing = 0
        self._catching_up = CatchingUp(lambda: self._sequence)
        restored = self._restored()
        self._index, self._sequence = restored or self._built()
        self._saved_sequence = self._sequence if restored else -1
        self._saved_at = time.monotonic()
        self.catch_up()
        if not self._complete():
            log.warning("the index differs from the catalogue and is built anew")
            self._index, self._sequence = self._built()
            self.catch_up()
        if options.batch_delay_seconds is not None:
            self._index.batch(options.batch_delay_seconds, options.batch_descriptors)
        if options.device is not None:
            self._index.serve_from(options.device)
        if self.waiting_for:
            log.info(
                "the index is not yet of the kind that its setting names", extra=facts(waiting_for=self.waiting_for)
            )
        # From here on there are callers who wait to be told that their change is in the index: a stop lets them be.
        self._stopping = threading.Event()

    @property
    def index(self) -> FaissIndex:
        """The index that is kept."""
        return self._index

    @property
    def sequence(self) -> int:
        """Sequence number of the last change that the index has."""
        return self._sequence

    @property
    def upkeep_state(self) -> UpkeepState:
        """What upkeep does now."""
        return self._upkeep_state

    @property
    def waiting_for(self) -> str:
        """What has to happen before the index is of the kind that is wanted; empty if nothing has to."""
        return self._rebuild.waiting(self._index)

    @property
    def batch_sizes(self) -> Mapping[int, int] | None:
        """Number of FAISS's calls by how many searches shared them; None: none share any."""
        return self._index.batch_sizes

    def info(self) -> IndexInfo:
        """See :meth:`Keeper.info`."""
        index, stats = self._index, self._index.stats()
        factory, _, device = stats.kind.partition(" on ")
        return IndexInfo(
            factory=factory,
            device=device,
            faiss_version=faiss_version(),
            batching=index.batch_sizes is not None,
            probes=index.probes,
            neighbours=self._release.index.neighbours,
            images=stats.images,
            descriptors=stats.descriptors,
            live_descriptors=index.live,
            dead_descriptors=index.dead,
            bytes_per_descriptor=stats.bytes_per_descriptor,
            sequence=self._sequence,
            catalogue_sequence=self._catalogue.sequence(),
        )

    def catch_up(self) -> None:
        """Applies all changes that the catalogue has committed.

        Whoever calls this after a commit finds that commit in the index when it returns.

        Raises:
            UnavailableError: If it failed; the changes are in the catalogue and reach the index later.
        """
        with self._lock, self._catching_up.attempt():
            while changes := self._catalogue.changes_since(self._sequence, _BATCH):
                self._apply(changes, self._index)

    def catch_up_if_behind(self) -> None:
        """Tries again, now and then, after :meth:`catch_up` has failed; a further failure is only logged."""
        self._catching_up.again_if_behind(self.catch_up)

    def snapshot(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Writes the index to disk, from where the next start restores it. Changes and searches go on.

        Args:
            stopped: Asked now and then whether to give up.

        Raises:
            CancelledError: If it was stopped.
            OSError: If it cannot be written.
        """
        with self._saving:
            # Read before the index is looked at: what it has beyond this number does no harm when it is applied again.
            sequence = self._sequence
            with self._doing(UpkeepState(Activity.SAVING)):
                self._index.snapshot(self._folder, sequence, stopped)
            self._saved_sequence, self._saved_at = sequence, time.monotonic()
            log.info("the index was saved", extra=facts(sequence=sequence, folder=self._folder))

    @contextmanager
    def saved(self) -> Iterator[tuple[str, Sequence[Path]]]:
        """Name of the model release, and the files of the index as it is now, which stay until the block is left.

        Raises:
            OSError: If it cannot be written.
        """
        with self._saving:
            self.snapshot()
            yield self._release.name, sorted(file for file in self._folder.iterdir() if file.suffix != ".partial")

    def retire(self) -> None:
        """Frees the device for others."""
        self._index.serve_from(None)

    def close(self) -> None:
        """Saves the index for the last time, and frees the device.

        Raises:
            OSError: If it cannot be written.
        """
        self.retire()  # nothing more is copied to the device
        self.snapshot()

    def upkeep(self, stopped: Callable[[], bool]) -> None:
        """Does what is due: saves the index, or makes it anew. Changes and searches go on.

        Args:
            stopped: Asked now and then whether to give up; what was done of a new index is then kept for the next call.

        Raises:
            CancelledError: If it was stopped.
            OSError: If something cannot be written.
            SteepleError: If the catalogue cannot be read.
        """
        plan = self._rebuild.plan(self._index)
        if plan is not None and not self.puts_off_rebuilding:
            with self._doing(UpkeepState(Activity.REBUILDING)):
                fresh, sequence = self._rebuild.run(plan, self._index, stopped, self._rebuilt)
                with self._lock:
                    while changes := self._catalogue.changes_since(sequence, _BATCH):
                        self._apply(changes, fresh)
                        sequence = changes[-1].sequence
                    self._index.adopt(fresh)
                    self._sequence = sequence
            self.snapshot(stopped)
            self._rebuild.clear()
            return
        if plan is None:
            self._rebuild.clear()  # what was begun for another setting
        if self._index.wants_snapshot or (
            self._sequence != self._saved_sequence and time.monotonic() - self._saved_at > _SAVE_SECONDS
        ):
            self.snapshot(stopped)

    @property
    def puts_off_rebuilding(self) -> bool:
        """Whether the index is not made anew now: see :meth:`growing`."""
        return self._growing > 0

    @contextmanager
    def growing(self) -> Iterator[None]:
        """Puts off making the index anew for as long as the block lasts, in which very many images are added.

        Otherwise the new index would be trained on the first of them, which need not be like the others.
        """
        with self._lock:
            self._growing += 1
        try:
            yield
        finally:
            with self._lock:
                self._growing -= 1

    def _rebuilt(self, done: int, total: int) -> None:
        self._upkeep_state = UpkeepState(Activity.REBUILDING, done, total)

    @contextmanager
    def _doing(self, state: UpkeepState) -> Iterator[None]:
        self._upkeep_state = state
        try:
            yield
        finally:
            self._upkeep_state = UpkeepState()

    def _apply(self, changes: Sequence[Change], index: FaissIndex) -> None:
        added = (change.image_key for change in changes if change.kind is ChangeKind.ADD)
        features = self._catalogue.features(added, self._release.name)
        for kind, run in itertools.groupby(changes, key=lambda change: change.kind):
            same = list(run)
            for some in (same[start : start + _AT_ONCE] for start in range(0, len(same), _AT_ONCE)):
                if self._stopping.is_set():
                    raise CancelledError("the server was told to stop")
                if kind is ChangeKind.REMOVE:
                    for change in some:
                        index.remove(change.image_key)
                elif (
                    kind is ChangeKind.ADD
                ):  # what is missing was removed since, which a later change says, or is of other releases
                    keys = [change.image_key for change in some if change.image_key in features]
                    index.add_many({key: features[key].unit_descriptors() for key in keys})
                if index is self._index:
                    self._sequence = some[-1].sequence

    def _restored(self) -> tuple[FaissIndex, int] | None:
        if not SnapshotFolder(self._folder).exists:
            return None
        try:
            index, sequence = FaissIndex.restore(self._folder, self._release)
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

    def _built(self) -> tuple[FaissIndex, int]:
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
