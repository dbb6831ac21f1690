"""Beyond its own host, a server asks for keys and talks TLS, or is told that it need not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steeple.errors import InvalidArgumentError
from steeple.server.exposure import is_local, is_private
from steeple.server.settings import Settings

TLS: dict[str, Any] = {"tls_certificate": Path("cert.pem"), "tls_key": Path("key.pem")}


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1:1", True),
        ("127.1.2.3:1", True),
        ("localhost:1", True),
        ("[::1]:1", True),
        ("unix:/tmp/socket", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("10.0.0.1:1", False),
        ("localhost.example.org:1", False),
        ("search.example.org:1", False),
    ],
)
def test_what_only_this_host_can_reach(address: str, local: bool) -> None:
    assert is_local(address) == local
    if local:
        settings = Settings.load(address=address)
        assert (settings.asks_for_keys, settings.objection) == (False, "")
        assert Settings.load(address=address, access="keys").asks_for_keys


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({}, ["read and alter photos, answers and keys", "set tls_certificate and tls_key", "--insecure"]),
        ({"access": "keys"}, ["set tls_certificate and tls_key, or"]),
        ({"access": "open", **TLS}, ["may change and delete the catalogue", 'set access = "keys", or']),
        ({"access": "open"}, ["answers and keys, and anybody who reaches it", 'and tls_key and access = "keys"']),
    ],
)
def test_others_are_not_let_in_unprotected_unless_that_is_meant(flags: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Settings.load(address="0.0.0.0:1", **flags)
    assert caught.value.message.startswith("0.0.0.0:1 can be reached from other hosts")
    for text in said:
        assert text in caught.value.message
    settings = Settings.load(address="0.0.0.0:1", insecure=True, **flags)
    assert settings.objection == caught.value.message


def test_keys_and_tls_will_do() -> None:
    assert Settings.load(address="0.0.0.0:1", **TLS).asks_for_keys
    for flags in ({"tls_certificate": Path("x")}, {"tls_key": Path("x")}):
        with pytest.raises(InvalidArgumentError, match="go together"):
            Settings.load(**flags)
    with pytest.raises(InvalidArgumentError, match="tls_client_ca needs"):
        Settings.load(tls_client_ca=Path("x"))


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://id.example.org", True),
        ("https://id.example.org/realms/one", True),
        ("http://localhost:8080", True),
        ("http://127.0.0.1/x", True),
        ("http://[::1]:80/x", True),
        ("http://localhost.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("http://user@id.example.org", False),
        ("http://localhost@id.example.org", False),
        ("https://", False),
        ("https://id.example.org:port", False),
        ("file:///etc/passwd", False),
        ("id.example.org", False),
        ("", False),
    ],
)
def test_who_is_asked_so_that_nobody_can_put_in_a_word(url: str, private: bool) -> None:
    assert is_private(url) is private


def test_an_identity_provider_has_a_name_for_us_and_is_asked_in_private() -> None:
    both = {"oidc_issuer": "https://id.example.org", "oidc_client_id": "steeple"}
    assert Settings.load(**both).oidc_issuer == "https://id.example.org"
    for name in both:
        with pytest.raises(InvalidArgumentError, match="oidc_issuer and oidc_client_id go together"):
            Settings.load(**{**both, name: ""})
    with pytest.raises(InvalidArgumentError, match=r"setting oidc_issuer .* must be a URL, such as https"):
        Settings.load(**{**both, "oidc_issuer": "http://localhost.example.org"})
