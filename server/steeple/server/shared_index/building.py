"""The making of a new generation of a shared index: by one server, and by another if that one ends."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from steeple.errors import CancelledError, SteepleError
from steeple.server.catalogue import Catalogue
from steeple.server.logs import facts
from steeple.server.shared_index import changes, reading
from steeple.server.shared_index.engine import Generation, Generations
from steeple.server.shared_index.states import LockedState, SharedState, SharedStates

log = logging.getLogger(__name__)

_LEASE: Final = timedelta(seconds=30)
_AT_ONCE: Final = 64  # images: some 60,000 descriptors
_CHANGES_AT_ONCE: Final = 64
_SETTLE_SECONDS: Final = 0.5
_PROGRESS_SECONDS: Final = 10.0

Progress = Callable[[int, int], None]


class Build:
    """Makes generations of one model release's index.

    Args:
        model: Name of the release.
        catalogue: The truth.
        generations: Of the index.
        states: How far it has come.
    """

    def __init__(self, model: str, catalogue: Catalogue, generations: Generations, states: SharedStates) -> None:
        self._model = model
        self._catalogue = catalogue
        self._generations = generations
        self._states = states
        self._builder = secrets.token_hex(8)

    def run(self, reason: str, stopped: Callable[[], bool], progress: Progress, *, alone: bool = False) -> bool:
        """Makes a generation, or goes on with one that was begun, and has it serve.

        What is done is kept, so that this process, another, or one on another machine goes on from there.

        Args:
            reason: For the log.
            stopped: Asked now and then whether to give up.
            progress: Told of the images done and of their total.
            alone: Whether no other process can be making one, whatever the state says.

        Returns:
            Whether it serves now; if not, another process makes it.

        Raises:
            CancelledError: If it was stopped.
            SteepleError: If the engine or the catalogue cannot be reached.
        """
        totals = reading.totals(self._catalogue, self._model)
        state = self._claimed(reason, totals.descriptors, alone=alone)
        if state is None:
            return False
        try:
            return self._filled(state, max(totals.images, state.building_images), stopped, progress)
        except SteepleError:
            self._release(state)
            raise

    def _filled(self, state: SharedState, total: int, stopped: Callable[[], bool], progress: Progress) -> bool:
        fresh, began, said = self._generations.open(state.building), time.monotonic(), time.monotonic()
        done = state.building_images
        progress(done, total)
        for images in reading.iterate(self._catalogue, self._model, state.building_after, _AT_ONCE):
            self._check(stopped)
            fresh.put(images)
            done += len(images)
            if not self._kept(state, max(images), done):
                return False
            progress(done, max(done, total))
            if time.monotonic() - said > _PROGRESS_SECONDS:
                said = time.monotonic()
                log.info("a new index is being made", extra=facts(model=self._model, images=done, of=total))
        while not fresh.settle():
            self._check(stopped)
            if not self._kept(state):
                return False
            time.sleep(_SETTLE_SECONDS)
        served = self._served(state, fresh, stopped)
        if served:
            log.info(
                "a new index was made",
                extra=facts(
                    model=self._model,
                    generation=state.building,
                    images=done,
                    seconds=round(time.monotonic() - began, 3),
                ),
            )
        return served

    def _claimed(self, reason: str, descriptors: int, *, alone: bool) -> SharedState | None:
        """The state with this process as the builder; None if another one is."""
        with self._states.locked() as held:
            state, now = held.state, datetime.now(UTC)
            others = state.building and state.builder not in ("", self._builder) and not alone
            if others and state.builder_until is not None and state.builder_until > now:
                return None
            state = replace(state, builder=self._builder, builder_until=now + _LEASE)
            numbers = self._generations.numbers()
            # The catalogue may have grown since: fewer lists than would be planned now will do if they are many.
            enough = 2 * self._generations.lists_for(state.building_size) >= self._generations.lists_for(descriptors)
            if state.building in numbers and enough:
                log.info("a half-made index goes on", extra=facts(model=self._model, images=state.building_images))
                held.state = state
                return state
            number = max([state.generation, state.building, *numbers]) + 1
            sequence = self._catalogue.sequence()
            log.info(reason, extra=facts(model=self._model, generation=number, descriptors=descriptors))
            self._generations.make(number, descriptors)
            held.state = replace(
                state,
                building=number,
                building_sequence=sequence,
                building_after=0,
                building_images=0,
                building_size=descriptors,
            )
            return held.state

    def _kept(self, state: SharedState, after: int = 0, images: int = 0) -> bool:
        """Notes how far it has come; whether this process is still the builder."""
        with self._states.locked() as held:
            if not self._is_mine(held, state):
                return False
            held.state = replace(held.state, builder_until=datetime.now(UTC) + _LEASE)
            if after:
                held.state = replace(held.state, building_after=after, building_images=images)
            return True

    def _served(self, state: SharedState, fresh: Generation, stopped: Callable[[], bool]) -> bool:
        """Takes what has changed meanwhile into a generation and has it serve; whether this process is the builder."""
        while True:
            self._check(stopped)
            with self._states.locked() as held:
                if not self._is_mine(held, state):
                    return False
                found = self._catalogue.changes_since(held.state.building_sequence, _CHANGES_AT_ONCE)
                if found:
                    changes.apply(found, self._catalogue, self._model, fresh)
                    until = datetime.now(UTC) + _LEASE
                    held.state = replace(held.state, building_sequence=found[-1].sequence, builder_until=until)
                if len(found) == _CHANGES_AT_ONCE:
                    continue  # there may be many: others get their turn
                fresh.counts()  # what searches see is as new as what they have seen of the generation before
                self._generations.serve(state.building)
                held.state = replace(
                    SharedState(attempt=held.state.attempt),
                    generation=state.building,
                    sequence=held.state.building_sequence,
                    clock=max(held.state.clock, fresh.clock),
                    size=state.building_size,
                )
                return True

    def _release(self, state: SharedState) -> None:
        """Lets another go on at once."""
        try:
            with self._states.locked() as held:
                if self._is_mine(held, state):
                    held.state = replace(held.state, builder="", builder_until=None)
        except SteepleError as error:  # another goes on a little later
            log.debug("the making of an index was not given up: %s", error.message)

    def _is_mine(self, held: LockedState, state: SharedState) -> bool:
        return held.state.building == state.building and held.state.builder == self._builder

    def _check(self, stopped: Callable[[], bool]) -> None:
        if stopped():
            raise CancelledError("the making of a new index was interrupted; it goes on from there")
