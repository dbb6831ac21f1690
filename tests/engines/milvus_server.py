"""A real Milvus, standalone, on loopback: the package ``milvus`` has it."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from tests.engines.ports import free_port

_READY_SECONDS: Final = 120.0


class MilvusServer:
    """A server with a folder and ports that stay the same, however often it is stopped, killed and started.

    Args:
        folder: Made by this; it takes 300 MB.
    """

    def __init__(self, folder: Path) -> None:
        import milvus

        folder.mkdir(parents=True)
        config = milvus.MilvusServerConfig(data_dir=str(folder))
        # Without an address each part would listen on the first one of this host that others reach.
        lines = [f"{line[: line.index('ip:')]}ip: 127.0.0.1" if line.strip().startswith("ip:") else line
                 for line in config.template_text.splitlines()]  # fmt: skip
        config.template_text = "\n".join(lines).replace(
            "  use:", f"  config:\n    path: {folder / 'etcd.yaml'}\n  use:", 1
        )
        # At the ports that it has of its own accord, no second one could run on this machine.
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        etcd = [f"listen-client-urls: {client}", f"advertise-client-urls: {client}", f"listen-peer-urls: {peer}",
                f"initial-advertise-peer-urls: {peer}", "name: one", f"initial-cluster: one={peer}"]  # fmt: skip
        (folder / "etcd.yaml").write_text("\n".join(etcd), encoding="utf-8")
        self._server: Any = milvus.MilvusServer(config, wait_for_started=False)
        config.try_bind_port = _bound
        self._ports = {name: free_port() for name in config.configurable_items if name.endswith("_port")}
        self._health_port = free_port()

    @property
    def uri(self) -> str:
        """To connect to."""
        return f"http://127.0.0.1:{self._ports['proxy_port']}"

    def start(self) -> None:
        """Starts it and waits until it is healthy."""
        self._server.config.configs.update(self._ports)
        self._server.webservice_port = self._health_port
        self._server.start()
        deadline = time.monotonic() + _READY_SECONDS
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Milvus does not get ready; see logs in its folder")
            time.sleep(0.1)

    def stop(self, signal_number: signal.Signals = signal.SIGTERM) -> None:
        """Stops it; SIGKILL: as by a crash."""
        if self._server.server_proc is None:
            return
        self._process.send_signal(signal_number)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._server.stop()

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = self._server.server_proc
        return process

    def _healthy(self) -> bool:
        try:
            address = f"http://127.0.0.1:{self._health_port}/healthz"
            with urllib.request.urlopen(address, timeout=5) as answer:
                return b"OK" in answer.read()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


def _bound(port: int) -> socket.socket | None:
    """A socket that listens at a port, also soon after a server has ended that had connections there."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError:
        listener.close()
        return None
    return listener
