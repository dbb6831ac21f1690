"""A server in a process of its own, on a disk that a test can take away from it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grpc

from steeple.v1.catalog_service_pb2_grpc import CatalogServiceStub
from steeple.v1.visual_search_service_pb2_grpc import VisualSearchServiceStub

_MOUNTS = ("unshare", "--map-root-user", "--mount", "--propagation", "private")


@dataclass(frozen=True)
class Served:
    """A server's process, and stubs that are connected to it."""

    process: subprocess.Popen[str]
    port: int
    data_dir: Path
    log: Path
    catalog: CatalogServiceStub
    search: VisualSearchServiceStub

    def seen(self, path: Path) -> Path:
        """A path of the server's, which may be on a disk that only it has, as this process can open it."""
        return Path(f"/proc/{self.process.pid}/root{path}")

    def limit(self, kind: int, soft: int) -> int:
        """Sets a limit of the process, as ``ulimit`` would; returns what it was."""
        before, hard = resource.prlimit(self.process.pid, kind)
        resource.prlimit(self.process.pid, kind, (soft, hard))
        return before

    def mount(self, command: str) -> None:
        """Runs a command among the mounts that only the server sees."""
        entered = ["nsenter", f"--target={self.process.pid}", "--user", "--mount", "--preserve-credentials"]
        subprocess.run([*entered, "sh", "-ec", command], check=True, timeout=30)

    def end(self) -> int:
        """Tells it to stop; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@cache
def can_mount() -> bool:
    """Whether this process may give another one mounts of its own; in many containers it may not."""
    try:
        command = [*_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        tried = subprocess.run(command, capture_output=True, timeout=30, check=False)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


def own_mounts(*command: str) -> list[str]:
    """A command with mounts of its own."""
    return [*_MOUNTS, *command]


def obeys_permissions(*command: str) -> list[str]:
    """A command that cannot open what file permissions forbid, though it may be root's."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]


def serve_command(data_dir: Path, *flags: str) -> list[str]:
    """That runs ``steeple serve``."""
    given = ["--json", "--address", "127.0.0.1:0", "--data-dir", str(data_dir), "--log-format", "json", *flags]
    return [sys.executable, "-m", "steeple.cli", "serve", *given]


def environment() -> dict[str, str]:
    """This one's, without the user's own settings."""
    return {key: value for key, value in os.environ.items() if not key.startswith("STEEPLE_")}


@contextmanager
def serving(data_dir: Path, command: Sequence[str]) -> Iterator[Served]:
    """Runs a server until the block is left, or longer if a test has ended it."""
    log = data_dir.parent / "server.log"
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment(), text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text(encoding="utf-8")
            port = int(json.loads(line)["port"])
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                stubs = CatalogServiceStub(channel), VisualSearchServiceStub(channel)
                yield Served(process, port, data_dir, log, *stubs)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
