"""Fair shares of threads, without threads: a clock that the test moves, and work that takes what the test says."""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.server.api.fair_queue import FairQueue, Reason, Refusal, Turn


@dataclass
class Simulation:
    """Threads that run work of given lengths, in a time of their own."""

    queue: FairQueue
    now: float = 0.0
    ends: list[tuple[float, int, Turn]] = field(default_factory=list)
    length: dict[Turn, float] = field(default_factory=dict)
    begun: list[Turn] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    busy: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def offer(self, caller: str, length: float, kind: str = "work", **how: float | bool) -> Turn:
        turn = Turn(caller, kind, self.now, **how)  # type: ignore[arg-type]
        self.length[turn] = length
        self.refused += self.queue.offer(turn, self.now)
        self._begin()
        return turn

    def run_until(self, time: float) -> None:
        while self.ends and self.ends[0][0] <= time:
            self.now, _, turn = heapq.heappop(self.ends)
            self.refused += self.queue.expire(self.now)
            self.busy[turn.caller] += self.length[turn]
            self.queue.finish(turn, self.now)
            self._begin()
        self.now = time
        self.refused += self.queue.expire(time)

    def _begin(self) -> None:
        for turn in self.queue.begin(self.now):
            self.begun.append(turn)
            heapq.heappush(self.ends, (self.now + self.length[turn], len(self.begun), turn))

    def taught(self, caller: str, length: float, kind: str = "work") -> Simulation:
        """After one piece of such work."""
        self.offer(caller, length, kind)
        self.run_until(self.now + length)
        return self

    @property
    def callers(self) -> list[str]:
        return [turn.caller for turn in self.begun]


def reasons(simulation: Simulation) -> Counter[Reason]:
    return Counter(refusal.reason for refusal in simulation.refused)


def test_callers_take_turns_however_much_one_of_them_asks_for() -> None:
    simulation = Simulation(FairQueue(1, 100, math.inf)).taught("a", 1.0)
    for _ in range(6):
        simulation.offer("a", 1.0)
    for _ in range(3):
        simulation.offer("b", 1.0)
    simulation.run_until(20.0)
    assert simulation.callers[1:] == ["a", "b", "a", "b", "a", "b", "a", "a", "a"]


def test_shares_are_of_time_not_of_calls() -> None:
    simulation = Simulation(FairQueue(1, 200, math.inf))
    for _ in range(40):
        simulation.offer("photos", 4.0, "photo")
        simulation.offer("features", 1.0, "features")
    simulation.run_until(60.0)
    assert abs(simulation.busy["photos"] - simulation.busy["features"]) <= 4.0
    assert Counter(simulation.callers)["features"] >= 28


def test_who_was_away_has_saved_nothing_up() -> None:
    simulation = Simulation(FairQueue(1, 200, math.inf)).taught("a", 1.0)
    for _ in range(50):
        simulation.offer("a", 1.0)
    simulation.run_until(21.0)
    for _ in range(20):
        simulation.offer("b", 1.0)
    before = len(simulation.begun)
    simulation.run_until(41.0)
    assert abs(Counter(simulation.callers[before:])["a"] - 10) <= 1


def test_what_cannot_begin_in_time_is_refused_at_once_and_told_when_to_come_back() -> None:
    simulation = Simulation(FairQueue(2, 100, 1.0)).taught("a", 0.4)
    for _ in range(8):  # two run, and six can begin within 0.4, 0.8 and 1.2 seconds
        simulation.offer("a", 0.4)
    assert reasons(simulation) == {Reason.DELAY: 2}
    assert [0.2 < refusal.retry_seconds < 1.3 for refusal in simulation.refused] == [True, True]
    assert simulation.refused[0].retry_seconds != simulation.refused[1].retry_seconds
    simulation.run_until(10.0)
    assert max(turn.began - turn.arrival for turn in simulation.begun if turn.began is not None) == pytest.approx(0.8)


def test_a_deadline_that_comes_before_its_turn_is_told_at_once() -> None:
    simulation = Simulation(FairQueue(1, 100, 10.0)).taught("a", 1.0)
    simulation.offer("a", 1.0)
    simulation.offer("a", 1.0, deadline=simulation.now + 1.5)
    simulation.offer("a", 1.0, deadline=simulation.now + 1.5)
    assert reasons(simulation) == {Reason.DEADLINE: 1}


