"""Closed forms against tables and against each other."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steeple.server.capacity.queueing import erlang_c, mean_wait, slowest, slowest_percentile, wait_percentile

SERVERS = st.integers(1, 100)
LOADS = st.floats(0.2, 0.99)


@pytest.mark.parametrize(
    ("servers", "offered", "waits"),
    [(1, 0.7, 0.7), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (10, 8.0, 0.4092), (100, 90.0, 0.2169)],
)
def test_erlang_c_as_tables_have_it(servers: int, offered: float, waits: float) -> None:
    assert erlang_c(servers, offered) == pytest.approx(waits, abs=1e-4)


@given(SERVERS, LOADS)
def test_more_servers_at_the_same_load_let_fewer_wait(servers: int, load: float) -> None:
    assert 0 < erlang_c(servers + 1, load * (servers + 1)) < erlang_c(servers, load * servers) < 1


def test_too_much_is_never_done() -> None:
    assert erlang_c(4, 4.0) == 1
    assert mean_wait(4.0, 1.0, servers=4) == math.inf
    assert wait_percentile(0.99, 5.0, 1.0, servers=4) == math.inf
    assert mean_wait(0.0, 1.0) == 0
    assert wait_percentile(0.5, 0.1, 1.0) == 0, "nine of ten do not wait at all"


def test_one_server() -> None:
    assert mean_wait(0.8, 1.0) == pytest.approx(4.0), "M/M/1"
    assert mean_wait(0.8, 1.0, spread=0.0) == pytest.approx(2.0), "M/D/1 waits half as long"
    assert mean_wait(0.8, 1.0, spread=2.0) == pytest.approx(10.0), "Pollaczek-Khinchine"
    assert mean_wait(0.6, 1.0, burst=3.0) == pytest.approx(6.5), "batches: (m - 1 + load) / (1 - load)"


@given(LOADS)
def test_percentiles_of_one_server_are_exponential(load: float) -> None:
    wait = wait_percentile(0.99, load, 1.0)
    assert wait == pytest.approx(max(0.0, math.log(load / 0.01) / (1 - load)))


def test_the_slowest_of_many() -> None:
    assert slowest(1, 2.0) == 2
    assert slowest(4, 1.0) == pytest.approx(25 / 12)
    assert slowest_percentile(0.99, 1, 1.0, 0.5) == pytest.approx(1 + 0.5 * 2.3263, abs=1e-3)
    many = [slowest_percentile(0.99, machines, 1.0, 0.5) for machines in (1, 10, 100, 1000)]
    assert many == sorted(many)
    assert slowest_percentile(0.99, 50, 1.0, 0.0) == 1
