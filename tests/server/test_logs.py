"""Log lines, for people and for programs."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Literal

import pytest

from steeple.server import logs
from steeple.server.logs import facts

Configure = Callable[[Literal["text", "json"], str], io.StringIO]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Configures the log of Steeple, and gives what it writes."""

    def configured(style: Literal["text", "json"], level: str) -> io.StringIO:
        written = io.StringIO()
        monkeypatch.setattr("sys.stderr", written)
        logs.configure(style, level)
        return written

    return configured


def test_json_lines_carry_every_fact(configure: Configure) -> None:
    written = configure("json", "INFO")
    log = logging.getLogger("steeple.test")
    log.debug("not shown")
    log.info("call", extra=facts(method="/x", ms=1.5, text='a "b"\nc'))
    try:
        raise LookupError("lost")
    except LookupError:
        log.exception("failed")
    first, second = (json.loads(line) for line in written.getvalue().splitlines())
    assert first["time"].endswith("Z")
    del first["time"]
    assert first == {
        "level": "INFO",
        "logger": "steeple.test",
        "message": "call",
        "method": "/x",
        "ms": 1.5,
        "text": 'a "b"\nc',
    }
    assert second["traceback"].endswith("LookupError: lost")


def test_text_lines_stay_lines_and_can_be_split_again(configure: Configure) -> None:
    written = configure("text", "INFO")
    logging.getLogger("steeple.test").warning("call", extra=facts(ms=1.5, error='no "x"\nat all', none=""))
    (line,) = written.getvalue().splitlines()
    assert line.endswith(r'WARNING call ms=1.5 error="no \"x\"\nat all" none=""')


def test_to_configure_again_does_not_double_the_lines(configure: Configure) -> None:
    configure("text", "INFO")
    written = configure("text", "ERROR")
    logging.getLogger("steeple.test").info("too low")
    logging.getLogger("steeple.test").error("once")
    assert len(written.getvalue().splitlines()) == 1