def test_what_was_wrongly_let_wait_is_refused_when_its_time_is_up() -> None:
    simulation = Simulation(FairQueue(1, 100, 1.0))
    simulation.offer("a", 5.0)  # nobody knows yet how long that takes
    late = simulation.offer("b", 0.1)
    gone = simulation.offer("c", 0.1, deadline=0.5)
    simulation.run_until(0.7)
    assert [(each.turn, each.reason) for each in simulation.refused] == [(gone, Reason.DEADLINE)]
    simulation.run_until(1.0)
    assert [(each.turn, each.reason) for each in simulation.refused[1:]] == [(late, Reason.DELAY)]
    simulation.run_until(20.0)
    assert simulation.callers == ["a"]


def test_a_full_queue_makes_room_for_who_holds_less_of_it() -> None:
    simulation = Simulation(FairQueue(1, 5, math.inf))
    burst = [simulation.offer("a", 1.0) for _ in range(6)]
    assert [(each.turn, each.reason) for each in simulation.refused] == [(burst[5], Reason.FULL)]
    simulation.offer("b", 1.0)
    simulation.offer("c", 1.0)
    assert [(each.turn, each.reason) for each in simulation.refused[1:]] == [
        (burst[4], Reason.DISPLACED),
        (burst[3], Reason.DISPLACED),
    ]
    last = simulation.offer("c", 1.0)  # a has two waiting places, c has one: nothing is gained by moving
    assert (simulation.refused[-1].turn, simulation.refused[-1].reason) == (last, Reason.FULL)
    simulation.run_until(20.0)
    assert Counter(simulation.callers) == {"a": 3, "b": 1, "c": 1}


def test_what_takes_long_leaves_threads_for_others() -> None:
    simulation = Simulation(FairQueue(4, 100, 1.0)).taught("photos", 3.0, "photo")
    began = simulation.now
    for _ in range(4):
        simulation.offer("photos", 3.0, "photo")
    assert simulation.queue.running == 2
    assert reasons(simulation) == {Reason.DELAY: 2}
    quick = simulation.offer("a", 0.1)
    assert quick.began == began


def test_what_turns_out_to_take_long_is_counted_as_that() -> None:
    simulation = Simulation(FairQueue(2, 100, 1.0))
    simulation.offer("a", 5.0)
    simulation.run_until(1.5)
    simulation.offer("b", 0.2)
    narrow = simulation.offer("c", 0.2, narrow=True)
    simulation.run_until(2.4)
    assert narrow.began is None
    assert [turn.caller for turn in simulation.begun] == ["a", "b"]


def test_what_is_narrow_holds_half_of_the_threads() -> None:
    simulation = Simulation(FairQueue(4, 100, 5.0))
    for _ in range(5):
        simulation.offer("a", 4.0, narrow=True)
    assert simulation.queue.running == 2
    simulation.offer("b", 1.0)
    assert simulation.queue.running == 3


def test_a_caller_is_priced_by_what_its_own_work_takes() -> None:
    simulation = Simulation(FairQueue(1, 100, 10.0)).taught("worst", 8.0, "photo").taught("usual", 0.2, "photo")
    assert simulation.offer("usual", 0.2, "photo").cost == pytest.approx(0.2)
    assert simulation.offer("worst", 8.0, "photo").cost == pytest.approx(8.0)
    assert simulation.offer("new", 0.2, "photo").cost == pytest.approx(8.0 + (0.2 - 8.0) / 4)


def test_patient_turns_take_no_place_and_are_never_refused() -> None:
    simulation = Simulation(FairQueue(1, 2, 0.5)).taught("a", 1.0)
    simulation.offer("a", 1.0)
    patient = [simulation.offer("camera", 1.0, patient=True) for _ in range(3)]
    assert simulation.queue.waiting == 3
    assert simulation.offer("b", 1.0) in {refusal.turn for refusal in simulation.refused}
    simulation.run_until(20.0)
    assert [turn.began is not None for turn in patient] == [True] * 3


