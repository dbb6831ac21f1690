"""What the live view shows, from frames and answers: the live loop without threads."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.app.advice import Advice, advise
from steeple.app.found import Origin, StreamFound
from steeple.app.frames import Frame, Quality
from steeple.app.outlines import Outline, deviations, place
from steeple.app.states import State, StateMachine
from steeple.app.tracking import Tracker, Trail, carried, to_grey
from steeple.client.types import Answer, Candidate
from steeple.delf.features import FeatureSet
from steeple.delf.homographies import Homography, inverse, mapped
from steeple.errors import SteepleError

ADVICE_SECONDS: Final = 1.5
"""Of looking in vain, after which there is advice."""

_RATE_SECONDS: Final = 3.0
_FORGET_SECONDS: Final = 0.5  # in which what older frames were like counts half
_FAITHFUL_SECONDS: Final = 1.0  # an outline by one reference image is kept so long while answers name another


@dataclass(frozen=True, eq=False)
class LiveView:
    """What is to be shown with the newest frame.

    Attributes:
        state: What the live view is doing.
        answer: What is shown: an identification if certain, the last answer if unknown; None else.
        photo: uint8[H, W, 3], RGB: the frame that it is the answer to; None without one.
        features: Of that frame; None without an answer.
        outline: float32[P, 2], pixels of the newest frame, clockwise: where the landmark is, also where that is outside
            of the frame. None if it is not known.
        homography: float64[3, 3]: maps pixels of the reference image that the outline is by to those of the newest
            frame; None without an outline.
        frame_size: Width and height of the newest frame, pixels; (0, 0) before the first.
        confidence: Of the identification, 0 to 1; None if there is none.
        origin: Who gave the newest answer; None before the first.
        pack: Name of the pack that gave it; None for a server.
        answers: So far, since the session was made.
        latency_ms: Of the newest answer, from the arrival of its frame; None before the first.
        answers_per_second: Over the last seconds; None while there were fewer than two.
        advice: What would help; None while nothing is missing.
        problem: Why nobody answers; None while somebody does.
        time: Of the newest frame, as it was offered.
    """

    state: State
    answer: Answer | None
    photo: NDArray[np.uint8] | None
    features: FeatureSet | None
    outline: NDArray[np.float32] | None
    homography: Homography | None
    frame_size: tuple[int, int]
    confidence: float | None
    origin: Origin | None
    pack: str | None
    answers: int
    latency_ms: float | None
    answers_per_second: float | None
    advice: Advice | None
    problem: SteepleError | None
    time: float


class LiveLoop:
    """Takes what happens, in the order in which it does, and says what is to be shown. Not thread safe.

    Args:
        stride: Of the release: pixels of a pyramid level between cells.
    """

    def __init__(self, stride: int) -> None:
        self._stride = stride
        self._machine = StateMachine()
        self._trail = Trail()
        self._frame: Frame | None = None
        self._quality: Quality | None = None
        self._looking_since = 0.0
        self._last: StreamFound | None = None
        self._shown: tuple[Answer, Frame, FeatureSet] | None = None
        self._answers = 0
        self._latency_ms: float | None = None
        self._answer_times: deque[float] = deque()
        self._problem: SteepleError | None = None
        self._tracker: Tracker | None = None
        self._outline: Outline | None = None
        self._outline_time = 0.0
        self._cut = 0  # number of the first frame after the outline could not be followed any further
        self._carried: Homography = np.eye(
            3
        )  # from the tracker's first frame to the newest, pixels of the grey pictures

    def started(self, now: float) -> None:
        """The camera runs."""
        self._machine.started(now)
        self._looking_since = now

    def paused(self, now: float) -> None:
        """The camera stands."""
        self._machine.paused(now)
        self._drop()
        self._trail.clear()
        self._frame, self._quality, self._last = None, None, None
        self._answer_times.clear()

    def saw(self, frame: Frame, now: float) -> None:
        """The newest frame."""
        if self._frame is not None and frame.size != self._frame.size:
            self._drop()
            self._cut = frame.number
            self._machine.lost(now)
        self._quality = _averaged(self._quality, frame, 0.0 if self._frame is None else frame.time - self._frame.time)
        self._frame = frame
        self._trail.add(frame)
        self._follow(frame, now)
        self.tick(now)

    def answered(self, found: StreamFound, frame: Frame, features: FeatureSet, now: float) -> None:
        """A frame was answered.

        Args:
            found: The answer.
            frame: That it is to.
            features: Of that frame.
            now: Seconds.
        """
        self._problem = None
        self._last = found
        self._answers += 1
        self._latency_ms = (now - frame.arrived) * 1e3
        self._answer_times.append(now)
        before = self._machine.landmark
        if before is not None and frame.number < self._cut:
            return  # of what was seen before the landmark went out of sight: it says nothing of what is seen now
        self._machine.answered(found.answer, now)
        if self._machine.answer is found.answer:
            self._shown = (found.answer, frame, features)
        shown = self._machine.landmark
        if shown is None or shown != before:
            self._drop()
        best = found.answer.best
        if shown is not None and found.answer.identified and best is not None and best.landmark.name == shown:
            self._place(best, frame, features, now)
        self._note_looking(now)

    def failed(self, problem: SteepleError, now: float) -> None:
        """Nobody can answer."""
        self._problem = problem
        self._machine.disconnected(now)
        self._drop()
        self._note_looking(now)

    def tick(self, now: float) -> None:
        """Time went on."""
        self._machine.tick(now)
        if self._machine.state is not State.CERTAIN:
            self._drop()
        self._note_looking(now)

    def view(self, now: float) -> LiveView:
        """What is to be shown."""
        state, answer = self._machine.state, self._machine.answer
        outline, identified = self._outline, state is State.CERTAIN and answer is not None
        polygon = None if outline is None else outline.polygon
        frame = self._frame
        shown = self._shown if self._shown is not None and self._shown[0] is answer else None
        return LiveView(
            state=state,
            answer=answer,
            photo=None if shown is None else shown[1].pixels,
            features=None if shown is None else shown[2],
            outline=polygon,
            homography=None if outline is None or polygon is None else outline.homography,
            frame_size=(0, 0) if frame is None else frame.size,
            confidence=answer.candidates[0].confidence if identified and answer is not None else None,
            origin=None if self._last is None else self._last.origin,
            pack=None if self._last is None else self._last.pack,
            answers=self._answers,
            latency_ms=self._latency_ms,
            answers_per_second=self._rate(now),
            advice=self._advice(now),
            problem=self._problem,
            time=0.0 if frame is None else frame.time,
        )

    @property
    def state(self) -> State:
        """What the live view is doing."""
        return self._machine.state

    def _follow(self, frame: Frame, now: float) -> None:
        if self._tracker is None or self._outline is None:
            return
        motion = self._tracker.follow(frame.grey)
        if motion is None:
            self._tracker, self._cut = None, frame.number
            self._outline.carry(None)
            self._machine.lost(now)
            return
        there = to_grey(frame)
        self._outline.carry(inverse(there) @ motion @ inverse(self._carried) @ there)
        self._carried = motion

    def _place(self, candidate: Candidate, then: Frame, features: FeatureSet, now: float) -> None:
        """Puts the outline where an answer says, carried on from its frame to the newest."""
        newest, placement = self._frame, place(candidate, features, self._stride)
        greys = self._trail.since(then.number)
        if newest is None or placement is None or not greys or newest.size != then.size:
            return
        outline = self._outline
        if outline is None or outline.reference_image != placement.reference_image:
            if outline is not None and outline.polygon is not None and now - self._outline_time < _FAITHFUL_SECONDS:
                return
            outline = Outline(placement.reference_image)
        errors = deviations(candidate.query_points, features, self._stride)
        outline.add(placement, candidate.reference_points, errors)
        hull, there = outline.hull, to_grey(newest)
        in_grey = there @ placement.homography
        tracker = carried(
            greys, mapped(there, placement.points).astype(np.float32), mapped(in_grey, hull).astype(np.float32)
        )
        motion = tracker.motion
        if motion is None:
            return
        self._tracker, self._carried = tracker, motion
        self._outline, self._outline_time = outline, now
        outline.settle(inverse(there) @ motion @ in_grey, newest.size)

    def _drop(self) -> None:
        self._tracker, self._outline, self._carried = None, None, np.eye(3)

    def _note_looking(self, now: float) -> None:
        if self._machine.state not in (State.LOOKING, State.UNKNOWN):
            self._looking_since = now

    def _advice(self, now: float) -> Advice | None:
        looking = self._machine.state in (State.LOOKING, State.UNKNOWN)
        if not looking or self._quality is None or now - self._looking_since < ADVICE_SECONDS:
            return None
        return advise(self._quality, None if self._last is None else self._last.answer)

    def _rate(self, now: float) -> float | None:
        times = self._answer_times
        while times and times[0] < now - _RATE_SECONDS:
            times.popleft()
        return None if len(times) < 2 else (len(times) - 1) / max(1e-3, times[-1] - times[0])


def _averaged(before: Quality | None, frame: Frame, seconds: float) -> Quality:
    """Of the last frames; ``seconds`` are those since the one before."""
    newest = frame.quality
    if before is None:
        return newest
    weight = 1.0 - 0.5 ** (max(0.0, seconds) / _FORGET_SECONDS)
    return Quality(
        sharpness=before.sharpness + weight * (newest.sharpness - before.sharpness),
        motion=before.motion + weight * (newest.motion - before.motion),
        brightness=before.brightness + weight * (newest.brightness - before.brightness),
        glare=before.glare + weight * (newest.glare - before.glare),
    )
