"""A way to a server that can be closed: to whoever goes through it, the server is away."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class Gate:
    """Listens on loopback and passes on what comes.

    Args:
        port: Of the server, on loopback.
        at: Where to listen; 0: any free port.
    """

    def __init__(self, port: int, *, at: int = 0) -> None:
        self._target = port
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._shut = False
        self._listener = socket.create_server(("127.0.0.1", at))
        self.port = int(self._listener.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def shut(self, shut: bool = True) -> None:
        """Cuts all connections and takes no new ones, or takes them again."""
        with self._lock:
            self._shut = shut
            if shut:
                for one in self._open:
                    _cut(one)

    def __enter__(self) -> Gate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shut()
        _cut(self._listener)
        self._listener.close()
        self._accepting.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._shut:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                self._open |= {near, far}
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
        _cut(other)
        with self._lock:
            self._open.discard(one)
        one.close()


def _cut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
