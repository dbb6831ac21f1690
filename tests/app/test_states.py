"""States of the live view: what leads from one to the other, and that labels do not flicker."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from steeple.app.states import HOLD_SECONDS, LEAST_SHOWN_SECONDS, UNKNOWN_SECONDS, State, StateMachine
from steeple.client import Answer

from .answering import UNKNOWN, answer

SURE, LIKELY = answer(("a", 0.95)), answer(("a", 0.8))
RIVAL, LIKELY_RIVAL = answer(("b", 0.95)), answer(("b", 0.8))
UNSURE = answer(("a", 0.5), identified=False)


def looking() -> StateMachine:
    machine = StateMachine()
    assert machine.state is State.IDLE
    assert machine.started(0.0) is State.LOOKING
    return machine


def certain() -> StateMachine:
    machine = looking()
    assert machine.answered(SURE, 0.2) is State.CERTAIN
    assert machine.answer is SURE
    assert machine.landmark == "landmarks/a"
    return machine


def test_one_sure_answer_is_enough_and_likely_ones_must_agree() -> None:
    certain()
    machine = looking()
    states = [machine.answered(LIKELY, 0.2), machine.answered(LIKELY_RIVAL, 0.4), machine.answered(LIKELY_RIVAL, 0.6)]
    assert states == [State.LOOKING, State.LOOKING, State.CERTAIN]
    assert machine.answer is LIKELY_RIVAL
    late = looking()
    assert [late.answered(LIKELY, 0.2), late.answered(LIKELY, 2.3)] == [State.LOOKING] * 2
    assert late.answer is None
    broken = looking()
    states = [broken.answered(LIKELY, 0.2), broken.answered(UNKNOWN, 0.4), broken.answered(LIKELY, 0.6)]
    assert states == [State.LOOKING] * 3


def test_a_landmark_outlives_two_answers_that_miss_it() -> None:
    machine = certain()
    for turn in range(1, 10):
        assert machine.answered(UNKNOWN, turn - 0.4) is State.CERTAIN
        assert machine.answered(UNKNOWN, turn - 0.2) is State.CERTAIN
        assert machine.answered(LIKELY, float(turn)) is State.CERTAIN
        assert machine.answer is LIKELY
    assert [machine.answered(UNKNOWN, 10 + 0.2 * turn) for turn in range(3)] == [
        State.CERTAIN,
        State.CERTAIN,
        State.LOOKING,
    ]
    assert machine.answer is None


def test_a_guess_at_the_landmark_shown_is_neither_for_nor_against_it() -> None:
    machine = certain()
    for turn in range(14):
        assert machine.answered(UNSURE, 0.3 + 0.2 * turn) is State.CERTAIN
        assert machine.answer is SURE
    assert machine.answered(UNSURE, 0.2 + HOLD_SECONDS) is State.LOOKING


def test_a_landmark_that_nothing_confirms_is_gone_after_a_while() -> None:
    machine = certain()
    assert machine.tick(0.1 + HOLD_SECONDS) is State.CERTAIN
    assert machine.tick(0.2 + HOLD_SECONDS) is State.LOOKING


def test_another_landmark_takes_over_when_two_answers_say_so() -> None:
    machine = certain()
    machine.answered(SURE, 1.0)
    assert machine.answered(RIVAL, 1.2) is State.CERTAIN
    assert machine.landmark == "landmarks/a"
    assert machine.answered(RIVAL, 1.4) is State.CERTAIN
    assert machine.landmark == "landmarks/b"


def test_what_is_out_of_sight_goes_with_the_next_answer() -> None:
    for said, state, name in ((RIVAL, State.CERTAIN, "landmarks/b"), (UNKNOWN, State.LOOKING, None)):
        machine = certain()
        assert machine.lost(0.5) is State.CERTAIN
        assert machine.answered(said, 0.6) is state
        assert machine.landmark == name
    back = certain()
    back.lost(0.5)
    assert back.answered(SURE, 0.6) is State.CERTAIN
    assert back.answered(UNKNOWN, 0.8) is State.CERTAIN
    alone = certain()
    alone.lost(0.5)
    assert alone.tick(1.1) is State.CERTAIN
    assert alone.tick(1.2) is State.LOOKING


def test_unknown_takes_time_and_several_answers() -> None:
    quick = looking()
    assert {quick.answered(UNKNOWN, 0.1 * turn) for turn in range(1, 20)} == {State.LOOKING}
    slow = looking()
    states = [slow.answered(UNKNOWN, UNKNOWN_SECONDS * turn) for turn in (1, 2, 3, 4)]
    assert states == [State.LOOKING] * 3 + [State.UNKNOWN]
    assert slow.answer is UNKNOWN
    assert slow.answered(UNSURE, 20.0) is State.UNKNOWN
    assert slow.answer is UNSURE
    assert slow.answered(SURE, 20.2) is State.CERTAIN


def test_offline_shows_nothing_and_an_answer_ends_it() -> None:
    machine = certain()
    assert machine.disconnected(1.0) is State.OFFLINE
    assert machine.answer is None
    assert machine.tick(99.0) is State.OFFLINE
    assert machine.answered(SURE, 102.0) is State.CERTAIN


def test_nothing_happens_to_what_is_paused() -> None:
    machine = certain()
    assert machine.paused(1.0) is State.IDLE
    assert machine.answered(SURE, 1.1) is State.IDLE
    assert machine.disconnected(1.2) is State.IDLE
    assert machine.lost(1.3) is State.IDLE
    assert machine.tick(9.0) is State.IDLE
    assert machine.answer is None
    assert machine.started(10.0) is State.LOOKING
    assert certain().started(0.5) is State.CERTAIN


# --- whatever happens ---

ANSWERS = st.sampled_from([SURE, LIKELY, RIVAL, LIKELY_RIVAL, UNSURE, UNKNOWN])
GAPS = st.floats(0.0, 1.5)
WORDS = st.sampled_from(["started", "paused", "lost", "disconnected", "tick"])
EVENTS = st.lists(st.tuples(GAPS, st.one_of(ANSWERS, WORDS)), max_size=60)


def apply(machine: StateMachine, event: Any, now: float) -> State:
    if isinstance(event, Answer):
        return machine.answered(event, now)
    happened: State = getattr(machine, event)(now)
    return happened


@given(EVENTS)
def test_what_is_shown_was_said_lately(events: list[tuple[float, Any]]) -> None:
    machine, now = StateMachine(), 0.0
    said: list[tuple[float, Answer]] = []
    for gap, event in events:
        now += gap
        state = apply(machine, event, now)
        assert state is machine.state
        if isinstance(event, Answer):
            said.append((now, event))
        machine.tick(now)
        shown = machine.answer
        assert (shown is not None) == (machine.state in (State.CERTAIN, State.UNKNOWN))
        if machine.state is State.CERTAIN and shown is not None:
            assert shown.identified
            assert any(one is shown and now - time < HOLD_SECONDS for time, one in said)
        assert (machine.landmark is not None) == (machine.state is State.CERTAIN)


@given(EVENTS)
def test_idle_and_offline_are_what_was_said_last(events: list[tuple[float, Any]]) -> None:
    machine, now, runs, offline = StateMachine(), 0.0, False, False
    for gap, event in events:
        now += gap
        apply(machine, event, now)
        match event:
            case "started":
                runs, offline = True, offline and runs
            case "paused":
                runs = False
            case "disconnected":
                offline = runs
            case Answer():
                offline = offline and not runs
            case _:
                pass
        assert (machine.state is State.IDLE) == (not runs)
        assert (machine.state is State.OFFLINE) == (runs and offline)


@given(st.lists(st.tuples(st.floats(0.05, 0.4), ANSWERS), max_size=80))
def test_labels_do_not_flicker(answers: list[tuple[float, Answer]]) -> None:
    """Without a cut, a name is shown for a while, and goes only if several answers in a row deny it."""
    machine, now = looking(), 0.0
    shown: str | None = None
    since = 0.0
    for gap, said in answers:
        now += gap
        machine.answered(said, now)
        if machine.landmark != shown:
            assert shown is None or now - since >= LEAST_SHOWN_SECONDS
            shown, since = machine.landmark, now


@given(st.lists(st.booleans(), min_size=5, max_size=60), st.sampled_from([UNKNOWN, RIVAL, UNSURE, LIKELY_RIVAL]))
def test_single_answers_that_err_change_nothing(errs: list[bool], wrong: Answer) -> None:
    machine = certain()
    for turn, err in enumerate(errs, start=1):
        machine.answered(wrong if err and not errs[turn - 2] else SURE, 0.2 + 0.2 * turn)
        assert machine.landmark == "landmarks/a"


@given(EVENTS, st.floats(0.0, 5.0))
def test_a_clock_that_goes_back_stands_still(events: list[tuple[float, Any]], back: float) -> None:
    one, other, now = StateMachine(), StateMachine(), 10.0
    for gap, event in events:
        now += gap
        apply(one, event, now)
        apply(other, event, now)
        other.tick(now - back)
        one.tick(now)
        assert one.state is other.state
        assert one.answer is other.answer
