"""Waiting for a server, and TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError, SteepleError, UnavailableError

from .harness import Harness
from .peer import PATIENCE, Peer, fail


def test_ready_is_what_health_says(client: Any, peer: Peer) -> None:
    not_serving, serving = b"\x08\x02", b"\x08\x01"
    peer.script("Check", lambda *_: not_serving, lambda *_: not_serving, lambda *_: serving)
    client.wait_until_ready(PATIENCE)
    assert peer.calls("Check") == [b""] * 3
    client.wait_until_ready()
    assert peer.received[-1].time_remaining is not None


def test_a_server_that_does_not_get_ready_is_given_up(client: Any, peer: Peer) -> None:
    peer.script("Check", lambda *_: b"\x08\x02")
    start = time.monotonic()
    with pytest.raises(UnavailableError, match=r"not ready within 0\.3 s: it is up but not ready to serve"):
        client.wait_until_ready(0.3)
    assert 0.3 <= time.monotonic() - start < 5


def test_a_server_that_is_not_there_is_given_up(harness: Harness) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = harness.client(f"127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(UnavailableError, match=r"not ready within 0\.3 s: it cannot be reached"):
            client.wait_until_ready(0.3)


def test_a_server_that_starts_later_is_found(harness: Harness) -> None:
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
    client = harness.client(address)
    with pytest.raises(UnavailableError):
        client.wait_until_ready(0.2)  # by now gRPC has begun to pause between its attempts
    late = Peer()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.wait_until_ready, PATIENCE)
        server = late.start(address)
        start = time.monotonic()
        try:
            assert waiting.result(PATIENCE) is None
            assert time.monotonic() - start < 8
        finally:
            server.stop(0).wait()


def test_a_server_without_health_is_no_reason_to_wait(client: Any, peer: Peer) -> None:
    peer.script("Check", fail(grpc.StatusCode.UNIMPLEMENTED, "no such service"))
    with pytest.raises(SteepleError, match="no such service"):
        client.wait_until_ready(PATIENCE)
    assert len(peer.received) == 1


def test_a_server_that_restarts_is_found_again(harness: Harness, features: FeatureSet) -> None:
    first = Peer()
    server = first.start()
    client = harness.client(f"127.0.0.1:{first.port}")
    client.identify(features)
    server.stop(0).wait()
    with pytest.raises(UnavailableError):
        client.identify(features)
    second = Peer()
    server = second.start(f"127.0.0.1:{first.port}")
    client.wait_until_ready(PATIENCE)
    client.identify(features)
    server.stop(0).wait()
    assert len(second.calls("Identify")) == 1


def test_the_client_says_who_it_is(client: Any, peer: Peer, features: FeatureSet) -> None:
    client.identify(features)
    assert str(peer.received[0].metadata["user-agent"]).startswith("steeple-python/0")


def test_channel_options_override_the_clients_own(
    harness: Harness, target: str, peer: Peer, features: FeatureSet
) -> None:
    options = [("grpc.primary_user_agent", "tourist/2"), ("grpc.max_send_message_length", 100)]
    client = harness.client(target, channel_options=options)
    with pytest.raises(SteepleError, match="larger than max"):
        client.identify(features)
    client.list_models()
    assert str(peer.received[0].metadata["user-agent"]).startswith("tourist/2")


# --- TLS ---


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and a certificate of localhost, signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return key, cert


@pytest.fixture
def tls_peer(certificate: tuple[Path, Path]) -> Iterator[Peer]:
    key, cert = certificate
    peer = Peer()
    server = peer.start("127.0.0.1:0", grpc.ssl_server_credentials([(key.read_bytes(), cert.read_bytes())]))
    yield peer
    server.stop(0).wait()


@pytest.mark.parametrize("kind", [str, Path])
def test_tls_with_a_certificate_of_ones_own(
    harness: Harness, tls_peer: Peer, certificate: tuple[Path, Path], features: FeatureSet, kind: Any
) -> None:
    client = harness.client(f"localhost:{tls_peer.port}", root_certificates=kind(certificate[1]))
    assert client.identify(features).feature_count == 25


@pytest.mark.parametrize("options", [{}, {"tls": True}], ids=["plain text", "public certificates"])
def test_a_server_that_is_not_trusted_is_not_talked_to(
    harness: Harness, tls_peer: Peer, features: FeatureSet, options: dict[str, Any]
) -> None:
    client = harness.client(f"localhost:{tls_peer.port}", max_attempts=1, **options)
    with pytest.raises(UnavailableError):
        client.identify(features)
    assert tls_peer.received == []


def test_a_certificate_that_cannot_be_read_is_named(harness: Harness, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"root certificate .*missing\.pem cannot be read: No such file"):
        harness.client("localhost:1", root_certificates=tmp_path / "missing.pem")
