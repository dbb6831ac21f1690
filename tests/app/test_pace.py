"""How much is done for a frame: by measurements, battery and heat."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.app.pace import HOT, LOW_BATTERY, WARM, Conditions, Effort, Pace, efforts, extractors_of
from steeple.delf import ModelRelease, pyramid
from steeple.errors import InvalidArgumentError
from tests.scenes import scene

SCALES = (1.0, 0.7937, 0.63, 0.5, 0.3969, 0.315, 0.25)
LADDER = efforts(SCALES)
ALL = Effort(SCALES, 1)


def measured(*milliseconds: float, budget: float = 300.0, threads: int = 4) -> Pace:
    """A pace that was told what all levels take with one thread, two, four ..."""
    pace = Pace(SCALES, budget_ms=budget, threads=threads)
    pace.measured(Effort(SCALES, 2 ** (len(milliseconds) - 1)), list(milliseconds))
    return pace


def test_each_step_takes_less_and_looks_at_levels_of_the_release() -> None:
    costs = [Effort(levels, 1).cost for levels in LADDER]
    assert costs == sorted(costs, reverse=True)
    assert all(0.5 < after / before < 0.7 for before, after in pairwise(costs))
    assert all(set(levels) <= set(SCALES) for levels in LADDER)
    assert efforts((1.0,)) == ((1.0,), (1.0,))


def test_as_few_threads_and_as_many_levels_as_the_budget_allows() -> None:
    # 0.75 of 300 ms less 100 for the round trip leave 125.
    assert measured(100.0, 60.0).effort == ALL
    assert measured(200.0, 110.0).effort == Effort(SCALES, 2)
    assert measured(200.0, 180.0).effort == Effort(LADDER[1], 1)
    assert measured(400.0, 250.0, 190.0).effort == Effort(LADDER[1], 4)
    assert measured(5000.0, 3000.0).effort == Effort(LADDER[-1], 2)
    assert measured(200.0, budget=1000.0).effort == ALL


def test_a_measurement_of_some_levels_tells_of_all() -> None:
    pace = Pace(SCALES)
    pace.measured(Effort(LADDER[1], 1), [60.0])  # so all take 96
    assert pace.effort == ALL
    pace.measured(Effort(LADDER[1], 1), [90.0])  # 144
    assert pace.effort == Effort(LADDER[1], 1)


def test_it_does_less_while_answers_are_late_and_more_when_there_is_room() -> None:
    pace = measured(110.0)
    seen = []
    for _ in range(40):
        pace.extracted(pace.effort, 150.0 * pace.effort.cost)  # slower than it was at first
        pace.answered(300.0, 420.0)
        seen.append(pace.effort.cost)
    assert seen == sorted(seen, reverse=True)
    assert pace.effort.pyramid_scales == LADDER[-1]
    assert seen.count(ALL.cost) >= 5  # not by one answer
    for _ in range(60):
        pace.extracted(pace.effort, 30.0 * pace.effort.cost)
        pace.answered(20.0, 60.0)
    assert pace.effort == ALL


def test_a_slow_network_is_no_reason_to_look_less_closely() -> None:
    pace = measured(35.0)
    for _ in range(60):
        pace.answered(700.0, 740.0)
        assert pace.effort == ALL  # the next step would save 13 ms


def test_it_stays_where_one_step_up_would_be_too_slow() -> None:
    pace = measured(200.0)
    assert pace.effort.pyramid_scales == LADDER[1]
    for _ in range(60):
        pace.extracted(pace.effort, 125.0)
        pace.answered(60.0, 200.0)  # another 76 ms would be more than three quarters of the budget
        assert pace.effort.pyramid_scales == LADDER[1]


@given(st.lists(st.floats(10.0, 2000.0), min_size=1, max_size=100))
def test_the_effort_is_always_one_of_the_ladder(latencies: list[float]) -> None:
    pace, changes, before = measured(150.0), 0, None
    for latency in latencies:
        pace.answered(0.5 * latency, latency)
        changes += before not in (None, pace.effort)
        before = pace.effort
        assert pace.effort.pyramid_scales in LADDER
        assert math.isfinite(pace.wait_after_sending())
        assert pace.wait_after_sending() >= 0.0
    assert changes <= len(latencies) / 6


def test_the_next_frame_is_extracted_in_time_for_the_answer() -> None:
    pace = measured(40.0)
    assert pace.wait_after_sending() == pytest.approx(0.06)  # 100 ms are assumed before an answer came
    for _ in range(30):
        pace.extracted(ALL, 30.0)
        pace.answered(80.0, 130.0)
    assert pace.wait_after_sending() == pytest.approx(0.05, abs=0.001)
    for _ in range(30):
        pace.extracted(ALL, 120.0)
    assert pace.wait_after_sending() == 0.0


@pytest.mark.parametrize(
    ("conditions", "step", "least", "frames"),
    [
        (Conditions(), 0, 0.0, 0.0),
        (Conditions(battery=0.9, charging=False, heat=0.1), 0, 0.0, 0.0),
        (Conditions(battery=LOW_BATTERY - 0.01), 1, 0.4, 1 / 15),
        (Conditions(battery=LOW_BATTERY - 0.01, charging=True), 0, 0.0, 0.0),
        (Conditions(heat=WARM), 1, 0.4, 1 / 15),
        (Conditions(heat=HOT), len(LADDER) - 1, 1.0, 1 / 15),
    ],
)
def test_battery_and_heat_slow_it_down(conditions: Conditions, step: int, least: float, frames: float) -> None:
    pace = measured(200.0, 110.0)
    pace.under(conditions)
    assert pace.effort == Effort(LADDER[step], 1 if conditions.heat == HOT else 2)
    assert (pace.least_seconds, pace.frame_seconds) == (least, frames)
    pace.under(Conditions())
    assert pace.effort == Effort(SCALES, 2)
    assert (pace.least_seconds, pace.frame_seconds) == (0.0, 0.0)


@pytest.mark.parametrize(("scales", "budget", "threads"), [((), 300.0, 1), (SCALES, 0.0, 1), (SCALES, 300.0, 0)])
def test_what_makes_no_sense_is_refused(scales: tuple[float, ...], budget: float, threads: int) -> None:
    with pytest.raises(InvalidArgumentError, match="positive budget"):
        Pace(scales, budget_ms=budget, threads=threads)


def test_extractors_look_at_the_levels_of_an_effort() -> None:
    release = ModelRelease.load()
    scales = release.extraction.pyramid_scales
    make, frame = extractors_of(release), scene(1, 320, 240)
    found = make(Effort(scales[2::2], 1)).extract(frame)
    every = pyramid.levels(320, 240, release.extraction)
    looked_at = pyramid.levels(320, 240, replace(release.extraction, pyramid_scales=scales[2::2]))
    assert set(looked_at) < set(every)  # so features lie on cells of the release's own pyramid
    assert set(found.scales.tolist()) == {float(np.float32(level.scale)) for level in looked_at}
    pace = Pace(scales, threads=1)
    extractor = pace.calibrate(make, frame)
    again = make(pace.effort).extract(frame)
    assert extractor.extract(frame).descriptors.tobytes() == again.descriptors.tobytes()
