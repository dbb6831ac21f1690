"""``steeple keys`` and ``steeple audit``, from the first key of a server on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from steeple.cli.local_server import local_server
from steeple.cli.main import main
from steeple.cli.times import read_time
from steeple.client import Client, KeyLimits
from steeple.errors import InvalidArgumentError, ResourceExhaustedError, UnauthenticatedError

from .support import Steeple


@dataclass(frozen=True)
class Closed:
    """A server that asks for keys, over TLS, and its first key."""

    address: str
    folder: Path
    root: Path
    admin: str

    def client(self, key: str | None) -> Client:
        return Client(self.address, key=key, root_certificates=self.root, max_attempts=1)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    folder = tmp_path_factory.mktemp("closed")
    ca = trustme.CA()
    issued = ca.issue_cert("localhost", "127.0.0.1")
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    data, printed = folder / "data", folder / "printed"
    with pytest.MonkeyPatch.context() as patch, printed.open("w") as out:
        patch.setattr("sys.stdout", out)
        assert main(["keys", "create", "First", "--scope", "admin", "--data-dir", str(data), "--json"]) == 0
    admin = json.loads(printed.read_text())["secret"]
    flags = ["--access", "keys", "--tls-certificate", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
    with local_server(data, folder / "server.log", *flags) as address:
        yield Closed(address, folder, folder / "ca.pem", admin)
    log = (folder / "server.log").read_text()
    assert admin.split("_")[1] in log
    assert admin.split("_")[2] not in log


@pytest.fixture
def admin(closed: Closed, steeple: Steeple, monkeypatch: pytest.MonkeyPatch) -> Steeple:
    """The command line of who has the first key."""
    monkeypatch.setenv("STEEPLE_SERVER", closed.address)
    monkeypatch.setenv("STEEPLE_KEY", closed.admin)
    monkeypatch.setenv("STEEPLE_ROOT_CERTIFICATES", str(closed.root))
    return steeple


def test_the_first_key_opens_the_server_and_nothing_else_does(
    admin: Steeple, closed: Closed, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert admin("info").code == 0
    assert admin("info", "--key", "stp_wrong_one").code == 9
    monkeypatch.delenv("STEEPLE_KEY")
    ran = admin("info", "--json")
    assert (ran.code, ran.error["reason"]) == (9, "UNAUTHENTICATED")
    assert "STEEPLE_KEY" in ran.error["message"]
    assert admin("info", "--key", closed.admin).code == 0
    monkeypatch.delenv("STEEPLE_ROOT_CERTIFICATES")
    assert admin("info", "--key", closed.admin).code == 11, "plain text to a server that talks TLS"


def test_a_key_is_not_made_beside_a_running_server(admin: Steeple, closed: Closed) -> None:
    ran = admin("keys", "create", "--scope", "admin", "--data-dir", closed.folder / "data", "--json")
    assert ran.code == 6
    assert "in use by another server" in ran.error["message"]
    assert "with --server and an admin's key" in ran.error["message"]


def test_keys_from_creation_to_revocation(admin: Steeple, closed: Closed) -> None:
    made = admin("keys", "create", "App", "--monthly-identifications", 100, "--expires", "90d", "--json").json
    key, secret = made["key"]["id"], made["secret"]
    assert (made["key"]["scope"], made["key"]["limits"]["monthly_identifications"]) == ("device", 100)
    left = datetime.fromisoformat(made["key"]["expire_time"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < left <= timedelta(days=90)
    with closed.client(secret) as client:
        assert client.list_models()
    assert admin("landmarks", "list", "--key", secret).code == 9

    shown = admin("keys", "show", key)
    assert shown.code == 0
    assert "100 a month" in shown.out
    assert secret not in shown.out
    limits = admin("keys", "limits", key, "--requests-per-second", 5, "--never-expires", "--json").json
    assert limits["limits"] == {"requests_per_second": 5.0, "burst": 0, "monthly_identifications": 100}
    assert limits["expire_time"] is None

    rotated = admin("keys", "rotate", key, "--overlap", "1h", "--json").json
    assert rotated["old_key"]["successor"] == rotated["key"]["name"]
    for each in (secret, rotated["secret"]):
        with closed.client(each) as client:
            assert client.list_models()
    assert admin("keys", "revoke", key).code == 0
    with closed.client(secret) as client, pytest.raises(UnauthenticatedError, match="was revoked"):
        client.list_models()
    listed = [each["id"] for each in admin("keys", "list", "--json").json]
    assert rotated["key"]["id"] in listed
    assert key not in listed
    assert key in admin("keys", "list", "--all").out


def test_a_key_at_its_rate_is_told_so_by_the_sdk(admin: Steeple, closed: Closed) -> None:
    with closed.client(closed.admin) as client:
        made = client.create_key("Slow", "device", limits=KeyLimits(requests_per_second=0.01, burst=1))
    with closed.client(made.secret) as client:
        assert client.list_models()
        with pytest.raises(ResourceExhaustedError, match=f"{made.key.name} is at its limit") as caught:
            client.list_models()
    assert caught.value.metadata["limit"] == "requests_per_second"


def test_the_audit_log_tells_who(admin: Steeple, closed: Closed) -> None:
    actor = "keys/" + closed.admin.split("_")[1]
    assert admin("landmarks", "create", "Audited", "--id", "audited").code == 0
    assert admin("landmarks", "delete", "audited", "--etag", "wrong").code == 7
    events = admin("audit", "landmarks/audited", "--json").json
    assert [(event["actor"], event["method"].partition("/")[2], event["outcome"]) for event in events] == [
        (actor, "DeleteLandmark", "ABORTED"),
        (actor, "CreateLandmark", "OK"),
    ]
    everything = admin("audit", "--limit", 0, "--json").json
    first = everything[-1]
    assert (first["actor"], first["resource"], first["outcome"]) == ("local", actor, "OK")
    assert len(admin("audit", "--limit", 1, "--json").json) == 1
    assert admin("audit", "--until", "1d", "--json").json == []
    assert "DeleteLandmark" in admin("audit", "--since", "1h").out


def test_wrong_arguments_are_told_before_the_server_is_asked(steeple: Steeple) -> None:
    nobody = ("--server", "127.0.0.1:9")
    for args, says in (
        (("keys", "limits", "abc", *nobody), "nothing to change"),
        (("keys", "create", "x", "--expires", "soon", *nobody), "--expires must be a span such as 90d"),
        (("keys", "create", "x", "--scope", "god", *nobody), "scope must be device, reader, editor, admin"),
        (("keys", "create", "x", "--config", "x.toml", *nobody), "--config goes with --data-dir"),
        (("serve", "--address", "0.0.0.0:0"), "0.0.0.0:0 can be reached from other hosts"),
        (("info", "--client-key", "x.pem", *nobody), "client_certificate and client_key go together"),
        (("info", "--root-certificates", "nowhere.pem", *nobody), "nowhere.pem cannot be read"),
    ):
        ran = steeple(*args)
        assert ran.code == 2
        assert says in ran.err


@pytest.mark.parametrize(
    ("text", "towards", "expected"),
    [
        ("90d", "future", datetime(2026, 4, 1, tzinfo=UTC)),
        ("12h", "past", datetime(2025, 12, 31, 12, tzinfo=UTC)),
        ("2w", "future", datetime(2026, 1, 15, tzinfo=UTC)),
        ("2027-01-31", "past", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T12:00+02:00", "future", datetime(2027, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_times_are_spans_or_dates(text: str, towards: str, expected: datetime) -> None:
    assert read_time(text, "--x", towards=towards, now=datetime(2026, 1, 1, tzinfo=UTC)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "d", "5", "5y", "-5d", "999999w", "tomorrow"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="--x must be a span"):
        read_time(text, "--x", towards="future")
