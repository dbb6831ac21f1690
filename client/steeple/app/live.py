"""The live loop: frames of a camera in, views out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steeple.app.advice import Advice
from steeple.app.found import Origin, StreamSearcher
from steeple.app.pace import ExtractorFactory, Pace
from steeple.app.states import State
from steeple.client.types import Answer
from steeple.errors import SteepleError


@dataclass(frozen=True, eq=False)
class LiveView:
    """What is to be shown with the newest frame.

    Attributes:
        state: What the live view is doing.
        answer: What is shown: an identification if certain, the last answer if unknown; None else.
        outline: float32[P, 2], pixels of the newest frame, clockwise: where the landmark is. None if it is not known.
        frame_size: Width and height of the newest frame, pixels.
        confidence: Of the identification, 0 to 1; None if there is none.
        origin: Who gave the answer; None before the first.
        pack: Name of the pack that gave it; None for a server.
        latency_ms: From a frame's arrival to its answer, the median of the last ones; None before the first.
        answers_per_second: Over the last seconds; None before the second answer.
        advice: What would help; None while nothing is missing.
        problem: Why nobody answers; None while somebody does.
        time: Of the newest frame, as it was offered.
    """

    state: State
    answer: Answer | None
    outline: NDArray[np.float32] | None
    frame_size: tuple[int, int]
    confidence: float | None
    origin: Origin | None
    pack: str | None
    latency_ms: float | None
    answers_per_second: float | None
    advice: Advice | None
    problem: SteepleError | None
    time: float


class LiveSession:
    """Runs the live loop on threads of its own. All methods may be called from any thread.

    Args:
        searcher: Who answers.
        extractor_factory: Makes the extractor of an effort.
        pace: How much is done, and how often.
        on_view: Called with each view, on one of the session's threads, one call at a time. It must return quickly.
    """

    def __init__(
        self,
        searcher: StreamSearcher,
        extractor_factory: ExtractorFactory,
        *,
        pace: Pace,
        on_view: Callable[[LiveView], None],
    ) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Begins; frames may be offered from now on."""
        raise NotImplementedError

    def offer(self, frame: NDArray[np.uint8], time: float) -> None:
        """Gives the newest frame of the camera. Never blocks; a frame that was not looked at yet is replaced.

        Args:
            frame: uint8[H, W, 3], RGB. It must not be written to afterwards.
            time: Seconds, of the clock of ``time.monotonic``.
        """
        raise NotImplementedError

    def pause(self) -> None:
        """Stops looking, until :meth:`resume`."""
        raise NotImplementedError

    def resume(self) -> None:
        """Goes on after :meth:`pause`."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the threads and waits for them. May be called again."""
        raise NotImplementedError
