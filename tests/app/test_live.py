"""The live session: its threads, one searcher that does as it is told, and no waiting but for what must come."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue

import numpy as np
import pytest

from steeple.app.found import Origin, StreamFound
from steeple.app.live import LiveSession, LiveView
from steeple.app.pace import Conditions, Effort, Pace
from steeple.app.states import State
from steeple.client import Answer
from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, ImageError, SteepleError, UnavailableError
from tests.scenes import scene

from .answering import UNKNOWN, answer, features

PATIENCE = 30.0
SURE = answer(("a", 0.95))
FRAME = scene(1, 320, 240)


class Extracting:
    """Extracts next to nothing at once, and says on which thread."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.efforts: list[Effort] = []
        self.failure: SteepleError | None = None
        self.blind = False
        self.times: list[float] = []
        self.niceness = 0
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.frames = 0

    def __call__(self, effort: Effort) -> Extracting:
        self.efforts.append(effort)
        return self

    def extract(self, photo: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> FeatureSet:
        self.threads.add(threading.get_ident())
        self.times.append(time.monotonic())
        self.niceness = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        self.frames += 1
        if self.failure is not None:
            raise self.failure
        points = np.zeros((0 if self.blind else 1, 2), np.float32)
        return features(points, (photo.shape[1], photo.shape[0]))


class Answering:
    """Answers each frame with what ``say`` gives, as a server does: frames are taken on a thread of the stream's."""

    def __init__(self, say: Callable[[int], Answer | SteepleError | None]) -> None:
        self.say = say
        self.provisionally: Answer | None = None
        self.streams = 0
        self.cancelled = threading.Event()

    def stream(self, frames: Iterable[FeatureSet]) -> Stream:
        self.streams += 1
        return Stream(self, frames)


class Stream(Iterator[StreamFound]):
    def __init__(self, searcher: Answering, frames: Iterable[FeatureSet]) -> None:
        self._searcher = searcher
        self._heard: SimpleQueue[StreamFound | SteepleError | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._take, args=(iter(frames),), daemon=True)
        self._thread.start()

    def _take(self, frames: Iterator[FeatureSet]) -> None:
        for number, _ in enumerate(frames):
            said = self._searcher.say(number)
            if isinstance(said, SteepleError):
                self._heard.put(said)
                return
            if self._searcher.provisionally is not None:
                self._heard.put(StreamFound(number, self._searcher.provisionally, Origin.SERVER, provisional=True))
            if said is not None:
                self._heard.put(StreamFound(number, said, Origin.SERVER))
        self._heard.put(None)

    def __next__(self) -> StreamFound:
        said = self._heard.get(timeout=PATIENCE)
        if said is None:
            raise StopIteration
        if isinstance(said, SteepleError):
            raise said
        return said

    def cancel(self) -> None:
        self._searcher.cancelled.set()
        self._heard.put(None)


class Watching:
    """Keeps the views, offers frames while it waits for one, and tells which threads gave them."""

    def __init__(self) -> None:
        self.views: SimpleQueue[LiveView] = SimpleQueue()
        self.threads: set[int] = set()
        self.times = itertools.count()

    def __call__(self, view: LiveView) -> None:
        self.threads.add(threading.get_ident())
        self.views.put(view)

    def until(self, session: LiveSession, wanted: Callable[[LiveView], bool], *, offer: bool = True) -> LiveView:
        """The next view that is wanted; frames come all the while."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if offer:
                session.offer(FRAME, next(self.times) / 30)
            try:
                view = self.views.get(timeout=0.01)
            except Empty:
                continue
            if wanted(view):
                return view
        raise AssertionError("the view that was waited for did not come")


def session_of(
    searcher: Answering, extracting: Extracting | None = None, pace: Pace | None = None
) -> tuple[LiveSession, Watching]:
    watching = Watching()
    made = LiveSession(searcher, extracting or Extracting(), pace=pace or Pace((1.0, 0.5), threads=1), on_view=watching)
    return made, watching


def certain(view: LiveView) -> bool:
    return view.state is State.CERTAIN


def in_state(state: State) -> Callable[[LiveView], bool]:
    return lambda view: view.state is state


def test_frames_become_views_and_nothing_is_done_on_the_threads_that_call() -> None:
    extracting = Extracting()
    session, watching = session_of(Answering(lambda _: SURE), extracting)
    session.start()
    try:
        view = watching.until(session, certain)
        assert view.answer is SURE
        assert (view.confidence, view.origin, view.frame_size, view.problem) == (0.95, Origin.SERVER, (320, 240), None)
        assert view.latency_ms is not None
        watching.until(session, lambda view: view.answers >= 3 and view.answers_per_second is not None)
    finally:
        session.close()
    assert len(watching.threads) == 1
    assert len(extracting.threads) == 1
    assert threading.get_ident() not in watching.threads | extracting.threads
    assert watching.threads.isdisjoint(extracting.threads)
    assert extracting.niceness > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_searcher_that_fails_is_asked_again_until_it_answers() -> None:
    failures = iter([UnavailableError("no network"), UnavailableError("no network still")])
    searcher = Answering(lambda _: next(failures, SURE))
    session, watching = session_of(searcher)
    session.start()
    try:
        view = watching.until(session, in_state(State.OFFLINE))
        assert isinstance(view.problem, UnavailableError)
        assert view.answer is None
        session.retry()
        view = watching.until(session, certain)
        assert view.problem is None
        assert searcher.streams == 3
    finally:
        session.close()


def test_paused_nothing_is_extracted_and_resumed_it_goes_on() -> None:
    extracting = Extracting()
    searcher = Answering(lambda _: SURE)
    session, watching = session_of(searcher, extracting)
    session.start()
    try:
        watching.until(session, certain)
        session.pause()
        assert searcher.cancelled.wait(PATIENCE)
        watching.until(session, in_state(State.IDLE), offer=False)
        before = extracting.frames
        for _ in range(20):
            session.offer(FRAME, next(watching.times) / 30)
        session.resume()
        session.resume()  # which changes nothing
        assert extracting.frames <= before + 1
        watching.until(session, certain)
        assert searcher.streams == 2
    finally:
        session.close()


def test_frames_that_cannot_be_used_are_a_problem_and_no_end() -> None:
    extracting = Extracting()
    session, watching = session_of(Answering(lambda _: SURE), extracting)
    extracting.failure = ImageError("too small")
    session.start()
    try:
        assert watching.until(session, lambda view: view.problem is not None).problem is extracting.failure
        extracting.failure = None
        assert watching.until(session, certain).problem is None
    finally:
        session.close()


def test_an_answer_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steeple.app.live.PATIENCE_SECONDS", 0.2)
    silent = itertools.chain([None], itertools.repeat(SURE))
    searcher = Answering(lambda number: next(silent) if number == 0 else SURE if searcher.streams > 1 else None)
    session, watching = session_of(searcher)
    session.start()
    try:
        view = watching.until(session, in_state(State.OFFLINE))
        assert "no answer" in str(view.problem)
        assert searcher.cancelled.is_set()
        assert watching.until(session, certain).problem is None
    finally:
        session.close()


def test_frames_that_show_nothing_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steeple.app.live.PATIENCE_SECONDS", 0.2)
    extracting, searcher = Extracting(), Answering(lambda _: SURE)
    extracting.blind = True
    session, watching = session_of(searcher, extracting)
    session.start()
    try:
        begun = time.monotonic()
        view = watching.until(session, lambda view: extracting.frames >= 5 and time.monotonic() > begun + 0.5)
        assert (view.state, view.problem, view.answers) == (State.LOOKING, None, 0)
        extracting.blind = False
        assert watching.until(session, certain).answers == 1
    finally:
        session.close()
    assert searcher.streams == 1


def test_a_frame_that_is_answered_provisionally_is_answered_once_more() -> None:
    searcher = Answering(lambda _: SURE)
    searcher.provisionally = UNKNOWN
    session, watching = session_of(searcher)
    session.start()
    try:
        assert watching.until(session, certain).answers >= 2
    finally:
        session.close()


class Telling(Pace):
    """Tells when the next frame is looked for."""

    def __init__(self) -> None:
        super().__init__((1.0,), threads=1)
        self.asked = threading.Event()

    def wait_after_sending(self) -> float:
        self.asked.set()
        return super().wait_after_sending()


def test_what_was_seen_before_a_pause_is_not_answered_after_it() -> None:
    extracting, pace = Extracting(), Telling()
    session, watching = session_of(Answering(lambda _: SURE), extracting, pace)
    before, after = FRAME.copy(), FRAME.copy()
    extracting.go_on.clear()
    session.start()
    try:
        session.offer(before, 1.0)
        assert extracting.begun.wait(PATIENCE)  # with the first frame
        session.offer(before, 1.1)
        watching.until(session, lambda view: view.time == 1.1, offer=False)
        session.pause()
        pace.asked.clear()
        extracting.go_on.set()
        assert pace.asked.wait(PATIENCE)  # the first frame's features are there, and the second is kept
        session.resume()
        watching.until(session, in_state(State.LOOKING), offer=False)
        session.offer(after, 2.0)
        assert watching.until(session, certain, offer=False).photo is after
    finally:
        extracting.go_on.set()
        session.close()


def test_the_pace_is_kept_and_hears_of_answers() -> None:
    extracting, pace = Extracting(), Pace((1.0,), threads=1)
    pace.under(Conditions(heat=0.9))
    assumed = pace.wait_after_sending()
    session, watching = session_of(Answering(lambda _: SURE), extracting, pace)
    session.start()
    try:
        begun = time.monotonic()
        seen = set[float]()

        def twice_answered(view: LiveView) -> bool:
            seen.add(view.time)
            return view.answers == 2

        watching.until(session, twice_answered)
        assert len(seen) <= (time.monotonic() - begun) / pace.frame_seconds + 2
    finally:
        session.close()
    first, second = extracting.times[-2:]
    assert second - first >= pace.least_seconds > 0.5
    assert pace.wait_after_sending() < 0.9 * assumed


def test_the_effort_follows_what_the_device_says() -> None:
    extracting, pace = Extracting(), Pace((1.0, 0.7, 0.5, 0.35), threads=1)
    session, watching = session_of(Answering(lambda _: SURE), extracting, pace)
    session.start()
    try:
        watching.until(session, certain)
        assert extracting.efforts[-1].pyramid_scales == (1.0, 0.7, 0.5, 0.35)
        pace.under(Conditions(heat=0.9))
        watching.until(session, lambda view: extracting.efforts[-1].pyramid_scales == (0.35,))
    finally:
        session.close()


def test_a_session_that_was_closed_is_over_and_can_be_closed_again() -> None:
    session, watching = session_of(Answering(lambda _: SURE))
    session.close()  # never started
    with pytest.raises(FailedPreconditionError, match="make another"):
        session.start()
    session, watching = session_of(Answering(lambda _: None))
    before = threading.active_count()
    session.start()
    watching.until(session, lambda view: view.frame_size != (0, 0))
    session.close()
    session.close()
    session.offer(FRAME, 1.0)
    assert threading.active_count() <= before + 1  # the searcher's own ends by itself


def test_it_can_be_closed_by_who_sees_a_view() -> None:
    closed = threading.Event()

    def close(view: LiveView) -> None:
        if view.state is State.LOOKING:
            session.close()
            closed.set()

    session = LiveSession(Answering(lambda _: SURE), Extracting(), pace=Pace((1.0,), threads=1), on_view=close)
    session.start()
    assert closed.wait(PATIENCE)
    session.close()


def test_frames_that_come_while_one_is_looked_at_are_dropped_but_the_newest() -> None:
    looking, go_on = threading.Event(), threading.Event()
    times: list[float] = []

    def slow(view: LiveView) -> None:
        if view.frame_size != (0, 0):
            times.append(view.time)
            looking.set()
            assert go_on.wait(PATIENCE)

    session = LiveSession(Answering(lambda _: None), Extracting(), pace=Pace((1.0,), threads=1), on_view=slow)
    session.start()
    try:
        session.offer(FRAME, 1.0)
        assert looking.wait(PATIENCE)
        looking.clear()
        for number in range(2, 12):
            session.offer(FRAME, float(number))
        go_on.set()
        assert looking.wait(PATIENCE)
        while times[-1] != 11.0:
            assert looking.wait(PATIENCE)
    finally:
        go_on.set()
        session.close()
    assert times[0] == 1.0
    assert session.dropped_frames == 9
