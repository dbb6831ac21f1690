"""Two real servers behind one client: one is killed and one stopped under load, and nobody who asks notices."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from steeple.client import Client
from tests.callers import BEFORE, TIMEOUT, Load, fill
from tests.faults.serving import Served, serve_command, serving


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers, by the name of their folder."""
    with ExitStack() as running:

        def start(name: str, *flags: str) -> Served:
            folder = tmp_path / name / "data"
            folder.mkdir(parents=True, exist_ok=True)
            return running.enter_context(serving(folder, serve_command(folder, "--workers", "2", *flags)))

        yield start


def test_servers_that_go_cost_no_answer(started: Callable[..., Served]) -> None:
    servers = [started(name) for name in ("first", "second")]
    for served in servers:
        fill(served.port)
    load = Load(",".join(f"127.0.0.1:{served.port}" for served in servers))
    load.start()
    servers[0].process.send_signal(signal.SIGKILL)
    servers[0].process.wait()
    again = started("first", "--address", f"127.0.0.1:{servers[0].port}")
    with Client(f"127.0.0.1:{again.port}") as client:
        while client.traffic().identified < BEFORE:  # until it is one of two again
            assert not load.outcomes.keys() - {"found", "frame"}
    assert servers[1].end() == 0
    load.finish()
    print(f"\n{dict(load.outcomes)}, slowest {load.slowest:.2f} s")  # noqa: T201
    assert set(load.outcomes) == {"found", "frame"}
    assert load.slowest < TIMEOUT
