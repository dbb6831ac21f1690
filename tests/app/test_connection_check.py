from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
import trustme
from google.rpc import error_details_pb2  # type: ignore[import-untyped]

from steeple.app.connection_check import check_connection
from steeple.app.settings import AppSettings
from steeple.app.trouble import ADVICE, ConnectionReport, Stage, Step, Trouble
from steeple.cli.main import main
from steeple.delf.release import ModelRelease
from tests.client.peer import Peer, fail, info

from .serving import Served, serving

PLAIN = AppSettings(tls=False, latency_budget_ms=5000)


def checked(
    port: int, settings: AppSettings = PLAIN, key: str | None = None, *, host: str = "localhost"
) -> ConnectionReport:
    return check_connection(replace(settings, server=f"{host}:{port}"), key, timeout=5.0)


def last(report: ConnectionReport) -> tuple[Stage, Trouble | None]:
    assert not report.usable
    assert all(step.passed for step in report.steps[:-1])
    step = report.steps[-1]
    assert step.trouble is None or step.advice == ADVICE[step.trouble]
    return step.stage, step.trouble


def troubles(report: ConnectionReport) -> set[Trouble]:
    """Warnings included."""
    return {step.trouble for step in report.steps if step.trouble is not None}


def test_every_trouble_has_advice() -> None:
    assert set(ADVICE) == set(Trouble)


def test_a_server_that_can_be_used(berlin: Served) -> None:
    told: list[Step] = []
    settings = replace(PLAIN, server=berlin.address)
    report = check_connection(settings, None, on_step=told.append)
    assert report.usable
    assert tuple(told) == report.steps
    assert [step.stage for step in report.steps] == list(Stage)
    assert troubles(report) == set()
    assert report.round_trip_ms is not None
    assert 0 < report.round_trip_ms < 5000


def test_no_server_is_set() -> None:
    assert last(check_connection(AppSettings(), None)) == (Stage.ADDRESS, Trouble.NO_SERVER)


def test_a_name_that_nobody_has() -> None:
    stage, trouble = last(checked(1, host="no-such-name.invalid"))
    assert stage is Stage.ADDRESS
    assert trouble in {Trouble.NAME_UNKNOWN, Trouble.NO_NETWORK}  # whether there is a network that could know it


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    assert last(checked(port, host="127.0.0.1")) == (Stage.NETWORK, Trouble.REFUSED)


