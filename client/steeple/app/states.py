"""What the live view is doing: a state machine without clock, threads or window."""

from __future__ import annotations

import enum

from steeple.client.types import Answer


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
    """From events to a state and the answer that is shown with it. Times are seconds of one clock that never goes back."""

    @property
    def state(self) -> State:
        """The present state."""
        raise NotImplementedError

    @property
    def answer(self) -> Answer | None:
        """What is shown: an identification if certain, the last answer if unknown, else None."""
        raise NotImplementedError

    def started(self, now: float) -> State:
        """The camera runs."""
        raise NotImplementedError

    def paused(self, now: float) -> State:
        """The camera stands."""
        raise NotImplementedError

    def answered(self, answer: Answer, now: float) -> State:
        """A frame was answered."""
        raise NotImplementedError

    def lost(self, now: float) -> State:
        """The outline could not be followed any further."""
        raise NotImplementedError

    def disconnected(self, now: float) -> State:
        """Nobody can answer."""
        raise NotImplementedError

    def connected(self, now: float) -> State:
        """Somebody can answer again."""
        raise NotImplementedError

    def tick(self, now: float) -> State:
        """Time went on."""
        raise NotImplementedError
