"""The live loop: frames of a camera in, views out."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.app.found import FoundStream, StreamFound, StreamSearcher
from steeple.app.frames import Frame, FrameChooser, FrameJudge
from steeple.app.loop import LiveLoop, LiveView
from steeple.app.pace import Effort, ExtractorFactory, FeatureExtractor, Pace
from steeple.delf.features import FeatureSet
from steeple.delf.priority import lower_priority
from steeple.errors import CancelledError, FailedPreconditionError, SteepleError, UnavailableError

__all__ = ["LiveSession", "LiveView"]

PATIENCE_SECONDS: Final = 6.0
"""Without an answer to a frame that was sent, after which nobody is said to answer."""

_TICK_SECONDS: Final = 0.1  # between two looks at the clock while no frames come
_FIRST_PAUSE_SECONDS: Final = 0.5  # after a failure; each further one is longer by half
_LONGEST_PAUSE_SECONDS: Final = 5.0
_CHOOSING_SECONDS: Final = 0.03  # between two looks whether a good frame has come


@dataclass(frozen=True, eq=False)
class _Sent:
    frame: Frame
    features: FeatureSet
    time: float


class LiveSession:
    """Runs the live loop on threads of its own. All methods may be called from any thread.

    One thread looks each frame over, follows the outline and gives the views; one extracts features; one hears the
    answers. Each takes the newest of what there is, so whatever is slow, nothing piles up.

    Args:
        searcher: Who answers.
        extractor_factory: Makes the extractor of an effort, see :func:`steeple.app.pace.extractors_of`.
        pace: How much is done, and how often.
        on_view: Called with each view, on one of the session's threads, one call at a time. It must return quickly.
        stride: Of the model release: pixels of a pyramid level between cells.
    """

    def __init__(
        self,
        searcher: StreamSearcher,
        extractor_factory: ExtractorFactory,
        *,
        pace: Pace,
        on_view: Callable[[LiveView], None],
        stride: int = 16,
    ) -> None:
        self._searcher = searcher
        self._make = extractor_factory
        self._pace = pace
        self._on_view = on_view
        self._loop = LiveLoop(stride)  # of the watching thread alone
        self._judge = FrameJudge()  # likewise
        self._turn = threading.Condition()
        # The camera's thread must not wait, not even for a thread that was interrupted while it had its turn: these
        # three are used without.
        self._inbox: deque[tuple[NDArray[np.uint8], float, float]] = deque(maxlen=1)
        self._bell: SimpleQueue[None] = SimpleQueue()  # wakes the watching thread
        self._offered = 0
        self._looked_at = 0
        self._events: deque[Callable[[float], None]] = deque()  # likewise, for the watching thread
        # All below is read and written in turn.
        self._running = False
        self._closed = False
        self._chooser = FrameChooser()
        self._wanted: object | None = None  # the stream that waits for features
        self._ready: tuple[Frame, FeatureSet] | None = None
        self._stream: FoundStream | None = None
        self._token: object | None = None  # of the stream that is under way
        self._waiting: dict[int, _Sent] = {}  # frames of that stream that were not answered yet, by number
        self._retry_now = False
        self._threads: list[threading.Thread] = []

    @property
    def dropped_frames(self) -> int:
        """Frames that a newer one replaced before they were looked at, so far."""
        return max(0, self._offered - self._looked_at - len(self._inbox))

    def start(self) -> None:
        """Begins; frames may be offered from now on.

        Raises:
            FailedPreconditionError: If it was closed.
        """
        with self._turn:
            if self._closed:
                raise FailedPreconditionError("the live session was closed; make another")
            if not self._threads:
                loops = {"watch": self._watch, "extract": self._extract, "listen": self._listen}
                self._threads = [
                    threading.Thread(target=loop, name=f"steeple-{name}", daemon=True) for name, loop in loops.items()
                ]
                for thread in self._threads:
                    thread.start()
        self.resume()

    def offer(self, frame: NDArray[np.uint8], time: float) -> None:
        """Gives the newest frame of the camera. Never blocks; a frame that was not looked at yet is replaced.

        Args:
            frame: uint8[H, W, 3], RGB. It must not be written to afterwards.
            time: Seconds, of a clock that never goes back.
        """
        if self._running:
            self._offered += 1
            self._inbox.append((frame, time, _now()))
            self._bell.put(None)

    def pause(self) -> None:
        """Stops looking, until :meth:`resume`. Frames that are offered meanwhile are ignored."""
        with self._turn:
            if not self._running:
                return
            self._running = False
            self._chooser.clear()
            self._turn.notify_all()
            self._tell(self._loop.paused)
            stream = self._stream
        if stream is not None:
            stream.cancel()

    def resume(self) -> None:
        """Goes on after :meth:`pause`."""
        with self._turn:
            if not self._running and not self._closed and self._threads:
                self._running = self._retry_now = True
                self._turn.notify_all()
                self._tell(self._loop.started)

    def retry(self) -> None:
        """Asks again at once, if nobody could answer: the network may be back."""
        with self._turn:
            self._retry_now = True
            self._turn.notify_all()

    def close(self) -> None:
        """Ends the threads and waits for them. May be called again, and from ``on_view``."""
        with self._turn:
            self._closed, self._running = True, False
            self._turn.notify_all()
            self._bell.put(None)
            stream = self._stream
        if stream is not None:
            stream.cancel()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    # --- the thread that looks frames over, and gives the views ---

    def _watch(self) -> None:
        last_frame = float("-inf")
        state = None
        while True:
            self._wait_for_bell()
            if self._closed:
                return
            taken = None
            if self._inbox and _now() >= last_frame + self._pace.frame_seconds:
                taken, last_frame = self._inbox.pop(), _now()
                self._looked_at += 1
                self._look_at(*taken)
            events = 0
            while self._events:
                self._events.popleft()(_now())
                events += 1
            self._loop.tick(_now())
            self._give_up_waiting()
            if taken is not None or events or self._loop.state is not state:
                state = self._loop.state
                self._on_view(self._loop.view(_now()))

    def _wait_for_bell(self) -> None:
        """Until it rang, or a tick has passed; then it is still."""
        try:
            self._bell.get(timeout=_TICK_SECONDS)
            while True:
                self._bell.get_nowait()
        except Empty:
            pass

    def _look_at(self, pixels: NDArray[np.uint8], time: float, arrived: float) -> None:
        frame = self._judge.judge(pixels, time, arrived)
        with self._turn:
            if not self._running:
                return
            self._chooser.offer(frame)
            self._turn.notify_all()
        self._loop.saw(frame, _now())

    def _give_up_waiting(self) -> None:
        with self._turn:
            oldest = min((sent.time for sent in self._waiting.values()), default=None)
            if oldest is None or _now() - oldest < PATIENCE_SECONDS:
                return
            self._waiting.clear()
            stream, self._token = self._stream, None
        problem = UnavailableError(f"there was no answer for {PATIENCE_SECONDS:.0f} s; looking for the server again")
        self._loop.failed(problem, _now())
        if stream is not None:
            stream.cancel()

    # --- the thread that extracts ---

    def _extract(self) -> None:
        lower_priority()  # the window has to be drawn meanwhile
        extractor: FeatureExtractor | None = None
        effort: Effort | None = None
        last_sent = float("-inf")
        while True:
            frame = self._next_frame(last_sent)
            if frame is None:
                return
            try:
                if extractor is None:
                    extractor, effort = self._pace.calibrate(self._make, frame.pixels), self._pace.effort
                if effort is None or effort != self._pace.effort:
                    effort = self._pace.effort
                    extractor = self._make(effort)
                begun = _now()
                features = extractor.extract(frame.pixels)
            except SteepleError as error:
                self._report(error)
                last_sent = _now() + _FIRST_PAUSE_SECONDS
                continue
            last_sent = _now()
            self._pace.extracted(effort, (last_sent - begun) * 1e3)
            if not len(features):  # of nothing that anybody could answer
                continue
            with self._turn:
                self._ready = (frame, features)
                self._turn.notify_all()

    def _next_frame(self, last_sent: float) -> Frame | None:
        """The frame to extract, when it is wanted, due and good; None at the end."""
        with self._turn:
            while not self._closed:
                wanted = self._running and self._wanted is not None and self._ready is None
                due = last_sent + max(self._pace.wait_after_sending(), self._pace.least_seconds)
                if wanted and _now() >= due:
                    frame = self._chooser.take(_now())
                    if frame is not None:
                        return frame
                    self._turn.wait(_CHOOSING_SECONDS)
                else:
                    self._turn.wait(max(0.001, due - _now()) if wanted else None)
            return None

    # --- the thread that hears answers ---

    def _listen(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._closed or self._running)
                if self._closed:
                    return
                token = self._token = object()
                self._ready = None  # of before a pause or a failure: no answer to it says what is seen now
                self._retry_now = False
                self._waiting.clear()
            problem: SteepleError | None = None
            heard = 0
            try:
                heard = self._hear(token)
            except CancelledError:
                pass  # paused, closed or given up
            except SteepleError as error:
                problem = error
            with self._turn:
                self._token, self._stream = None, None
                self._waiting.clear()
                self._turn.notify_all()  # the stream's frames end
                if problem is not None and self._running:
                    self._report(problem)
                pause = _FIRST_PAUSE_SECONDS if heard else min(_LONGEST_PAUSE_SECONDS, 1.5 * pause)
                self._turn.wait_for(lambda: self._closed or self._retry_now, pause)

    def _hear(self, token: object) -> int:
        """Hears a stream to its end; returns how many answers there were."""
        stream = self._searcher.stream(self._features(token))
        with self._turn:
            self._stream = stream
            stop = self._closed or not self._running
        if stop:
            stream.cancel()
        heard = 0
        for found in stream:
            heard += 1
            with self._turn:
                if token is not self._token:
                    break
                sent = self._waiting.get(found.frame)
                overtaken = [number for number in self._waiting if number <= found.frame]
                for number in overtaken:
                    if number < found.frame or not found.provisional:
                        del self._waiting[number]
                if sent is None or not self._running:
                    continue
                now = _now()
                self._pace.answered((now - sent.time) * 1e3, (now - sent.frame.arrived) * 1e3)
                self._tell(_answered(self._loop, found, sent))
        stream.cancel()
        return heard

    def _features(self, token: object) -> Iterator[FeatureSet]:
        """Features for a stream, as they are ready; runs on a thread of the stream's."""
        number = 0
        while True:
            with self._turn:
                if token is self._token:
                    self._wanted = token
                    self._turn.notify_all()
                self._turn.wait_for(lambda: self._ready or token is not self._token or not self._running)
                if token is not self._token or not self._running or self._ready is None:
                    if self._wanted is token:
                        self._wanted = None
                    return
                (frame, features), self._ready, self._wanted = self._ready, None, None
                self._waiting[number] = _Sent(frame, features, _now())
                number += 1
            yield features

    def _report(self, problem: SteepleError) -> None:
        self._tell(lambda now: self._loop.failed(problem, now))

    def _tell(self, event: Callable[[float], None]) -> None:
        """Has the watching thread do something to the loop."""
        self._events.append(event)
        self._bell.put(None)


def _answered(loop: LiveLoop, found: StreamFound, sent: _Sent) -> Callable[[float], None]:
    return lambda now: loop.answered(found, sent.frame, sent.features, now)


def _now() -> float:
    return time.monotonic()
