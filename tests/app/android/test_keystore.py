"""Secrets that Android's Keystore encrypts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from steeple.app.android.keystore import KeystoreSecrets
from steeple.app.secrets import SecretStore
from steeple.errors import FailedPreconditionError

from .standins import Keystore, StandIns

SECRET = "stp_abc_한글-and-much-that-nobody-may-read"  # noqa: S105


@pytest.fixture
def keystore(bridge: StandIns) -> Keystore:
    keystore = Keystore()
    bridge.classes |= keystore.classes()
    return keystore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keystore.json"


@pytest.fixture
def secrets(bridge: StandIns, keystore: Keystore, path: Path) -> SecretStore:
    assert keystore.keys == {}
    return KeystoreSecrets(bridge, path)


def test_a_secret_is_kept_for_the_next_start_and_is_not_in_the_file(
    bridge: StandIns, secrets: SecretStore, path: Path
) -> None:
    assert secrets.get("key of a:1") is None
    secrets.set("key of a:1", SECRET)
    assert KeystoreSecrets(bridge, path).get("key of a:1") == SECRET
    content = path.read_bytes()
    assert SECRET.encode() not in content
    assert b"stp_" not in content
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_key_is_for_gcm_both_ways_and_256_bits_and_is_made_once(secrets: SecretStore, keystore: Keystore) -> None:
    secrets.set("one", "1")
    secrets.set("two", "2")
    assert keystore.specifications == [
        {"alias": "steeple.secrets", "purposes": 3, "modes": ("GCM",), "paddings": ("NoPadding",), "size": 256}
    ]


def test_the_same_secret_never_looks_the_same(secrets: SecretStore, path: Path) -> None:
    secrets.set("one", "same")
    secrets.set("two", "same")
    content = json.loads(path.read_text())
    assert content["one"] != content["two"]


def test_a_deleted_secret_is_gone(secrets: SecretStore, path: Path) -> None:
    secrets.set("one", "1")
    secrets.set("two", "2")
    secrets.delete("one")
    secrets.delete("never there")
    assert secrets.get("one") is None
    assert secrets.get("two") == "2"
    assert "one" not in json.loads(path.read_text())


def test_secrets_that_were_swapped_are_not_given_out(secrets: SecretStore, path: Path) -> None:
    secrets.set("key of good:1", "for good")
    secrets.set("key of evil:1", "for evil")
    content = json.loads(path.read_text())
    content["key of evil:1"] = content["key of good:1"]
    path.write_text(json.dumps(content))
    with pytest.raises(FailedPreconditionError, match="enter the key again"):
        secrets.get("key of evil:1")
    assert secrets.get("key of good:1") == "for good"


def test_another_phone_cannot_read_them_and_says_what_to_do(
    secrets: SecretStore, keystore: Keystore, path: Path
) -> None:
    secrets.set("one", "1")
    keystore.keys.clear()  # restored from a backup: the file is there, the key is not
    with pytest.raises(FailedPreconditionError, match="enter the key again"):
        secrets.get("one")
    secrets.set("one", "again")
    assert secrets.get("one") == "again"


@pytest.mark.parametrize("damage", [b"", b"[1]", b'{"one": 1}', b"\xff\xfe", b'{"one": "'])
def test_a_damaged_file_is_set_aside(secrets: SecretStore, path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    assert secrets.get("one") is None
    secrets.set("one", "1")
    assert secrets.get("one") == "1"
    assert [found.read_bytes() for found in path.parent.glob("keystore.json.damaged-*")] == [damage]


@pytest.mark.parametrize("packed", ["not base64!", "", "AAAA"])
def test_a_damaged_entry_is_refused(secrets: SecretStore, path: Path, packed: str) -> None:
    secrets.set("two", "2")
    path.write_text(json.dumps({**json.loads(path.read_text()), "one": packed}))
    with pytest.raises(FailedPreconditionError):
        secrets.get("one")
    assert secrets.get("two") == "2"


def test_it_says_where_secrets_are(secrets: SecretStore) -> None:
    assert secrets.place == "the keystore of this phone"
    assert secrets.encrypted
