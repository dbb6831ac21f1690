"""The simulation against closed forms, with tolerances of three standard errors or so."""

from __future__ import annotations

import math

import pytest

from steeple.server.capacity.queueing import mean_wait, slowest, wait_percentile
from steeple.server.capacity.simulation import Machines, Simulated, Step, System, simulate

QUERIES = 40_000


def single(servers: int, load: float, spread: float = 1.0, burst: float = 1.0) -> Simulated:
    system = System([Machines("machine", 1, servers)], [Step("work", 1.0, "machine", spread)])
    return simulate(system, load * servers, QUERIES, burst=burst)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.7), (4, 0.8), (16, 0.85)])
def test_poisson_arrivals_and_exponential_services(servers: int, load: float) -> None:
    found = single(servers, load)
    wait = mean_wait(load * servers, 1.0, servers=servers)
    assert found.mean_ms / 1e3 - 1 == pytest.approx(wait, rel=0.12)
    assert found.utilisation["machine"] == pytest.approx(load, rel=0.03)
    assert found.p50_ms < found.p90_ms < found.p99_ms


def test_percentiles_of_one_server() -> None:
    found = single(1, 0.7)
    # Time in an M/M/1 queue is exponential with mean 1 / (1 - load).
    for share, seen in ((0.5, found.p50_ms), (0.9, found.p90_ms), (0.99, found.p99_ms)):
        assert seen / 1e3 == pytest.approx(-math.log(1 - share) / 0.3, rel=0.12)
    assert wait_percentile(0.99, 0.7, 1.0) < found.p99_ms / 1e3


@pytest.mark.parametrize(("spread", "wait"), [(0.0, 0.7 / 0.6), (0.5, 1.25 * 0.7 / 0.6), (2.0, 5 * 0.7 / 0.6)])
def test_any_service_on_one_server(spread: float, wait: float) -> None:
    assert mean_wait(0.7, 1.0, spread=spread) == pytest.approx(wait), "Pollaczek-Khinchine"
    assert single(1, 0.7, spread).mean_ms / 1e3 - 1 == pytest.approx(wait, rel=0.15)


def test_queries_that_come_at_once() -> None:
    assert single(1, 0.6, burst=3.0).mean_ms / 1e3 - 1 == pytest.approx(6.5, rel=0.15)


@pytest.mark.parametrize("machines", [1, 2, 10, 50])
def test_the_slowest_machine_decides(machines: int) -> None:
    system = System([Machines("nodes", 1, 1, fan_out=machines)], [Step("work", 1.0, "nodes", 1.0)])
    found = simulate(system, 1e-4, 5000)
    assert found.mean_ms / 1e3 == pytest.approx(slowest(machines, 1.0), rel=0.04)


def test_groups_share_the_load_at_random() -> None:
    system = System([Machines("machine", 8, 1)], [Step("work", 1.0, "machine", 1.0)])
    assert simulate(system, 5.6, QUERIES).mean_ms / 1e3 == pytest.approx(1 / 0.3, rel=0.1)


def test_work_in_pieces_is_done_sooner_and_costs_the_same() -> None:
    machines = [Machines("machine", 1, 4)]
    whole = simulate(System(machines, [Step("work", 1.0, "machine")]), 2.0, 5000)
    split = simulate(System(machines, [Step("work", 1.0, "machine", pieces=4)]), 2.0, 5000)
    assert whole.utilisation["machine"] == pytest.approx(split.utilisation["machine"], rel=0.01)
    # In four equal pieces on four servers it is one server, four times as fast.
    assert split.mean_ms / 1e3 == pytest.approx(0.25 + mean_wait(2.0, 0.25, spread=0.0), rel=0.1)
    fan = simulate(System([Machines("machine", 1, 4, fan_out=2)], [Step("work", 1.0, "machine", pieces=4)]), 2.0, 5000)
    assert fan.mean_ms == pytest.approx(split.mean_ms, rel=0.01), "two machines that take the same time are as one"


def test_threads_bound_what_a_group_does_at_once() -> None:
    steps = [Step("away", 1.0)]
    free = simulate(System([Machines("machine", 1, 1)], steps, home="machine"), 3.5, 20_000)
    assert free.mean_ms == pytest.approx(1000)
    held = simulate(System([Machines("machine", 1, 1)], steps, home="machine", threads=4), 3.5, 20_000)
    # M/D/4, by the approximation of half of what M/M/4 waits.
    assert held.thread_wait_ms / 1e3 == pytest.approx(mean_wait(3.5, 1.0, servers=4, spread=0.0), rel=0.15)
    assert held.mean_ms == pytest.approx(1000 + held.thread_wait_ms)


def test_steps_follow_each_other_and_add_up() -> None:
    system = System(
        [Machines("replicas", 3, 2), Machines("gpus", 3, 1, beside="replicas"), Machines("database", 1, 4)],
        [
            Step("decode", 0.1, "replicas"),
            Step("search", 0.2, "gpus"),
            Step("wire", 0.05),
            Step("read", 0.3, "database"),
        ],
        home="replicas",
        threads=8,
    )
    idle = simulate(system, 1e-3, 2000)
    assert idle.mean_ms == pytest.approx(650)
    assert idle.step_ms == pytest.approx({"decode": 100, "search": 200, "wire": 50, "read": 300})
    busy = simulate(system, 10.0, 20_000)
    assert busy.mean_ms == pytest.approx(sum(busy.step_ms.values()) + busy.thread_wait_ms)
    assert busy.utilisation == pytest.approx({"replicas": 1 / 6, "gpus": 2 / 3, "database": 3 / 4}, rel=0.05)


def test_the_same_seed_gives_the_same_figures() -> None:
    system = System([Machines("nodes", 2, 2, fan_out=3)], [Step("work", 1.0, "nodes", 0.5)])
    one, two, other = (simulate(system, 1.5, 3000, burst=2.0, seed=seed) for seed in (7, 7, 8))
    assert one == two
    assert one != other
    assert other.mean_ms == pytest.approx(one.mean_ms, rel=0.2)
