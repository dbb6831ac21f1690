"""``steeple people``, from the first admin of a server on."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from steeple.cli import passwords
from steeple.cli.local_server import local_server
from steeple.cli.main import main
from steeple.client import Client
from steeple.errors import InvalidArgumentError, UnauthenticatedError

from .support import Steeple

PASSWORD = "correct horse battery"  # noqa: S105 - of people in tests
OTHER = "staple and a long tail"


@dataclass(frozen=True)
class Closed:
    """A server that asks who calls, and where its first admin's password is."""

    address: str
    folder: Path

    @property
    def password(self) -> Path:
        return self.folder / "password"

    def session(self, name: str, password: str = PASSWORD) -> str:
        with Client(self.address, max_attempts=1) as client:
            return client.sign_in(name, password).secret


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    folder = tmp_path_factory.mktemp("closed")
    (folder / "password").write_text(f"{PASSWORD}\r\nwhat follows is none of it\n", encoding="utf-8")
    given = ["root", "The first", "--role", "admin", "--password-file", str(folder / "password")]
    with pytest.MonkeyPatch.context() as patch, (folder / "printed").open("w") as out:
        patch.setattr("sys.stdout", out)
        assert main(["people", "create", *given, "--data-dir", str(folder / "data"), "--json"]) == 0
    made = json.loads((folder / "printed").read_text())
    assert (made["id"], made["display_name"], made["role"], made["has_password"]) == (
        "root",
        "The first",
        "admin",
        True,
    )
    with local_server(folder / "data", folder / "server.log", "--access", "keys") as address:
        yield Closed(address, folder)
    log = (folder / "server.log").read_text()
    assert "there is none" not in log, "the first admin is as good as the first key"
    assert not any(secret in log for secret in (PASSWORD, OTHER))


@pytest.fixture
def root(closed: Closed, steeple: Steeple, monkeypatch: pytest.MonkeyPatch) -> Steeple:
    """The command line of the first admin."""
    monkeypatch.setenv("STEEPLE_SERVER", closed.address)
    monkeypatch.setenv("STEEPLE_KEY", closed.session("root"))
    return steeple


def test_people_from_creation_to_deletion(root: Steeple, closed: Closed) -> None:
    made = root("people", "create", "grace", "Grace Hopper", "--password-file", closed.password, "--json").json
    assert (made["role"], made["disabled"], made["last_sign_in_time"]) == ("reader", False, None)
    session = closed.session("grace")
    assert root("landmarks", "list", "--key", session).code == 0
    assert root("people", "list", "--key", session).code == 9
    changed = root("people", "update", "grace", "--role", "editor", "--oidc-subject", "sub-1", "--json").json
    assert (changed["role"], changed["oidc_subject"]) == ("editor", "sub-1")
    assert root("landmarks", "list", "--key", session).code == 9, "another role ends the session"
    shown = root("people", "show", "grace")
    assert ("Grace Hopper" in shown.out, "editor" in shown.out, "sub-1" in shown.out) == (True, True, True)
    assert root("people", "update", "grace", "--disable").code == 0
    with pytest.raises(UnauthenticatedError):
        closed.session("grace")
    listed = root("people", "list")
    assert "disabled" in listed.out
    assert {each["id"] for each in root("people", "list", "--json").json} >= {"root", "grace"}
    assert root("people", "delete", "people/grace", "--json").json == {"deleted": "people/grace"}
    assert root("people", "show", "grace").code == 4
    refused = root("people", "delete", "root", "--json")
    assert (refused.code, "last admin" in refused.error["message"]) == (6, True)
    actors = {event["actor"] for event in root("audit", "people/grace", "--json").json}
    assert actors == {"people/root", "people/grace"}
    first = root("audit", "--limit", 0, "--json").json[-1]
    assert (first["actor"], first["method"], first["resource"]) == (
        "local",
        "steeple.v1.PersonService/CreatePerson",
        "people/root",
    )


def test_passwords_and_sessions(root: Steeple, closed: Closed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root("people", "create", "ada", "--password-file", closed.password)
    session = closed.session("ada")
    (listed,) = root("people", "sessions", "ada", "--json").json
    assert (listed["address"], listed["id"]) == ("127.0.0.1", session.split("_")[1])
    assert listed["user_agent"].startswith("steeple-python/")
    assert listed["name"] in root("people", "sessions", "ada").out
    me = root("people", "me", "--key", session, "--json").json
    assert (me["actor"], me["scope"], me["session"]["name"]) == ("people/ada", "reader", listed["name"])
    new = tmp_path / "new"
    new.write_text(OTHER, encoding="utf-8")
    own = ("people", "password", "ada", "--password-file", new, "--key", session)
    assert root(*own).code == 2, "without the old one"
    assert root(*own, "--old-password-file", closed.password).code == 0
    assert root("people", "revoke", listed["name"], "--json").json == {"revoked": listed["name"]}
    assert root("people", "me", "--key", session).code == 9
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert root("people", "password", "ada", "--password-file", "-").code == 0
    closed.session("ada")
    monkeypatch.delenv("STEEPLE_KEY")
    nobody = root("people", "me")
    assert (nobody.code, "nobody: sign in" in nobody.out) == (0, True)
    for secret in (PASSWORD, OTHER):
        assert secret not in nobody.out


def test_the_first_admin_is_not_made_beside_a_running_server(root: Steeple, closed: Closed) -> None:
    ran = root(
        "people", "create", "eve", "--password-file", closed.password, "--data-dir", closed.folder / "data", "--json"
    )
    assert ran.code == 6
    assert "in use by another server" in ran.error["message"]
    assert "people are made with --server and an admin's key" in ran.error["message"]


def test_wrong_arguments_are_told_before_the_server_is_asked(steeple: Steeple, tmp_path: Path) -> None:
    nobody, empty = ("--server", "127.0.0.1:9"), tmp_path / "empty"
    empty.write_text("\n")
    for args, says in (
        (("create", "ada"), "there is no terminal to ask for the password: give --password-file FILE, or -"),
        (("create", "ada", "--password-file", "nowhere"), "the password cannot be read from nowhere"),
        (("create", "ada", "--password-file", empty), "the password is empty"),
        (("create", "ada", "--password-file", empty, "--no-password"), "exclude each other"),
        (("create", "ada", "--no-password", "--role", "device"), "role must be reader, editor, admin"),
        (("create", "ada", "--no-password", "--config", "x.toml"), "--config goes with --data-dir"),
        (("update", "ada"), "nothing to update"),
    ):
        ran = steeple("people", *args, *nobody)
        assert (ran.code, says in ran.err) == (2, True), (args, ran.err)


def test_a_password_that_is_typed_is_typed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter([PASSWORD, PASSWORD, PASSWORD, OTHER, OTHER])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    assert passwords.read_password(None, twice=True) == PASSWORD
    with pytest.raises(InvalidArgumentError, match="these are two passwords"):
        passwords.read_password(None, twice=True)
    assert passwords.read_password(None) == OTHER
