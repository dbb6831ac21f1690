"""When a server that failed is asked again. Times are least ones, which a slow machine keeps as well."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import grpc
import pytest

from steeple.app.server_watch import ServerWatch
from steeple.client import Client
from steeple.errors import ResourceExhaustedError, SteepleError, UnavailableError
from tests.client.peer import Peer, fail

from .test_searcher import Changes


def asked_at(peer: Peer, failures: int) -> list[float]:
    """When the server will be asked; it answers after so many failures."""
    times: list[float] = []
    away = fail(grpc.StatusCode.UNAVAILABLE)

    def step(request: Any, context: grpc.ServicerContext) -> Any:
        times.append(time.monotonic())
        return away(request, context) if len(times) <= failures else peer.normally(request, context)

    peer.script("ListModels", step)
    return times


def test_pauses_become_longer_up_to_the_longest(peer: Peer) -> None:
    times, changes = asked_at(peer, 4), Changes()
    with Client(f"127.0.0.1:{peer.port}", max_attempts=1) as client:
        watch = ServerWatch(client, None, changes, first_pause=0.05, longest_pause=0.2)
        with closing(watch):
            begun = time.monotonic()
            watch.failed(UnavailableError("away"))
            changes.wait_for(False, True)
    pauses = [after - before for before, after in zip([begun, *times], times, strict=False)]
    assert len(pauses) == 5
    assert all(pause >= least for pause, least in zip(pauses, (0.05, 0.1, 0.2, 0.2, 0.2), strict=True))
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(("error", "least"), [(UnavailableError, 0.01), (ResourceExhaustedError, 0.4)])
def test_a_server_at_its_limit_is_left_alone_for_longer(
    error: Callable[[str], SteepleError], least: float, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steeple.app.server_watch._LIMIT_PAUSE_SECONDS", 0.4)
    times, changes = asked_at(peer, 0), Changes()
    with Client(f"127.0.0.1:{peer.port}", max_attempts=1) as client:
        watch = ServerWatch(client, None, changes, first_pause=0.01)
        with closing(watch):
            begun = time.monotonic()
            watch.failed(error("not now"))
            changes.wait_for(False, True)
    assert times[0] - begun >= least
