"""What charts of a report show."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from steeple.lab.report.charts import cost_charts, featured, precision_chart, precision_recall, reliability_charts
from steeple.lab.report.model import Answers, Figure, RunResults
from steeple.lab.report.read import read_run
from steeple.lab.report.words import figure_title, milliseconds, share, size
from tests.lab.report.runs import write_run

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(write_run(tmp_path_factory.mktemp("run"), photos=False))


def answers(known: list[bool], right: list[bool], score: list[float]) -> Answers:
    columns = np.array(known), np.array(right), np.array(score, float)
    return Answers(*columns, np.zeros(len(known)), np.zeros(len(known), np.int64))


def test_precision_and_recall_by_falling_score() -> None:
    mine = answers([True, True, True, True, False], [True, False, True, False, False], [0.9, 0.8, 0.7, -math.inf, 0.8])
    assert precision_recall(mine) == [(0.25, 1.0), (0.25, 0.3333), (0.5, 0.5)]  # of equal scores, all at once


def test_a_long_curve_is_thinned_and_keeps_its_end() -> None:
    random = np.random.default_rng(1)
    right = random.random(5000) < 0.6
    points = precision_recall(answers([True] * 5000, right.tolist(), random.random(5000).tolist()))
    assert len(points) == 120
    assert points[-1] == (round(float(right.mean()), 4), round(float(right.mean()), 4))


def test_without_known_queries_or_answers_there_is_no_curve(run: RunResults) -> None:
    assert precision_recall(answers([False], [False], [1.0])) == []
    assert precision_recall(answers([True], [False], [-math.inf])) == []
    assert precision_chart(replace(run, systems=())) is None


def test_the_best_of_each_group_is_featured(run: RunResults) -> None:
    assert [system.name for system in featured(run)] == ["gem", "sift", "delf-pq", "delf-verified", "steeple"]
    unknown = replace(run.systems[0], figures={"micro_ap": Figure(math.nan, math.nan, math.nan)})
    assert featured(replace(run, systems=(unknown,))) == ()


def test_what_is_beaten_on_both_is_not_ringed(run: RunResults) -> None:
    charts = {chart.title: chart for chart in cost_charts(run)}
    assert list(charts) == [
        "micro-AP against bytes", "micro-AP against time", "recall@1 against bytes", "recall@1 against time",
    ]  # fmt: skip
    drawn = ET.fromstring(charts["micro-AP against bytes"].svg)  # noqa: S314 - made here
    ringed = [each for each in drawn.iter(f"{SVG}circle") if each.get("fill") == "none"]
    texts = {each.text for each in drawn.iter(f"{SVG}text")}
    assert len(ringed) == 3
    assert {"GeM <b>pooled</b>", "DELF, product quantisation", "Steeple"} <= texts
    assert "RootSIFT, exact" not in texts
    assert "RootSIFT, exact: 0.600 at 150 kB" in {each.text for each in drawn.iter(f"{SVG}title")}
    assert charts["micro-AP against time"].caption.endswith("Steeple (0.850 at 150 ms).")


def test_what_costs_nothing_has_no_place_on_a_logarithmic_axis(run: RunResults) -> None:
    free = tuple(replace(system, image_bytes=math.nan, query_ms=0.0) for system in run.systems)
    assert list(cost_charts(replace(run, systems=free))) == []


def test_reliability_is_of_all_answers(run: RunResults) -> None:
    charts = list(reliability_charts(run))
    assert len(charts) == 5
    counts = [each.text for each in ET.fromstring(charts[0].svg).iter(f"{SVG}text")]  # noqa: S314 - made here
    assert "60 queries; whiskers: 95 %" in counts
    assert len({chart.svg.partition('aria-labelledby="')[2].partition('"')[0] for chart in charts}) == 5


def test_words() -> None:
    assert [size(value) for value in (20, 999.6, 1500, 24_000, 3_210_000, math.nan)] == [
        "20 B", "1 kB", "1.5 kB", "24 kB", "3.21 MB", "–",
    ]  # fmt: skip
    assert [milliseconds(value) for value in (0.1234, 12.34, 260.4, 12_345.6)] == ["0.123", "12.3", "260", "12,346"]
    assert [share(value) for value in (0.12345, 1, math.nan)] == ["0.123", "1.000", "–"]
    assert [figure_title(name) for name in ("map_hard", "recall_at_1_night", "mp_at_10_easy")] == [
        "mAP, hard", "recall@1, night", "mp at 10 easy",
    ]  # fmt: skip
