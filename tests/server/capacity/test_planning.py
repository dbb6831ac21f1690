"""Plans: what they count, that they grow with what is asked, and what they say ends first."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.server.capacity import nodes
from steeple.server.capacity.layout import ReleaseFacts
from steeple.server.capacity.limits import resources
from steeple.server.capacity.planning import Plan, Planner
from steeple.server.capacity.workload import Workload

from .figures import costs

FACTS = ReleaseFacts.load()
TYPES = nodes.load()
QUERIES = 2000


def work(images: int, qps: float, **more: float) -> Workload:
    return Workload(images=images, descriptors_per_image=1000, qps=qps, query_bytes=4096, **more)  # type: ignore[arg-type]


@cache
def planner(*engines: str, node: str = "") -> Planner:
    return Planner(costs(*(engines or ("faiss", "gpu", "milvus"))), TYPES, FACTS, node)


def planned(images: int, qps: float, engine: str = "", node: str = "", **more: float) -> Plan:
    return planner(node=node).plan(work(images, qps, **more), engine, queries=QUERIES)


def count(plan: Plan, role: str) -> int:
    pool = plan.fleet.pool(role)
    return 0 if pool is None else pool.count


def test_a_small_catalogue_needs_one_small_machine() -> None:
    plan = planned(10_000, 1)
    assert plan.fleet.alone
    assert (plan.fleet.engine, [pool.role for pool in plan.fleet.pools]) == ("faiss", ["machine"])
    assert plan.fleet.pools[0].node.cores <= 4
    assert plan.fleet.pools[0].count == 1, "nothing spare"
    assert plan.met
    assert plan.possible
    assert plan.money.objects == 0, "photos are in a folder"
    assert plan.money.month < 300


def test_more_than_one_machine_shares_a_database() -> None:
    plan = planned(1_000_000, 200, node="general-8")
    assert not plan.fleet.alone
    assert count(plan, "replicas") > 10
    assert count(plan, "database") == 2, "and one that stands by"
    assert plan.money.objects > 0
    used = {each.name: each.utilisation for each in plan.resources}
    assert used["processors of replicas"] <= 1
    assert plan.simulated.utilisation["replicas"] == pytest.approx(0.7 * used["processors of replicas"], rel=0.15)
    fewer = planned(1_000_000, 200, node="general-8", spare=0)
    assert count(fewer, "replicas") == count(plan, "replicas") - 1
    assert count(fewer, "database") == 1


def test_milvus_shares_the_index_between_machines() -> None:
    plan = planned(10_000_000, 5, "milvus", p99_ms=5000)
    pool = plan.fleet.pool("query nodes")
    assert pool is not None
    layout = plan.fleet.demands.layout
    assert layout.parts == 5000
    assert pool.fan_out * 0.8 * pool.node.memory_gb * 1e9 > layout.memory_bytes, "a group holds all of it"
    assert [each.assumed for each in plan.fleet.pools].count(True) == 3
    regional = planned(10_000_000, 5, "milvus", p99_ms=5000, share=0.02)
    assert regional.fleet.demands.layout.searched == 100
    assert regional.fleet.demands.search == pytest.approx(plan.fleet.demands.search / 50, rel=1e-3)
    assert regional.money.month < plan.money.month


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from([("faiss", "general-8"), ("faiss", "memory-96"), ("milvus", "memory-32"), ("gpu", "gpu-80")]),
    st.floats(0.5, 3000),
    st.floats(1.01, 5),
    st.integers(20_000, 300_000),
)
def test_more_queries_never_need_fewer_machines(kind: tuple[str, str], qps: float, more: float, images: int) -> None:
    engine, node = kind
    making = planner(node=node)
    before, after = (making._fleet(work(images, rate, p99_ms=2000), engine) for rate in (qps, more * qps))
    if before is None:
        assert after is None
        return
    assert after is not None
    counts = [(fleet.pool("query nodes") or fleet.front).count for fleet in (before, after)]
    assert counts == sorted(counts)
    assert before.month <= 1.1 * after.month, "of what costs about the same, the fewest machines are taken"


@settings(max_examples=15, deadline=None)
@given(st.floats(1, 1000), st.integers(10_000, 5_000_000), st.floats(1.05, 10))
def test_more_images_never_cost_less(qps: float, images: int, more: float) -> None:
    making = planner("faiss", "milvus")
    one, other = (making._fleet(work(size, qps, p99_ms=1e6), "milvus") for size in (images, round(more * images)))
    assert one is not None
    assert other is not None
    assert one.demands.search <= other.demands.search * (1 + 1e-9)
    assert one.demands.layout.memory_bytes < other.demands.layout.memory_bytes


def test_the_cheapest_engine_is_taken_and_the_others_are_told() -> None:
    plan = planned(300_000, 500)
    others = {each.what: each.month for each in plan.alternatives if each.what.startswith("engine ")}
    assert plan.fleet.engine not in {name.removeprefix("engine ").partition(",")[0] for name in others} - {"milvus"}
    assert all(month is None or month >= 0.99 * plan.money.month for what, month in others.items() if "," not in what)
    only = Planner(costs("faiss"), TYPES, FACTS).plan(work(300_000, 500), queries=QUERIES)
    assert [each for each in only.alternatives if each.what.startswith("engine ")] == []


def test_what_breaks_first_is_at_its_limit_there_and_not_before() -> None:
    plan = planned(1_000_000, 300, growth=1000)
    assert plan.load.at >= 300
    for share, over in ((0.99, False), (1.01, True)):
        later = replace(plan.work, qps=share * plan.load.at)
        worst = max(each.utilisation for each in resources(plan.fleet, later, plan.fleet.demands))
        assert (worst > 1) is over, share
    assert plan.most_load.at >= plan.load.at
    assert plan.most_load.resource == "network of the database"
    assert plan.catalogue.days == pytest.approx((plan.catalogue.at - 1_000_000) / 1000)
    assert plan.catalogue.remedy


def test_one_database_ends_before_machines_do() -> None:
    plan = planned(1_000_000, 20_000)
    assert not plan.possible
    over = [each.name for each in plan.resources if each.fixed and each.utilisation > 1]
    assert set(over) <= {"network of the database", "processors of the database"}
    assert plan.most_load.at == 20_000, "now"
    assert count(plan, "database") > 2, "as many as would be needed, and one that stands by"
    assert planned(1_000_000, 100).possible


def test_what_cannot_be_met_is_said() -> None:
    plan = planned(1_000_000, 10, p99_ms=1)
    assert not plan.met
    assert plan.load.resource == "time of a query alone"
    assert plan.load.at == 10


def test_writes_queue_for_one_lock() -> None:
    plan = planned(100_000, 1, growth=10_000_000)
    used = {each.name: each for each in plan.resources}["writes, one at a time"]
    assert used.used == pytest.approx(10_000_000 / 86_400 * 5e-3, rel=0.3)
    assert used.fixed


def test_bursts_need_more_machines() -> None:
    steady, gusty = planned(100_000, 100), planned(100_000, 100, burst=40)
    assert gusty.money.machines >= steady.money.machines
    assert gusty.simulated.p99_ms > steady.simulated.p99_ms


def test_the_same_seed_makes_the_same_plan() -> None:
    one, two = (planner().plan(work(300_000, 50), seed=3, queries=QUERIES) for _ in range(2))
    assert one == two
    other = planner().plan(work(300_000, 50), seed=4, queries=QUERIES)
    assert other.simulated != one.simulated
    assert other.fleet == one.fleet


def test_what_was_not_measured_or_does_not_fit_is_refused() -> None:
    with pytest.raises(FailedPreconditionError, match=r"engine gpu was not measured.*--measured"):
        planner("faiss").plan(work(1000, 1), "gpu")
    with pytest.raises(InvalidArgumentError, match="no kind of machine holds 100,000,000,000 descriptors"):
        planner("faiss").plan(work(100_000_000, 1), "faiss")
    with pytest.raises(InvalidArgumentError, match="there is no machine 'big'; there are general-2"):
        planner(node="big")


NODE = '[[node]]\nname = "mine"\ncores = 4\nmemory_gb = 16\nnetwork_gbit = 1\nprice_hour = 0.1\n'
HEAD = 'date = "2026-01"\ncurrency = "EUR"\n[storage]\ndisk_gb_month = 0.1\nobject_gb_month = 0.02\negress_gb = 0.1\n'


def test_machines_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(HEAD + NODE, encoding="utf-8")
    types = nodes.load(file)
    assert [node.name for node in types.nodes] == ["mine"]
    assert (types.currency, types.assumed) == ("EUR", False)
    plan = Planner(costs("faiss"), types, FACTS).plan(work(1000, 1), queries=QUERIES)
    assert plan.money.machines == pytest.approx(73)
    slow = tmp_path / "slow.toml"
    slow.write_text(HEAD + NODE + "speed = 0.5\n", encoding="utf-8")
    slower = Planner(costs("faiss"), nodes.load(slow), FACTS).plan(work(1000, 1), queries=QUERIES)
    assert slower.simulated.p50_ms == pytest.approx(2 * plan.simulated.p50_ms, rel=0.1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'storage' is missing"),
        (HEAD, "'node' is missing"),
        (HEAD + NODE + "wheels = 4\n", "node 'mine' has wheels"),
        (HEAD + NODE.replace("cores = 4", "cores = 0"), "cores of node 'mine' must be a number above 0"),
        (HEAD + NODE.replace("price_hour = 0.1\n", ""), "price_hour"),
        (HEAD + NODE + "gpus = 1\n", "gpu_memory_gb of node 'mine' must be above 0"),
        ("date = [", "no table of machines"),
    ],
)
def test_a_broken_table_of_machines_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgumentError) as caught:
        nodes.load(file)
    assert says in caught.value.message
    with pytest.raises(InvalidArgumentError, match="no table of machines"):
        nodes.load(tmp_path / "missing.toml")
