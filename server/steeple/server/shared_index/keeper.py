"""Keeps an index that servers share in step with the catalogue, whoever of them is there."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from steeple.delf.release import ModelRelease
from steeple.errors import CancelledError, SteepleError, UnavailableError
from steeple.server.catalogue import Catalogue
from steeple.server.catching_up import CatchingUp
from steeple.server.index import IndexStats, faiss_version
from steeple.server.keeper import Activity, IndexInfo, ServedIndex, Stop, UpkeepState
from steeple.server.logs import facts
from steeple.server.shared_index import changes, reading
from steeple.server.shared_index.building import Build, Progress
from steeple.server.shared_index.engine import Generations
from steeple.server.shared_index.reading import Totals
from steeple.server.shared_index.states import LockedState, SharedState, SharedStates

log = logging.getLogger(__name__)

_BATCH: Final = 64  # changes applied while others wait: some 60,000 descriptors
_WAIT_SECONDS: Final = 0.5
_SAID_SECONDS: Final = 10.0
_CHECK_SECONDS: Final = 3600.0
_LATER_SECONDS: Final = 60.0  # searches of a generation that another took the place of have ended then
_OUTGROWN: Final = 4  # times fewer lists than there should be


class SharedIndexKeeper:
    """An index of an engine that servers share, which follows the catalogue's change log.

    Any server takes any change into it: one at a time, by a lock in the catalogue's database, from where the state
    there says that the index is. So a change is taken in once, whoever made it; and one that was taken in without that
    being noted, as its server ended, is taken in again, which is harmless. Thread safe.

    Args:
        release: Features of other releases are left out of the index.
        catalogue: The truth.
        generations: Of the release's index.
        stopping: Set to interrupt a long start; of no effect afterwards.
        told: Of the images done, and of their number, while an index is made.

    Raises:
        CancelledError: If ``stopping`` was set before the index was current.
        SteepleError: If the engine or the catalogue cannot be reached.
    """

    def __init__(
        self,
        release: ModelRelease,
        catalogue: Catalogue,
        generations: Generations,
        *,
        stopping: Stop | None = None,
        told: Progress = lambda done, total: None,
    ) -> None:
        self._release = release
        self._catalogue = catalogue
        self._generations = generations
        self._told = told
        self._states = SharedStates(catalogue.database, release.name)
        self._build = Build(release.name, catalogue, generations, self._states)
        self._upkeep_state = UpkeepState()
        self._lock = threading.Lock()
        self._growing = 0
        self._catching_up = CatchingUp(lambda: self._sequence)
        self._sequence = -1
        self._incomplete = 0  # the generation that differs from the catalogue; 0: none is known to
        self._outgrown = 0  # likewise: the generation that has too few lists
        self._superfluous: dict[int, float] = {}  # generations, and when each was seen first
        self._stats = IndexStats("unknown on unknown", 0, 0, 0.0)
        self._checked_at = time.monotonic()
        self._start(stopping or threading.Event())

    @property
    def index(self) -> ServedIndex:
        """The index that is kept."""
        return self._generations.index

    @property
    def sequence(self) -> int:
        """Sequence number of the last change that searches here are sure to see."""
        return max(0, self._sequence)

    @property
    def upkeep_state(self) -> UpkeepState:
        """What upkeep does now: here, or on another server."""
        return self._upkeep_state

    @property
    def waiting_for(self) -> str:
        """Nothing: Milvus trains each of its segments when that is full."""
        return ""

    @property
    def batch_sizes(self) -> Mapping[int, int] | None:
        """None: the engine sees to that."""
        return None

    def info(self) -> IndexInfo:
        """See :meth:`Keeper.info`. While the engine cannot be reached, what it had when it was asked last."""
        try:
            stats = self._stats = self.index.stats()
        except SteepleError as error:
            log.warning("the index cannot be asked what it has", extra=facts(reason=error.message))
            stats = self._stats
        factory, _, device = stats.kind.partition(" on ")
        return IndexInfo(
            factory=factory,
            device=device,
            faiss_version=faiss_version(),
            batching=False,
            probes=self._release.index.probes,
            neighbours=self._release.index.neighbours,
            images=stats.images,
            descriptors=stats.descriptors,
            live_descriptors=0,
            dead_descriptors=0,
            bytes_per_descriptor=stats.bytes_per_descriptor,
            sequence=self.sequence,
            catalogue_sequence=self._catalogue.sequence(),
        )

    def catch_up(self) -> None:
        """See :meth:`Keeper.catch_up`. Where another server was first, only waits until searches here see it."""
        with self._catching_up.attempt():
            self._catch_up()

    def catch_up_if_behind(self) -> None:
        """See :meth:`Keeper.catch_up_if_behind`."""
        self._catching_up.again_if_behind(self.catch_up)

    @contextmanager
    def saved(self) -> Iterator[tuple[str, Sequence[Path]]]:
        """No files: the engine keeps the index."""
        yield self._release.name, ()

    def upkeep(self, stopped: Callable[[], bool]) -> None:
        """See :meth:`Keeper.upkeep`: makes a new generation where one is due, and deletes those that served before."""
        self.catch_up_if_behind()
        if time.monotonic() - self._checked_at > _CHECK_SECONDS:
            self._check()
        state = self._states.read()
        if reason := self._reason(state):
            if self._made(reason, stopped):
                self.catch_up()
            state = self._states.read()
        else:
            self._upkeep_state = UpkeepState()
        self._tidy(state)

    @property
    def puts_off_rebuilding(self) -> bool:
        """Whether the index is not made anew now because it has grown: see :meth:`growing`."""
        return self._growing > 0

    @contextmanager
    def growing(self) -> Iterator[None]:
        """See :meth:`Keeper.growing`."""
        with self._lock:
            self._growing += 1
        try:
            yield
        finally:
            with self._lock:
                self._growing -= 1

    def rebuild(self, stopped: Callable[[], bool]) -> bool:
        """Makes a new generation, whether one is due or not; whether it was made here, and not by another server."""
        made = self._made("the index is made anew, as was asked for", stopped)
        if made:
            self.catch_up()
        return made

    def compared(self) -> tuple[Totals, SharedState, tuple[int, int]]:
        """What the index should have, how far it is, and how many images and descriptors it has, at one moment."""
        while True:
            with self._states.locked() as held:
                totals = reading.totals(self._catalogue, self._release.name)
                state = held.state
                if totals.sequence == state.sequence:
                    return totals, state, self._generations.open(state.generation, state.clock).counts()
                self._take(held)

    def retire(self) -> None:
        """Nothing here is to be freed."""

    def close(self) -> None:
        """Nothing here is to be saved."""

    def _start(self, stopping: Stop) -> None:
        said = time.monotonic()
        while not self._serves(state := self._states.read()):
            reason = "the index is built" if not state.generation else _LOST
            if self._made(reason, stopping.is_set):
                continue
            if stopping.is_set():
                raise CancelledError("the server was told to stop")
            if time.monotonic() - said > _SAID_SECONDS:
                said = time.monotonic()
                log.info("another server builds the index", extra=facts(images=state.building_images))
            time.sleep(_WAIT_SECONDS)
        self._catch_up()  # whatever keeps it from that is told as it is, and is no change that was acknowledged
        self._check()

    def _serves(self, state: SharedState) -> bool:
        return state.generation > 0 and self._generations.serving() == state.generation

    def _reason(self, state: SharedState) -> str:
        """Why a new generation is to be made; empty if none is."""
        if not self._serves(state):
            # Another server may be about to change both, which it does with the state locked.
            with self._states.locked() as held:
                if not self._serves(held.state):
                    return _LOST
        if self._incomplete == state.generation:
            return "the index differs from the catalogue and is made anew"
        if state.building:
            return "the index is made anew"
        if self._outgrown == state.generation and not self._growing:
            return "the index has outgrown its lists and is made anew"
        return ""

    def _made(self, reason: str, stopped: Callable[[], bool]) -> bool:
        """Whether a new generation serves, made here."""
        self._progress(0, 0)
        try:
            if made := self._build.run(reason, stopped, self._progress, alone=self._catalogue.database.is_sqlite):
                self._sequence = -1  # of another generation
            else:
                state = self._states.read()
                total = reading.totals(self._catalogue, self._release.name).images
                self._progress(state.building_images, max(total, state.building_images))
        except BaseException:
            self._upkeep_state = UpkeepState()
            raise
        if made:
            self._upkeep_state = UpkeepState()
        return made

    def _progress(self, done: int, total: int) -> None:
        self._upkeep_state = UpkeepState(Activity.REBUILDING, done, total)
        self._told(done, total)

    def _catch_up(self) -> None:
        wanted = self._catalogue.sequence()
        with self._lock:
            if self._sequence < wanted:  # else a thread has done it meanwhile
                self._follow(wanted)

    def _follow(self, wanted: int) -> None:
        state = self._states.read()
        while state.sequence < wanted:
            with self._states.locked() as held:
                self._take(held)
                state = held.state
        self._generations.await_clock(state.clock)
        self._sequence = state.sequence

    def _take(self, held: LockedState) -> None:
        """Takes some more changes into the index."""
        generation, clock = held.state.generation, held.state.clock
        if not generation:
            raise UnavailableError("the index is being built")
        if found := self._catalogue.changes_since(held.state.sequence, _BATCH):
            index = self._generations.open(generation, clock, certain=held.begin())
            changes.apply(found, self._catalogue, self._release.name, index)
            held.state = replace(held.state, sequence=found[-1].sequence, clock=max(clock, index.clock))

    def _check(self) -> None:
        """Compares numbers with those of the catalogue, while no change is taken in."""
        self._checked_at = time.monotonic()
        totals, state, found = self.compared()
        differs = found != (totals.images, totals.descriptors)
        if differs and self._incomplete != state.generation:
            log.warning(
                "the index differs from the catalogue and is made anew while it serves",
                extra=facts(images=found[0], of=totals.images, descriptors=found[1], of_these=totals.descriptors),
            )
        self._incomplete = state.generation if differs else 0
        lists = [self._generations.lists_for(number) for number in (totals.descriptors, state.size)]
        self._outgrown = state.generation if lists[0] >= _OUTGROWN * lists[1] else 0

    def _tidy(self, state: SharedState) -> None:
        """Deletes generations that serve no more, a while after that was seen."""
        numbers, now = self._generations.numbers(), time.monotonic()
        gone = [number for number in numbers if number not in (state.generation, state.building)]
        self._superfluous = {number: self._superfluous.get(number, now) for number in gone}
        for number, seen in self._superfluous.items():
            if now - seen > _LATER_SECONDS:
                log.info("an index that served before is deleted", extra=facts(generation=number))
                self._generations.drop(number)


_LOST: Final = "the index is not where it was and is built from the catalogue"
