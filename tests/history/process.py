"""Server processes: started, killed, stopped; and what is left of them on the disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from steeple.server.engine import Engine
from steeple.server.index import FaissIndex
from steeple.server.settings import Settings
from tests.history.generator import DESCRIPTORS, IMAGES, LANDMARKS, VARIANTS, Signal, features

_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
_LINES_SHOWN = 30
_ROOT = Path(__file__).parent.parent.parent


class ServerFailedError(Exception):
    """A server did not start, or did not stop, as it should."""


class Process:
    """``steeple serve`` in a process of its own.

    Args:
        data_dir: Its data folder.
        log: File that its log is added to.
        hurried: Whether what waits in it happens all the time.
        retained: Whether it keeps what is deleted.
        settings: More of its settings, as in the environment.
    """

    def __init__(
        self, data_dir: Path, log: Path, *, hurried: bool, retained: bool, settings: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        self._began = log.stat().st_size if log.exists() else 0
        module = "tests.history.hurried_server" if hurried else "steeple.cli"
        flags = ["--json", "--address", "127.0.0.1:0", "--data-dir", str(data_dir), "--log-format", "json"]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("STEEPLE_")}
        environment = {**clean, "STEEPLE_DELETED_RETENTION_DAYS": "30" if retained else "0"}
        environment |= settings or {}
        with log.open("a", encoding="utf-8") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, "serve", *flags],
                stdout=subprocess.PIPE,
                stderr=sink,
                env=environment,
                cwd=_ROOT,
                text=True,
            )

    def ready(self) -> str:
        """Waits until calls are taken; the address.

        Raises:
            ServerFailedError: If that takes too long, or it ends instead.
        """
        late = threading.Timer(_START_SECONDS, self._process.kill)
        late.start()
        try:
            line = self._process.stdout.readline() if self._process.stdout is not None else ""
        finally:
            late.cancel()
        if not line:
            if self._process.stdout is not None:
                self._process.stdout.close()
            raise ServerFailedError(f"the server did not start (exit code {self._process.wait()}):\n{self._said()}")
        return f"127.0.0.1:{json.loads(line)['port']}"

    def end(self, how: Signal, patience: float | None = None) -> Signal:
        """Ends it, and waits for that.

        Args:
            how: What it is told.
            patience: Seconds that it has to stop when it is told so, before it is killed; None: as long as it takes.

        Returns:
            What it ended by.

        Raises:
            ServerFailedError: If it was told to stop and ended otherwise than with 0, or not at all.
        """
        told = how
        self._process.send_signal(signal.Signals[how.value])
        try:
            if how is Signal.TERMINATE and patience is not None:
                try:
                    self._process.wait(patience)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    how = Signal.KILL
            code = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise ServerFailedError(f"the server did not stop within {_STOP_SECONDS:.0f} s:\n{self._said()}") from None
        finally:
            if self._process.stdout is not None:
                self._process.stdout.close()
        allowed = {-signal.SIGKILL}
        if told is Signal.TERMINATE:  # before it listens for signals, it ends by the signal itself
            allowed = {0, -signal.SIGTERM} if how is told else {0, -signal.SIGTERM, -signal.SIGKILL}
        if code not in allowed:
            raise ServerFailedError(f"the server ended with {code} after {how}:\n{self._said()}")
        return how

    def messages(self) -> list[str]:
        """What its log says, in order."""
        with self._log.open("rb") as log:
            log.seek(self._began)
            lines = log.read().decode(errors="replace").splitlines()
        return [json.loads(line)["message"] for line in lines if line.startswith("{") and line.endswith("}")]

    def _said(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8").splitlines()[-_LINES_SHOWN:])


def examine(data_dir: Path, aside: Path, *, retained: bool, **settings: str) -> str:
    """Compares the index that a server would start with, on a copy, with one that is built from the catalogue.

    Returns:
        The kind of the index.

    Raises:
        AssertionError: If they differ.
        SteepleError: If a server could not start.
    """
    shutil.copytree(data_dir, aside)
    try:
        engine = Engine(Settings.load(data_dir=aside, deleted_retention_days=30 if retained else 0, **settings))
        try:
            index = engine.index_keeper.index
            assert isinstance(index, FaissIndex)
            rebuilt = FaissIndex(engine.release, codebook=index.codebook)
            for key, stored in engine.catalogue.iterate_features(engine.release.name):
                rebuilt.add(key, stored.unit_descriptors())
            assert index.keys() == rebuilt.keys()
            assert index.stats() == rebuilt.stats()
            contents = [(one, image, number) for one in LANDMARKS for image in IMAGES for number in range(VARIANTS)]
            rows = np.concatenate([features(*each).unit_descriptors()[:5] for each in contents])
            ours, theirs = index.search(rows, 15), rebuilt.search(rows, 15)
            np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-5, atol=1e-6)
            for keys, numbers in zip(ours.image_keys.tolist(), ours.feature_numbers.tolist(), strict=True):
                pairs = [pair for pair in zip(keys, numbers, strict=True) if pair[0] >= 0]
                assert len(set(pairs)) == len(pairs), "a descriptor is there twice"
            assert index.stats().descriptors % DESCRIPTORS == 0
            return index.stats().kind
        finally:
            engine.close()
    finally:
        shutil.rmtree(aside)
