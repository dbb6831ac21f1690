"""A TCP proxy that cuts connections."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator


class CuttingProxy:
    """Forwards connections to a server, each until so many bytes have gone through, both ways together.

    Args:
        port: Of the server on this host; may be changed while it runs.
        cuts: Bytes after which the first, the second, ... connection is cut; those after them are not.

    Attributes:
        port: To connect to.
        connections: That there have been.
        forwarded: Bytes that have gone through.
    """

    def __init__(self, port: int, cuts: Iterable[int] = ()) -> None:
        self.target = port
        self.connections = 0
        self.forwarded = 0
        self._cuts = iter(cuts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._start(self._accept)

    def close(self) -> None:
        self.cut()
        # Closing alone does not wake who waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def cut(self) -> None:
        """Cuts all connections."""
        for each in list(self._open):
            _end(each)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.connections += 1
            self._open += [near, far]
            left = _Left(next(self._cuts, None))
            for source, sink in ((near, far), (far, near)):
                self._start(self._forward, source, sink, left)

    def _forward(self, source: socket.socket, sink: socket.socket, left: _Left) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                data, whole = left.take(data)
                self.forwarded += len(data)
                sink.sendall(data)
                if not whole:
                    break
        _end(source)
        _end(sink)


class _Left:
    def __init__(self, count: int | None) -> None:
        self._count = count
        self._lock = threading.Lock()

    def take(self, data: bytes) -> tuple[bytes, bool]:
        with self._lock:
            if self._count is None:
                return data, True
            taken = data[: self._count]
            self._count -= len(taken)
            return taken, len(taken) == len(data)


def _end(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextlib.contextmanager
def cutting(port: int, cuts: Iterable[int] = ()) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(port, cuts)
    try:
        yield proxy
    finally:
        proxy.close()
