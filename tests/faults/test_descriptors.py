"""A server that has no file descriptors left, and has them again."""

from __future__ import annotations

import resource
import socket
from contextlib import ExitStack
from pathlib import Path

import grpc

from steeple.v1 import catalog_service_pb2 as messages
from steeple.v1.catalog_service_pb2_grpc import CatalogServiceStub
from tests.scenes import encoded, scene

from .calls import TIMEOUT, add, complete, features, found, image_request, refusal
from .serving import Served, serve_command, serving


def descriptors(server: Served) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def test_a_server_without_descriptors_serves_who_is_there_and_recovers(tmp_path: Path) -> None:
    photo = encoded(scene(3, 320, 240))
    with serving(tmp_path / "data", serve_command(tmp_path / "data")) as server:
        add(server, "a", features(1))
        found(server, features(1))  # all that is loaded at first use is loaded
        spare = 12
        before = server.limit(resource.RLIMIT_NOFILE, descriptors(server) + spare)
        with ExitStack() as strangers:
            for _ in range(4 * spare):
                strangers.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            code, text = refusal(server.catalog.CreateReferenceImage, image_request("a", photo))
            assert code is grpc.StatusCode.UNAVAILABLE
            assert "file descriptors" in text or "Too many open files" in text
            assert found(server, features(1)) == "a"
            options = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.insecure_channel(f"127.0.0.1:{server.port}", options=options) as channel:
                late = CatalogServiceStub(channel).ListLandmarks.future(
                    messages.ListLandmarksRequest(), timeout=TIMEOUT, wait_for_ready=True
                )
                assert not late.done()
                strangers.close()
                assert len(late.result(TIMEOUT).landmarks) == 1  # nobody has raised the limit
        add(server, "b", photo)
        assert complete(server) == {"a": 1, "b": 1}
        server.limit(resource.RLIMIT_NOFILE, before)
        assert server.end() == 0
