from __future__ import annotations

import stat
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from steeple.app.secrets import FileSecrets, KeyringSecrets, ServerKeys, open_secrets
from steeple.errors import FailedPreconditionError


class Backend:
    """A keychain in memory, as the ``keyring`` package has them."""

    name = "memory"

    def __init__(self, priority: float = 5) -> None:
        self.priority = priority
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        del self.kept[service, username]

    def _check(self) -> None:
        if self.locked:
            raise RuntimeError("locked, and the secret is stp_hidden")


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    """What ``import keyring`` finds."""
    backend, module = Backend(), types.ModuleType("keyring")
    module.get_keyring = lambda: backend  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    return backend


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.mark.usefixtures("no_keyring")
def test_without_a_keychain_secrets_are_in_a_file_of_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "app" / "secrets.json"
    store = open_secrets(path)
    store.set("a", "geheim ✓")
    assert open_secrets(path).get("a") == "geheim ✓"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (str(path) in store.place, store.encrypted) == (True, False)
    store.delete("a")
    store.delete("a")
    assert open_secrets(path).get("a") is None


def test_with_a_keychain_nothing_is_in_a_file(backend: Backend, tmp_path: Path) -> None:
    store = open_secrets(tmp_path / "secrets.json")
    store.set("a", "geheim")
    assert backend.kept == {("steeple", "a"): "geheim"}
    assert list(tmp_path.iterdir()) == []
    assert (store.encrypted, store.get("a"), store.get("b")) == (True, "geheim", None)
    assert "keychain" in store.place
    store.delete("a")
    store.delete("a")
    assert backend.kept == {}


def test_secrets_move_from_the_file_to_the_keychain(backend: Backend, tmp_path: Path) -> None:
    FileSecrets(tmp_path / "secrets.json").set("a", "geheim")
    assert open_secrets(tmp_path / "secrets.json").get("a") == "geheim"
    assert backend.kept == {("steeple", "a"): "geheim"}
    assert FileSecrets(tmp_path / "secrets.json").names() == ()


def test_a_keychain_that_fails_leaves_secrets_in_the_file(backend: Backend, tmp_path: Path) -> None:
    FileSecrets(tmp_path / "secrets.json").set("a", "geheim")
    backend.locked = True
    store = open_secrets(tmp_path / "secrets.json")
    assert (store.encrypted, store.get("a")) == (False, "geheim")


def test_a_key_entered_while_the_keychain_was_locked_joins_those_that_it_has(backend: Backend, tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    ServerKeys(open_secrets(path)).set("one.example.org:50051", "stp_1_a")
    backend.locked = True
    ServerKeys(open_secrets(path)).set("two.example.org:50051", "stp_2_b")
    backend.locked = False
    keys = ServerKeys(open_secrets(path))
    assert (keys.get("one.example.org:50051"), keys.get("two.example.org:50051")) == ("stp_1_a", "stp_2_b")
    assert FileSecrets(path).names() == ()


def test_a_keychain_that_its_package_does_not_recommend_is_not_used(backend: Backend, tmp_path: Path) -> None:
    backend.priority = 0.5  # of backends that write plain text
    assert not open_secrets(tmp_path / "secrets.json").encrypted


def test_of_a_chain_the_backend_that_is_recommended_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain, good = Backend(0.5), Backend(5)
    chain, module = Backend(10), types.ModuleType("keyring")
    chain.backends = [plain, good]  # type: ignore[attr-defined]
    module.get_keyring = lambda: chain  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    open_secrets(tmp_path / "secrets.json").set("a", "geheim")
    assert (plain.kept, good.kept) == ({}, {("steeple", "a"): "geheim"})
    chain.backends = [plain]  # type: ignore[attr-defined]
    assert not open_secrets(tmp_path / "secrets.json").encrypted


def test_errors_of_a_keychain_say_what_to_do_and_no_secret() -> None:
    backend = Backend()
    store = KeyringSecrets(backend)
    backend.locked = True
    calls: list[Callable[[], object]] = [
        lambda: store.get("a"),
        lambda: store.set("a", "stp_hidden"),
        lambda: store.delete("a"),
    ]
    for call in calls:
        with pytest.raises(FailedPreconditionError, match="unlock it") as caught:
            call()
        assert "stp_hidden" not in caught.value.message


def test_a_damaged_file_of_secrets_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_bytes(b"{")
    store = FileSecrets(path)
    assert store.get("a") is None
    store.set("a", "b")
    assert (tmp_path / "secrets.json.damaged-1").read_bytes() == b"{"
    assert FileSecrets(path).get("a") == "b"


def test_each_server_has_a_key_of_its_own(tmp_path: Path) -> None:
    store = FileSecrets(tmp_path / "secrets.json")
    keys = ServerKeys(store)
    keys.set("one.example.org:50051", " stp_1_a\n")
    keys.set("TWO.example.org:50051 ", "stp_2_b")
    assert ServerKeys(store).get("one.example.org:50051") == "stp_1_a"
    assert keys.get("two.example.org:50051") == "stp_2_b"
    assert keys.get("one.example.org:50052") is None
    keys.delete("one.example.org:50051")
    assert (keys.get("one.example.org:50051"), keys.get("two.example.org:50051")) == (None, "stp_2_b")
    keys.clear()
    assert (keys.get("two.example.org:50051"), store.names()) == (None, ())


def test_a_key_can_be_entered_again_where_the_old_one_cannot_be_read(tmp_path: Path) -> None:
    class Restored(FileSecrets):
        """Of another phone, until something new is kept."""

        readable = False

        def get(self, name: str) -> str | None:
            if not self.readable:
                raise FailedPreconditionError("the keystore cannot decrypt what was kept; enter the key again")
            return super().get(name)

        def set(self, name: str, value: str) -> None:
            super().set(name, value)
            self.readable = True

    keys = ServerKeys(Restored(tmp_path / "secrets.json"))
    with pytest.raises(FailedPreconditionError, match="enter the key again"):
        keys.get("one.example.org:50051")
    keys.set("one.example.org:50051", "stp_1_a")
    assert keys.get("one.example.org:50051") == "stp_1_a"


def test_a_locked_keychain_keeps_what_it_has() -> None:
    backend = Backend()
    keys = ServerKeys(KeyringSecrets(backend))
    keys.set("one.example.org:50051", "stp_1_a")
    backend.locked = True
    with pytest.raises(FailedPreconditionError, match="unlock it"):
        keys.set("two.example.org:50051", "stp_2_b")
    backend.locked = False
    assert keys.get("one.example.org:50051") == "stp_1_a"
