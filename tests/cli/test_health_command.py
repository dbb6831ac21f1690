"""``steeple health``."""

from __future__ import annotations

import pytest

from .support import Steeple

NOBODY = "127.0.0.1:9"  # the discard port


def test_a_server_that_serves(address: str, steeple: Steeple) -> None:
    ran = steeple("health", "--server", address)
    assert (ran.code, ran.out) == (0, f"{address} serves\n")
    assert steeple("health", "--server", address, "--json").json == {"server": address, "serving": True}


@pytest.mark.parametrize("wait", ["0.2", "0"])
def test_nobody_and_no_time(wait: str, steeple: Steeple) -> None:
    ran = steeple("health", "--server", NOBODY, "--wait", wait, "--json")
    assert ran.code == (11 if float(wait) else 2)
    assert ran.out == ""
    assert (NOBODY if float(wait) else "--wait") in ran.error["message"]
