"""The key that every call carries."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from steeple.client import Client, KeyLimits
from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError

from .harness import Harness
from .peer import Peer

KEY = "stp_abc_def"


def test_every_call_carries_the_key(harness: Harness, target: str, peer: Peer, features: FeatureSet) -> None:
    client = harness.client(target, key=KEY)
    client.wait_until_ready()
    client.identify(features)
    list(client.list_landmarks())
    harness.take(client, harness.camera(iter([features])), 1)
    assert {call.method for call in peer.received} >= {"Check", "Identify", "ListLandmarks", "IdentifyStream"}
    assert [call.metadata.get("authorization") for call in peer.received] == [f"Bearer {KEY}"] * len(peer.received)


def test_without_a_key_nothing_is_sent(harness: Harness, target: str, peer: Peer, features: FeatureSet) -> None:
    harness.client(target).identify(features)
    assert "authorization" not in peer.received[0].metadata


@pytest.mark.parametrize("key", ["", " ", "stp_a\nb", "stp_é"])
def test_what_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidArgumentError, match="key must be the text of a key") as caught:
        Client("localhost:1", key=key)
    assert not key.strip() or key not in str(caught.value)


def test_certificates_of_a_client_come_in_pairs(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="go together"):
        Client("localhost:1", client_certificate=tmp_path / "cert.pem")
    with pytest.raises(InvalidArgumentError, match=r"client key .*key\.pem cannot be read"):
        Client("localhost:1", client_certificate=tmp_path / "cert.pem", client_key=tmp_path / "key.pem")


def test_wrong_values_are_told_before_anything_is_sent(harness: Harness, target: str, peer: Peer) -> None:
    client = harness.client(target)
    with pytest.raises(InvalidArgumentError, match="scope must be device, reader, editor, admin"):
        client.create_key("x", "god")
    with pytest.raises(InvalidArgumentError, match="expire_time needs a time zone"):
        client.create_key("x", "device", expire_time=datetime(2030, 1, 1))
    with pytest.raises(InvalidArgumentError, match="a limit is too large"):
        client.create_key("x", "device", limits=KeyLimits(burst=2**40))
    with pytest.raises(InvalidArgumentError, match="nothing to update"):
        client.update_key("x")
    assert peer.received == []
