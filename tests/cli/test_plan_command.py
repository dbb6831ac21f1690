"""``steeple plan`` on figures that are made up, and on those that come with it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from steeple.cli.plan import EngineChoice
from steeple.server.capacity.layout import ENGINES
from tests.server.capacity.figures import RUN

from .support import Ran, Steeple

SMALL = ("plan", "--images", 10_000, "--qps", 1, "--simulate", 2000)
LARGE = ("plan", "--images", 1_000_000, "--qps", 300, "--query-bytes", 4096, "--simulate", 2000)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("figures") / "measured.json"
    file.write_text(json.dumps(RUN.document()), encoding="utf-8")
    return file


def test_a_small_catalogue_is_told_that_it_needs_none_of_this(steeple: Steeple) -> None:
    ran = steeple(*SMALL)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("You do not need any of this: one machine")
    for part in ("1 machine", "SQLite, FAISS, a folder", "what breaks first", "prices are assumed", "in time"):
        assert part in ran.out


def test_a_plan_as_json(steeple: Steeple, measured: Path) -> None:
    ran = steeple(*LARGE, "--growth", 1000, "--measured", measured, "--json")
    assert ran.code == 0, ran.err
    plan = ran.json
    assert set(plan) == {
        *("workload", "engine", "one_machine", "met", "possible", "machines", "workers", "index", "query", "database"),
        *("resources", "latency", "money", "breaks", "alternatives", "measured_on"),
    }
    assert plan["workload"]["descriptors"] == 1e9
    assert (plan["engine"], plan["one_machine"], plan["met"], plan["possible"]) == ("faiss", False, True, True)
    assert [machine["role"] for machine in plan["machines"]] == ["replicas", "database"]
    assert sum(machine["month"] for machine in plan["machines"]) == pytest.approx(plan["money"]["machines"], abs=0.1)
    parts = ("machines", "disks", "objects", "egress")
    assert sum(plan["money"][part] for part in parts) == pytest.approx(plan["money"]["month"], abs=0.1)
    per_million = plan["money"]["month"] / (300 * 730 * 3600 / 1e6)
    assert plan["money"]["per_million_queries"] == pytest.approx(per_million, abs=1e-3)
    assert plan["latency"]["p50_ms"] <= plan["latency"]["p99_ms"] <= 500
    assert plan["database"]["gbit_per_second"] == pytest.approx(300 * 20 * 46_000 * 8e-9, rel=1e-3)
    for each in plan["resources"]:
        assert set(each) == {"name", "used", "limit", "unit", "fixed", "remedy", "utilisation"}
        assert math.isfinite(each["utilisation"])
    assert set(plan["breaks"]) == {
        *("load", "catalogue", "load_with_more_machines", "catalogue_with_more_machines"),
    }
    assert plan["breaks"]["load"]["at"] >= 300
    assert plan["measured_on"] == [{"date": "2026-01-31", "machine": "2 cores, a processor", "remark": "made up"}]


def told(ran: Ran) -> Any:
    return {key: value for key, value in ran.json.items() if key != "alternatives"}


def test_the_seed_decides(steeple: Steeple, measured: Path) -> None:
    asked = (*LARGE, "--measured", measured, "--json")
    one, two, other = (steeple(*asked, "--seed", seed) for seed in (1, 1, 2))
    assert told(one) == told(two)
    assert one.json["machines"] == other.json["machines"]
    assert one.json["latency"] != other.json["latency"]


def test_milvus_in_groups_and_segments(steeple: Steeple, measured: Path) -> None:
    asked = ("--engine", "milvus", "--region-share", 0.05, "--p99-ms", 2000, "--measured", measured)
    ran = steeple(*LARGE, *asked)
    assert ran.code == 0, ran.out
    for part in ("query nodes", "500 segments, of which a query searches 25", "assumed", "Milvus's log"):
        assert part in ran.out


def test_what_is_not_met_or_not_possible_is_an_error_code(steeple: Steeple, measured: Path) -> None:
    slow = steeple(*LARGE, "--p99-ms", 5, "--measured", measured)
    assert slow.code == 1
    assert "NOT in the 5 ms wanted" in slow.out
    many = steeple("plan", "--images", 1_000_000, "--qps", 20_000, "--simulate", 2000, "--measured", measured)
    assert many.code == 1
    assert "Steeple cannot do this yet: " in many.out
    assert "network of the database" in many.out


def test_a_chart_of_the_load(steeple: Steeple, measured: Path, tmp_path: Path) -> None:
    plot = tmp_path / "new" / "plan.svg"
    ran = steeple(*SMALL, "--measured", measured, "--plot", plot)
    assert ran.code == 0, ran.err
    drawn = plot.read_text(encoding="utf-8")
    for part in ("10 M descriptors on faiss", "queries a second", "p99", "planned"):
        assert part in drawn


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--images", 0, "--qps", 1], "--images"),
        (["--images", 10], "--qps"),
        (["--images", 10, "--qps", "nan"], "'--qps'"),
        (["--images", 10, "--qps", "inf"], "--qps takes a finite number"),
        (["--images", 10, "--qps", 1, "--engine", "abacus"], "abacus"),
        (["--images", 10, "--qps", 1, "--node", "abacus"], "there is no machine 'abacus'"),
        (["--images", 10, "--qps", 1, "--region-share", 2], "--region-share"),
        (["--images", 10, "--qps", 1, "--nodes", "missing.toml"], "no table of machines"),
        (["--images", 10, "--qps", 1, "--measured", "missing.json"], "missing.json cannot be read"),
        (["--images", 10, "--qps", 1, "--plot", "plan.png"], "--plot must name a file that ends in .svg"),
        (["--images", 10**13, "--qps", 1, "--engine", "faiss"], "no kind of machine holds"),
    ],
)
def test_what_cannot_be_planned_is_said(steeple: Steeple, args: list[object], says: str) -> None:
    ran = steeple("plan", *args, "--json")
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.error["message"]


def test_an_engine_that_was_not_measured(steeple: Steeple, tmp_path: Path) -> None:
    file = tmp_path / "faiss.json"
    index = [point for point in RUN.index if point.engine == "faiss"]
    file.write_text(json.dumps(replace(RUN, index=tuple(index)).document()), encoding="utf-8")
    ran = steeple(*SMALL, "--engine", "milvus", "--measured", file, "--json")
    assert (ran.code, ran.error["status"]) == (6, "FAILED_PRECONDITION")
    assert "run steeple benchmark engines --json with --milvus-uri" in ran.error["message"]


def test_help_has_examples_and_all_engines(steeple: Steeple) -> None:
    ran = steeple("plan", "--help")
    assert ran.code == 0
    for part in ("Examples:", "steeple plan --images 10000 --qps 1", "--growth", "milvus-gpu", "Exits with 1"):
        assert part in ran.out
    assert [str(each) for each in EngineChoice] == ["auto", *ENGINES]
