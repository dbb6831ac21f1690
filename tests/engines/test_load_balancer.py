"""Two servers behind a real Envoy with the configuration that is in ``deploy``: one killed, one stopped, under load."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from steeple.client import Client
from tests.callers import BEFORE, TIMEOUT, Load, fill
from tests.engines.ports import free_port
from tests.faults.serving import Served, serve_command, serving

pytestmark = pytest.mark.engines

ENVOY = Path(__file__).parent.parent.parent / "deploy/envoy/envoy.yaml"


@pytest.fixture
def ports() -> dict[str, int]:
    """By the address and port of the configuration."""
    named = [f"{host}:{port}" for host in ("0.0.0.0", "steeple-1", "steeple-2") for port in (50051, 8480)]  # noqa: S104
    return {name: free_port() for name in [*named, "0.0.0.0:9901"]}


@pytest.fixture
def started(tmp_path: Path, ports: dict[str, int]) -> Iterator[Callable[[str], Served]]:
    """Starts servers by the name that Envoy knows them by."""
    settings = tmp_path / "settings.toml"
    settings.write_text("drain_delay_seconds = 3\n", encoding="utf-8")
    with ExitStack() as running:

        def start(name: str) -> Served:
            folder = tmp_path / name / "data"
            folder.mkdir(parents=True, exist_ok=True)
            listens = ["--address", f"127.0.0.1:{ports[f'{name}:50051']}"]
            console = ["--console-address", f"127.0.0.1:{ports[f'{name}:8480']}"]
            command = serve_command(folder, "--workers", "2", "--config", str(settings), *listens, *console)
            return running.enter_context(serving(folder, command))

        yield start


@pytest.fixture
def envoy(tmp_path: Path, ports: dict[str, int]) -> Iterator[None]:
    program = shutil.which("envoy", path=str(Path(sys.executable).parent))
    assert program is not None, "make test-engines installs it"
    text = ENVOY.read_text(encoding="utf-8")
    for name, port in ports.items():
        host, _, there = name.partition(":")
        written = f"address: {host}, port_value: {there}"
        assert written in text
        text = text.replace(written, f"address: 127.0.0.1, port_value: {port}")
    file = tmp_path / "envoy.yaml"
    file.write_text(text, encoding="utf-8")
    with (tmp_path / "envoy.log").open("wb") as log:
        process = subprocess.Popen([program, "-c", file, "--concurrency", "1"], stdout=log, stderr=log)
        yield
        process.terminate()
        process.wait(60)


@pytest.mark.usefixtures("envoy")
def test_servers_that_go_cost_no_answer(started: Callable[[str], Served], ports: dict[str, int]) -> None:
    one, two = (started(name) for name in ("steeple-1", "steeple-2"))
    for served in (one, two):
        fill(served.port)
    target = f"127.0.0.1:{ports['0.0.0.0:50051']}"
    with Client(target) as client:
        client.wait_until_ready(60)
    load = Load(target)
    load.start()
    one.process.send_signal(signal.SIGKILL)
    one.process.wait()
    again = started("steeple-1")
    with Client(f"127.0.0.1:{again.port}") as client:
        while client.traffic().identified < BEFORE:  # until it is one of two again
            assert not load.outcomes.keys() - {"found", "frame"}
    assert two.end() == 0
    load.finish()
    print(f"\n{dict(load.outcomes)}, slowest {load.slowest:.2f} s")  # noqa: T201
    assert set(load.outcomes) == {"found", "frame"}
    assert load.slowest < TIMEOUT
    assert console(ports["0.0.0.0:8480"]) == 200


def console(port: int) -> int:
    """The status of its page, once Envoy has seen that a replica is there."""
    late = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            if time.monotonic() > late:
                return error.code