def test_what_is_withdrawn_never_begins_and_what_did_not_work_teaches_nothing() -> None:
    simulation = Simulation(FairQueue(1, 10, 100.0)).taught("a", 1.0)
    simulation.offer("a", 1.0)
    simulation.queue.withdraw(simulation.offer("b", 1.0))
    simulation.run_until(5.0)
    assert simulation.callers == ["a", "a"]
    unused = Turn("a", "work", simulation.now)
    assert simulation.queue.offer(unused, simulation.now) == []
    assert simulation.queue.begin(simulation.now) == [unused]
    simulation.queue.finish(unused, simulation.now + 50.0, worked=False)
    simulation.now += 50.0
    assert simulation.offer("a", 1.0).cost == pytest.approx(1.0)


LENGTHS = {"quick": 0.05, "usual": 0.3, "long": 2.5}
EVENTS = st.lists(
    st.tuples(
        st.floats(0.0, 0.5),  # after the one before
        st.sampled_from("abcd"),
        st.sampled_from(sorted(LENGTHS)),
        st.floats(0.6, 1.6),  # of the usual length of its kind
        st.sampled_from([0.2, 2.0, math.inf]),  # seconds to its deadline
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(EVENTS, st.integers(1, 4), st.integers(1, 8))
def test_whatever_comes_the_bounds_hold(
    events: list[tuple[float, str, str, float, float, bool]], threads: int, capacity: int
) -> None:
    most = 1.0
    simulation = Simulation(FairQueue(threads, capacity, most))
    offered = []
    for pause, caller, kind, factor, seconds, narrow in events:
        simulation.run_until(simulation.now + pause)
        deadline = simulation.now + seconds
        offered.append(simulation.offer(caller, factor * LENGTHS[kind], kind, deadline=deadline, narrow=narrow))
        queue = simulation.queue
        assert queue.running <= threads
        assert queue.running + queue.waiting <= capacity or queue.waiting == 0
        running = [turn for _, _, turn in simulation.ends]
        assert sum(turn.narrow or turn.cost > most for turn in running) <= max(1, threads // 2)
        if queue.running < threads:  # no thread is idle while there is work that may have it
            waiting = set(offered) - set(simulation.begun) - {refusal.turn for refusal in simulation.refused}
            assert all(turn.narrow or turn.cost > most for turn in waiting)
    simulation.run_until(simulation.now + 1000.0)
    assert (simulation.queue.running, simulation.queue.waiting) == (0, 0)
    refused = [refusal.turn for refusal in simulation.refused]
    assert Counter(simulation.begun + refused) == Counter(offered)  # each once, and one or the other
    for turn in simulation.begun:
        assert turn.began is not None
        assert turn.began <= min(turn.arrival + most, turn.deadline)
    assert all(0.05 <= refusal.retry_seconds < 1000.0 for refusal in simulation.refused)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0.2, 0.9), min_size=2),
    st.integers(1, 4),
)
def test_callers_that_always_want_more_share_the_time_equally(lengths: dict[str, float], threads: int) -> None:
    simulation = Simulation(FairQueue(threads, 10_000, math.inf))
    for caller, length in lengths.items():
        for _ in range(math.ceil(15.0 * threads / length)):
            simulation.offer(caller, length, caller)
    simulation.run_until(15.0)
    shares = [simulation.busy[caller] for caller in lengths]
    # The bound of start-time fair queueing: the longest pieces of work of two callers, on each thread.
    assert max(shares) - min(shares) <= 2 * threads * max(lengths.values()) + 1e-6


def test_callers_that_have_gone_are_forgotten() -> None:
    simulation = Simulation(FairQueue(1, 10, math.inf))
    for number in range(6000):
        simulation.offer(f"caller-{number}", 1.0)
        simulation.run_until(simulation.now + 0.5)  # always busy
    assert len(simulation.queue._order.times) <= 2100
    assert len(simulation.queue._costs_of) <= 1024


def test_a_guess_holds_until_such_work_was_done() -> None:
    simulation = Simulation(FairQueue(2, 10, 1.0))
    simulation.offer("a", 0.5, "photo", cost=3.0)
    second = simulation.offer("b", 0.5, "photo", cost=3.0)
    assert (second.began, reasons(simulation)) == (None, {Reason.DELAY: 1})
    simulation.run_until(0.5)
    assert simulation.offer("c", 0.5, "photo", cost=3.0).cost == pytest.approx(0.5)
