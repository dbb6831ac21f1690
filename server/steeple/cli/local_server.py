"""A real server in a process of its own, for as long as a command needs one."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from steeple.errors import UnavailableError

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_TERMINATED: Final = 143


@contextmanager
def local_server(data_dir: Path, log: Path, *flags: str) -> Iterator[str]:
    """Runs ``steeple serve`` on a free port of the loopback interface.

    Args:
        data_dir: Its data folder.
        log: File for what it writes to standard error.
        flags: More of ``steeple serve``.

    Yields:
        ``HOST:PORT`` once it listens.

    Raises:
        UnavailableError: If it does not start; the text holds the end of its log.
    """
    with running_server(data_dir, log, *flags) as ready:
        yield str(ready["address"])


@contextmanager
def running_server(data_dir: Path, log: Path, *flags: str) -> Iterator[dict[str, Any]]:
    """The same as :func:`local_server`.

    Yields:
        What it says when it is ready: ``address``, and ``console`` if that is served.
    """
    command = [sys.executable, "-m", "steeple.cli", "serve", "--json"]
    command += ["--address", "127.0.0.1:0", "--data-dir", str(data_dir), *flags]
    # The user's own settings are for the user's own server: this one must not write to its database.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STEEPLE_")}
    with log.open("wb") as errors, _termination_unwinds():
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, fixed arguments
            command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, env=environment
        )
        try:
            yield _ready(process, log)
        finally:
            _stop(process)


def _ready(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    stdout = process.stdout
    if stdout is None:  # Popen was told to make it
        raise UnavailableError("the server has no standard output")
    deadline = time.monotonic() + _START_SECONDS
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise UnavailableError(
                    f"the server did not start within {_START_SECONDS:.0f} s{_end_of(log)}", log=str(log)
                )
            chunk = os.read(stdout.fileno(), 4096)
            if not chunk:
                process.wait()
                raise UnavailableError(
                    f"the server did not start, it exited with {process.returncode}{_end_of(log)}", log=str(log)
                )
            line += chunk
    ready: dict[str, Any] = json.loads(line.splitlines()[0])
    return ready


def _end_of(log: Path, lines: int = 5) -> str:
    text = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "; it wrote: " + " | ".join(text[-lines:]) if text else ""


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextmanager
def _termination_unwinds() -> Iterator[None]:
    """Lets SIGTERM stop the server too: by default it would end this process and leave the server behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def unwind(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