@contextmanager
def answering(data: bytes) -> Iterator[int]:
    """A server that says the same to everyone, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("tls", [False, True])
def test_something_else_answers(tls: bool) -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as port:
        found = last(checked(port, replace(PLAIN, tls=tls), host="127.0.0.1"))
    expected = (Stage.ENCRYPTION, Trouble.TLS_NOT_SPOKEN) if tls else (Stage.SERVER, Trouble.NO_STEEPLE_SERVER)
    assert found == expected


@pytest.mark.parametrize(
    ("step", "key", "expected"),
    [
        (fail(grpc.StatusCode.UNIMPLEMENTED), None, (Stage.SERVER, Trouble.NO_STEEPLE_SERVER)),
        (fail(grpc.StatusCode.UNAUTHENTICATED, "x", info("UNAUTHENTICATED")), None, (Stage.KEY, Trouble.KEY_MISSING)),
        (
            fail(grpc.StatusCode.UNAUTHENTICATED, "x", info("UNAUTHENTICATED")),
            "stp_1",
            (Stage.KEY, Trouble.KEY_REFUSED),
        ),
        (fail(grpc.StatusCode.PERMISSION_DENIED), "stp_1", (Stage.KEY, Trouble.KEY_NOT_COVERING)),
        (Peer.normally, "two\nlines", (Stage.SERVER, Trouble.KEY_REFUSED)),
    ],
)
def test_what_a_server_refuses(step: object, key: str | None, expected: tuple[Stage, Trouble], peer: Peer) -> None:
    peer.script("ListModels", step if step is not Peer.normally else peer.normally)  # type: ignore[arg-type]
    assert last(checked(peer.port, key=key)) == expected


def test_a_server_of_another_release(peer: Peer) -> None:
    model = peer.models.pop(f"models/{ModelRelease.load().name}")
    assert last(checked(peer.port)) == (Stage.RELEASE, Trouble.RELEASE_NOT_SERVED)
    model.tflite_sha256 = "0" * 64
    peer.models[model.name] = model
    assert last(checked(peer.port)) == (Stage.RELEASE, Trouble.RELEASE_NOT_SERVED)


def test_warnings_do_not_keep_a_server_from_being_used(peer: Peer) -> None:
    report = checked(peer.port, replace(PLAIN, latency_budget_ms=50), "stp_1")
    assert report.usable
    assert troubles(report) <= {Trouble.SLOW}  # of this host, the key may go in the clear
    assert [call.metadata["authorization"] for call in peer.received] == ["Bearer stp_1"] * 2
    # An address of this host's too, but nothing says so.
    assert Trouble.KEY_IN_CLEAR in troubles(checked(peer.port, key="stp_1", host="0.0.0.0"))  # noqa: S104
    assert Trouble.KEY_IN_CLEAR not in troubles(checked(peer.port, host="0.0.0.0"))  # noqa: S104


class Authority:
    """A certificate of localhost, in files."""

    def __init__(self, folder: Path, name: str = "localhost", not_after: datetime | None = None) -> None:
        folder.mkdir()
        ca = trustme.CA()
        self.root, self.certificate, self.key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        ca.cert_pem.write_to_path(str(self.root))
        issued = ca.issue_cert(name, not_after=not_after)
        self.certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        self.key.write_bytes(issued.private_key_pem.bytes())

    @contextmanager
    def serving(self, peer: Peer) -> Iterator[int]:
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        server = peer.start(credentials=grpc.ssl_server_credentials([pair]))
        yield peer.port
        server.stop(0).wait()

    def trusted(self) -> AppSettings:
        return replace(PLAIN, tls=True, root_certificates=str(self.root))


def test_tls_that_is_as_it_should_be(peer: Peer, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    with authority.serving(peer) as port:
        report = checked(port, authority.trusted(), "stp_1")
        assert report.usable, report
        assert report.steps[2].found.startswith("TLSv1.")
        assert last(checked(port)) == (Stage.SERVER, Trouble.TLS_NEEDED)
        assert last(checked(port, replace(PLAIN, tls=True))) == (Stage.ENCRYPTION, Trouble.CERTIFICATE_UNTRUSTED)
        other = Authority(tmp_path / "other")
        assert last(checked(port, other.trusted())) == (Stage.ENCRYPTION, Trouble.CERTIFICATE_UNTRUSTED)
        assert last(checked(port, authority.trusted(), host="127.0.0.1")) == (
            Stage.ENCRYPTION,
            Trouble.CERTIFICATE_OF_ANOTHER_NAME,
        )
        nothing = replace(PLAIN, tls=True, root_certificates=str(tmp_path / "none.pem"))
        assert last(checked(port, nothing)) == (Stage.ENCRYPTION, Trouble.BAD_ROOT_CERTIFICATES)
        text = replace(PLAIN, tls=True, root_certificates=__file__)
        assert last(checked(port, text)) == (Stage.ENCRYPTION, Trouble.BAD_ROOT_CERTIFICATES)


def test_a_certificate_that_has_expired(peer: Peer, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls", not_after=datetime.now(UTC) - timedelta(days=1))
    with authority.serving(peer) as port:
        assert last(checked(port, authority.trusted())) == (Stage.ENCRYPTION, Trouble.CERTIFICATE_EXPIRED)


def test_a_server_that_is_starting(peer: Peer) -> None:
    request = error_details_pb2.RequestInfo(request_id="abc")
    peer.script("ListModels", fail(grpc.StatusCode.UNAVAILABLE, "not yet", info("UNAVAILABLE"), request))
    assert last(checked(peer.port)) == (Stage.SERVER, Trouble.NOT_READY)


def test_a_real_server_that_asks_for_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    assert main(["keys", "create", "Ada", "--scope", "device", "--data-dir", str(data), "--json"]) == 0
    key = json.loads(capsys.readouterr().out)["secret"]
    with serving(data, access="keys") as served:
        assert last(checked(served.port)) == (Stage.KEY, Trouble.KEY_MISSING)
        assert last(checked(served.port, key="stp_aaaaaaaaaaaa_" + "b" * 40)) == (Stage.KEY, Trouble.KEY_REFUSED)
        report = checked(served.port, key=key)
        assert report.usable
        assert report.steps[4].found == "the key is accepted"
