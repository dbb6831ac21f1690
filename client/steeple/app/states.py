"""What the live view is doing: a state machine without clock, threads or window."""

from __future__ import annotations

import enum
from typing import Final

from steeple.client.types import Answer

AT_ONCE: Final = 0.9
"""Confidence from which one answer is enough to show its landmark; below, two in a row must agree."""

AGREE_SECONDS: Final = 2.0
"""Within which two answers must agree."""

LEAST_SHOWN_SECONDS: Final = 0.6
"""A landmark that is shown stays so long, unless it was lost from sight."""

HOLD_SECONDS: Final = 3.0
"""A landmark that no answer confirms is shown so long, at most."""

LOST_HOLD_SECONDS: Final = 1.0
"""The same after its outline could not be followed any further."""

MISSES: Final = 3
"""Answers in a row that do not show the landmark, after which it is gone."""

UNKNOWN_SECONDS: Final = 2.5
"""Without an identification, after which what is seen is called unknown."""

UNKNOWN_ANSWERS: Final = 4
"""Answers that this takes, at least."""


class State(enum.Enum):
    """What the live view is doing.

    IDLE: paused or not started. LOOKING: no certain answer yet. CERTAIN: a landmark is shown. UNKNOWN: what the camera
    shows is not in the catalogue. OFFLINE: nobody can answer.
    """

    IDLE = "idle"
    LOOKING = "looking"
    CERTAIN = "certain"
    UNKNOWN = "unknown"
    OFFLINE = "offline"


class StateMachine:
    """From events to a state, and to the answer that is shown with it.

    Single answers come and go: a blurred frame is UNKNOWN between two that are certain. So a landmark that is shown
    stays until several answers miss it, another takes its place only when two answers in a row say so, and nothing is
    called unknown before it was looked at for a while.

    Times are seconds of one clock; one that goes back counts as standing still. Each event returns the state after it.
    """

    def __init__(self) -> None:
        self._state = State.IDLE
        self._now = float("-inf")
        self._answer: Answer | None = None
        self._forget()

    @property
    def state(self) -> State:
        """The present state."""
        return self._state

    @property
    def answer(self) -> Answer | None:
        """What is shown: the newest identification if CERTAIN, the newest answer if UNKNOWN, None in all others."""
        return self._answer

    @property
    def landmark(self) -> str | None:
        """Resource name of the landmark that is shown; None if none is."""
        return _identified(self._answer) if self._state is State.CERTAIN else None

    def started(self, now: float) -> State:
        """The camera runs. Nothing changes if it ran before."""
        self._at(now)
        if self._state is State.IDLE:
            self._look()
        return self._state

    def paused(self, now: float) -> State:
        """The camera stands."""
        self._at(now)
        self._go(State.IDLE, None)
        return self._state

    def answered(self, answer: Answer, now: float) -> State:
        """A frame was answered. Where nobody could answer before, this says that somebody can."""
        self._at(now)
        if self._state is State.OFFLINE:
            self._look()
        if self._state is State.CERTAIN:
            self._confirm(answer)
        elif self._state is not State.IDLE:
            self._judge(answer)
        return self._state

    def lost(self, now: float) -> State:
        """The outline of the landmark could not be followed any further: the camera may show something else."""
        self._at(now)
        if self._state is State.CERTAIN:
            self._out_of_sight = True
        return self.tick(now)

    def disconnected(self, now: float) -> State:
        """Nobody can answer."""
        self._at(now)
        if self._state is not State.IDLE:
            self._go(State.OFFLINE, None)
        return self._state

    def tick(self, now: float) -> State:
        """Time went on."""
        self._at(now)
        hold = LOST_HOLD_SECONDS if self._out_of_sight else HOLD_SECONDS
        if self._state is State.CERTAIN and self._now - self._seen >= hold:
            self._look()
        return self._state

    def _at(self, now: float) -> None:
        self._now = max(self._now, now)

    def _go(self, state: State, answer: Answer | None) -> None:
        self._state, self._answer = state, answer
        self._forget()

    def _look(self) -> None:
        self._go(State.LOOKING, None)

    def _forget(self) -> None:
        self._since = self._now  # when the state began; of CERTAIN, when this landmark was first shown
        self._seen = self._now  # when an answer last confirmed the landmark
        self._misses = 0
        self._unidentified = 0
        self._out_of_sight = False
        self._rival: str | None = None  # a landmark that one answer named
        self._rival_time = self._now

    def _judge(self, answer: Answer) -> None:
        """Of an answer while nothing is certain."""
        name = _identified(answer)
        if name is not None and (_confidence(answer) >= AT_ONCE or self._seconded(name)):
            self._go(State.CERTAIN, answer)
            return
        if name is None:
            self._rival = None
            self._unidentified += 1
        if self._state is State.UNKNOWN:
            self._answer = answer if name is None else self._answer
        elif name is None and self._unidentified >= UNKNOWN_ANSWERS and self._now - self._since >= UNKNOWN_SECONDS:
            self._go(State.UNKNOWN, answer)

    def _confirm(self, answer: Answer) -> None:
        """Of an answer while a landmark is shown."""
        shown, name = self.landmark, _identified(answer)
        if name == shown:
            self._answer, self._seen, self._misses = answer, self._now, 0
            self._out_of_sight, self._rival = False, None
            return
        best = answer.best
        if name is None and best is not None and best.landmark.name == shown and not self._out_of_sight:
            self._rival = None  # still its best guess, only not a certain one: neither for nor against
        else:
            self._misses += 1
            seconded = name is not None and self._seconded(name)
            if name is None:
                self._rival = None
            settled = self._now - self._since >= LEAST_SHOWN_SECONDS
            if name is not None and ((seconded and settled) or (self._out_of_sight and _confidence(answer) >= AT_ONCE)):
                self._go(State.CERTAIN, answer)
                return
            if self._out_of_sight or (self._misses >= MISSES and settled):
                self._look()
                if name is not None:
                    self._judge(answer)
                return
        self.tick(self._now)

    def _seconded(self, name: str) -> bool:
        """Whether the answer before named this landmark too."""
        before = self._rival == name and self._now - self._rival_time <= AGREE_SECONDS
        self._rival, self._rival_time = name, self._now
        return before


def _identified(answer: Answer | None) -> str | None:
    if answer is None or answer.landmark is None:
        return None
    return answer.landmark.name


def _confidence(answer: Answer) -> float:
    return answer.candidates[0].confidence
