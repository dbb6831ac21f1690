"""The live loop without threads: a film, answers that come late, and what is shown."""

from __future__ import annotations

import numpy as np
import pytest

from steeple.app.advice import Advice
from steeple.app.found import Origin, StreamFound
from steeple.app.frames import Frame
from steeple.app.loop import LiveLoop, LiveView
from steeple.app.states import State
from steeple.cli.footage import RATE, Footage
from steeple.delf.homographies import clipped, inverse, mapped
from steeple.errors import UnavailableError

from .answering import FILM_SIZE, UNKNOWN, features, film, found, judged

LATE = 6  # frames, after which an answer comes
EVERY = 4  # frames between two that are searched with


def outline_error(view: LiveView, footage: Footage, number: int) -> float:
    """Mean error of the outline's corners within the frame, pixels."""
    assert view.outline is not None
    assert view.homography is not None
    corners = clipped(view.outline, FILM_SIZE)
    belong = mapped(footage.homography(number), mapped(inverse(view.homography), corners))
    return float(np.linalg.norm(belong - corners, axis=1).mean())


def play(
    loop: LiveLoop, footage: Footage, names: list[str], numbers: range, *, answers: bool = True
) -> dict[int, LiveView]:
    """The views of the frames, each answer LATE frames after its own."""
    kept: dict[int, Frame] = {}
    views = {}
    for frame in judged(footage, numbers):
        kept[frame.number] = frame
        loop.saw(frame, frame.time)
        asked = frame.number - LATE
        if answers and asked in kept and asked % EVERY == 0:
            said, of = found(footage, asked, names)
            loop.answered(said, kept[asked], of, frame.time)
        views[frame.number] = loop.view(frame.time)
    return views


def started() -> LiveLoop:
    loop = LiveLoop(16)
    loop.started(0.0)
    return loop


@pytest.mark.parametrize("seed", [1, 2])
def test_the_outline_lies_on_the_landmark_in_every_frame(seed: int) -> None:
    footage = film(seed)
    views = play(started(), footage, ["a"], range(45))
    assert [view.state for number, view in views.items() if number < LATE] == [State.LOOKING] * LATE
    shown = {number: view for number, view in views.items() if view.state is State.CERTAIN}
    assert len(shown) == 45 - LATE
    errors = [outline_error(view, footage, number) for number, view in shown.items()]
    assert max(errors) < 5.0
    assert float(np.median(errors)) < 2.5
    last = shown[44]
    assert (last.confidence, last.origin, last.frame_size, last.advice) == (0.95, Origin.SERVER, FILM_SIZE, None)
    assert last.latency_ms == pytest.approx(1e3 * LATE / RATE)
    assert last.answers_per_second == pytest.approx(RATE / EVERY)
    assert last.answers == 10
    assert last.photo is not None
    assert last.photo.tobytes() == footage.frame(36).tobytes()
    assert last.features is not None
    assert last.answer is not None
    assert len(last.answer.candidates[0].query_points) == len(last.features)


def test_a_cut_takes_the_outline_away_at_once_and_the_name_soon() -> None:
    footage = film(1, 2, seconds=1.0)
    views = play(started(), footage, ["a", "b"], range(60))
    names = {
        number: None if view.answer is None else view.answer.candidates[0].landmark.id for number, view in views.items()
    }
    assert views[29].outline is not None
    assert views[30].outline is None  # of the landmark that is gone, nothing is drawn over the other
    assert [names[number] for number in range(30, 36)] == ["a"] * 6
    # Answers to frames of before the cut come until 6 frames after it, and must not bring the outline back.
    assert all(views[number].outline is None for number in range(30, 38))
    assert names[38] == "b"
    assert outline_error(views[59], footage, 59) < 5.0


def test_where_nothing_answers_the_outline_is_carried_until_the_name_goes() -> None:
    footage, loop = film(1, seconds=6.0), started()
    play(loop, footage, ["a"], range(20))
    views = play(loop, footage, ["a"], range(20, 130), answers=False)
    assert outline_error(views[60], footage, 60) < 5.0
    gone = [number for number, view in views.items() if view.state is State.LOOKING]
    assert gone
    assert 90 <= gone[0] <= 18 + 3 * RATE + 1
    assert views[gone[0]].outline is None


def test_offline_says_why_and_the_next_answer_ends_it() -> None:
    footage, loop = film(1), started()
    play(loop, footage, ["a"], range(20))
    problem = UnavailableError("no network")
    loop.failed(problem, 0.7)
    view = loop.view(0.7)
    assert (view.state, view.problem, view.outline, view.answer) == (State.OFFLINE, problem, None, None)
    views = play(loop, footage, ["a"], range(20, 40))
    assert views[25].state is State.OFFLINE
    assert views[26].state is State.CERTAIN
    assert views[26].problem is None


def test_paused_shows_nothing_and_forgets_what_it_saw() -> None:
    footage, loop = film(1), started()
    play(loop, footage, ["a"], range(20))
    loop.paused(0.7)
    view = loop.view(0.7)
    assert (view.state, view.answer, view.photo, view.outline, view.frame_size) == (
        State.IDLE,
        None,
        None,
        None,
        (0, 0),
    )
    said, of = found(footage, 16, ["a"])
    frame = next(judged(footage, [16]))
    loop.answered(said, frame, of, 0.8)  # on its way when it was paused
    assert loop.view(0.8).state is State.IDLE
    loop.started(0.9)
    assert loop.view(0.9).state is State.LOOKING


def test_turning_the_phone_drops_the_outline_but_not_the_name() -> None:
    footage, loop = film(1), started()
    play(loop, footage, ["a"], range(20))
    turned = next(judged(Footage(footage.shots, (240, 320)), [20]))
    loop.saw(turned, turned.time)
    view = loop.view(turned.time)
    assert (view.state, view.outline, view.frame_size) == (State.CERTAIN, None, (240, 320))


def test_advice_comes_after_looking_in_vain_for_a_while() -> None:
    footage, loop = film(1), started()
    frames = list(judged(footage, range(50)))
    for frame in frames:
        loop.saw(frame, frame.time)
        if frame.number % 6 == 0:
            loop.answered(StreamFound(frame.number, UNKNOWN, Origin.PACK, "rome"), frame, features(), frame.time)
        assert (loop.view(frame.time).advice is None) == (frame.time < 1.5)
    view = loop.view(1.64)
    assert (view.advice, view.pack, view.origin) == (Advice.ANOTHER_VIEW, "rome", Origin.PACK)
    said, of = found(footage, 49, ["a"])
    loop.answered(said, frames[49], of, 1.65)
    assert loop.view(1.65).advice is None
