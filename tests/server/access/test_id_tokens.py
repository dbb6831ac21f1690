"""Whom an identity provider vouches for, and whom it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from steeple.errors import FailedPreconditionError, UnauthenticatedError, UnavailableError
from steeple.server.access import IdTokens, Keyring, Scope, SignIns, SpentTokens
from steeple.server.access.id_tokens import fetch_json
from steeple.server.catalogue import Catalogue
from tests.identity_provider import CLIENT, ISSUER, NOW, Provider, site_of

from .people import HERE


class Time:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def tokens(provider: Provider, time: Time) -> IdTokens:
    return IdTokens(ISSUER, CLIENT, fetch=provider.fetch, now=time, seconds=time)


def test_a_token_says_whom_it_is_about_once(tokens: IdTokens, provider: Provider) -> None:
    token = provider.token()
    assert tokens.subject(token, "n") == "sub-1"
    with pytest.raises(UnauthenticatedError, match="was used before"):
        tokens.subject(token, "n")
    assert tokens.subject(provider.token(sub="sub-2", nonce=None), "") == "sub-2"
    assert tokens.subject(provider.token(sub="sub-3", aud=[CLIENT, "other"], azp=CLIENT), "n") == "sub-3"
    assert len(provider.asked) == 2, "its keys are kept"


def test_a_token_that_one_server_has_taken_another_does_not_take(
    catalogue: Catalogue, provider: Provider, time: Time
) -> None:
    one, two = (
        IdTokens(
            ISSUER, CLIENT, spend=SpentTokens(catalogue.database).spend, fetch=provider.fetch, now=time, seconds=time
        )
        for _ in range(2)
    )
    token = provider.token(exp=1e30)
    assert one.subject(token, "n") == "sub-1"
    for server in (one, two):
        with pytest.raises(UnauthenticatedError, match="was used before"):
            server.subject(token, "n")
    assert two.subject(provider.token(sub="sub-2"), "n") == "sub-2"


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"iss": "https://other.example.org"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "somebody-else"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": [CLIENT, "other"]}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 5}, "sub"),
        ({"exp": NOW - 61}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"iat": NOW + 61}, "issued in the future"),
        ({"iat": None}, "iat"),
        ({"nbf": NOW + 61}, "not yet valid"),
        ({"nonce": "other"}, "nonce"),
        ({"nonce": None}, "nonce"),
    ],
)
def test_a_token_for_somebody_else_is_none(tokens: IdTokens, provider: Provider, claims: Any, says: str) -> None:
    with pytest.raises(UnauthenticatedError, match=says):
        tokens.subject(provider.token(**claims), "n")


def test_a_nonce_that_was_not_sent_is_another(tokens: IdTokens, provider: Provider) -> None:
    with pytest.raises(UnauthenticatedError, match="nonce"):
        tokens.subject(provider.token(), "")


def test_what_the_provider_has_not_signed_is_none(tokens: IdTokens, provider: Provider) -> None:
    good = provider.token()
    head, body, signature = good.split(".")
    for spoiled in (
        provider.token(ECKey.generate_key("P-256")),
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{provider.token(sub='root').split('.')[1]}.{signature}",
        f"{head}.{body}.",
        "eyJhbGciOiJub25lIn0." + body + ".",
        "not a token",
        "a.b.c",
        "e30.e30.e30",
        "",
        "\ud800",
    ):
        with pytest.raises(UnauthenticatedError, match="no ID token for this server"):
            tokens.subject(spoiled, "n")
    assert tokens.subject(good, "n") == "sub-1"


def test_a_public_key_is_no_secret_to_sign_with(tokens: IdTokens, provider: Provider) -> None:
    public = OctKey.import_key(json.dumps(provider.keys[0].as_dict(private=False)))
    with pytest.raises(UnauthenticatedError):
        tokens.subject(provider.token(public, alg="HS256"), "n")


def test_a_new_key_is_fetched_and_an_old_one_forgotten(tokens: IdTokens, provider: Provider, time: Time) -> None:
    tokens.subject(provider.token(), "n")
    old = provider.keys[0]
    provider.keys = [RSAKey.generate_key(2048, {"kid": "second"})]
    newer = provider.token(alg="RS256", kid="second")
    with pytest.raises(UnauthenticatedError, match="no such key"):
        tokens.subject(newer, "n")
    assert len(provider.asked) == 2, "it was asked just now"
    time.now += 61
    assert tokens.subject(newer, "n") == "sub-1"
    with pytest.raises(UnauthenticatedError, match="no such key"):
        tokens.subject(provider.token(old), "n")
    for number in range(20):
        with pytest.raises(UnauthenticatedError):
            tokens.subject(provider.token(old, kid=f"made-up-{number}"), "n")
    assert len(provider.asked) == 4


def test_a_key_without_a_name_is_taken_where_there_is_one(tokens: IdTokens, provider: Provider, time: Time) -> None:
    assert tokens.subject(provider.token(kid=None), "n") == "sub-1"
    provider.keys.append(ECKey.generate_key("P-256", {"kid": "second"}))
    time.now += 3601
    with pytest.raises(UnauthenticatedError, match="no such key"):
        tokens.subject(provider.token(kid=None, iat=NOW + 3600, exp=NOW + 4000), "n")


def test_keys_of_other_kinds_do_not_matter(tokens: IdTokens, provider: Provider) -> None:
    provider.others = [
        {"kty": "something new", "kid": "x"},
        {"kty": "oct", "kid": "first", "k": "c2VjcmV0"},
        {"kty": "EC", "kid": "broken", "crv": "P-256"},
        ECKey.generate_key("P-256", {"kid": "first", "use": "enc"}).as_dict(private=False),
    ]
    assert tokens.subject(provider.token(), "n") == "sub-1"


def test_a_provider_that_is_away_is_not_asked_again_at_once(tokens: IdTokens, provider: Provider, time: Time) -> None:
    provider.down = True
    for _ in range(5):
        with pytest.raises(UnavailableError):
            tokens.subject(provider.token(), "n")
    assert len(provider.asked) == 1
    provider.down = False
    time.now += 11
    assert tokens.subject(provider.token(), "n") == "sub-1"


def test_a_provider_that_says_it_is_another_is_not_believed(tokens: IdTokens, provider: Provider) -> None:
    provider.name = "https://id.example.com"
    with pytest.raises(UnavailableError, match=r"calls itself 'https://id\.example\.com'"):
        tokens.subject(provider.token(), "n")


# --- people ---


def test_who_is_vouched_for_gets_a_session_if_somebody_is_that(
    keyring: Keyring, tokens: IdTokens, provider: Provider
) -> None:
    sign_ins = SignIns(keyring, id_tokens=tokens)
    with pytest.raises(UnauthenticatedError, match="vouches for 'sub-1', who may not sign in here") as caught:
        sign_ins.sign_in_with_id_token(provider.token(), "n", user_agent="", address=HERE)
    assert caught.value.metadata["subject"] == "sub-1"
    sign_ins.create("root", "Root", Scope.ADMIN)
    sign_ins.create("ada", "Ada", Scope.EDITOR, oidc_subject="sub-1")
    made = sign_ins.sign_in_with_id_token(provider.token(exp=NOW + 301), "n", user_agent="A browser", address=HERE)
    assert keyring.authenticate(made.secret).actor == "people/ada"
    keyring.apply(keyring.people.update, "ada", disabled=True)
    with pytest.raises(UnauthenticatedError, match="who may not sign in here"):
        sign_ins.sign_in_with_id_token(provider.token(exp=NOW + 302), "n", user_agent="", address=HERE)
    keyring.apply(keyring.people.delete, "ada")
    with pytest.raises(UnauthenticatedError, match="who may not sign in here"):
        sign_ins.sign_in_with_id_token(provider.token(exp=NOW + 303), "n", user_agent="", address=HERE)


def test_without_a_provider_no_token_is_taken(sign_ins: SignIns, provider: Provider) -> None:
    with pytest.raises(FailedPreconditionError, match="trusts no identity provider; set oidc_issuer"):
        sign_ins.sign_in_with_id_token(provider.token(), "n", user_agent="", address=HERE)


# --- fetching ---


@pytest.fixture
def site() -> Iterator[str]:
    pages = {
        "/good": (200, json.dumps({"keys": []}).encode()),
        "/moved": (302, b""),
        "/list": (200, b"[]"),
        "/text": (200, b"<html>"),
        "/bytes": (200, b"\xff\xfe\x00"),
        "/endless": (200, b'{"keys": "' + b"x" * (2 << 20) + b'"}'),
        "/error": (500, b"{}"),
    }
    with site_of(pages) as url:
        yield url


def test_what_is_no_json_object_of_the_provider_is_not_taken(site: str) -> None:
    assert fetch_json(f"{site}/good") == {"keys": []}
    for page in ("moved", "list", "text", "bytes", "endless", "error"):
        with pytest.raises(UnavailableError, match="identity provider"):
            fetch_json(f"{site}/{page}")
    with pytest.raises(UnavailableError, match="cannot be asked for its keys"):
        fetch_json("http://127.0.0.1:9/nobody")


@pytest.mark.parametrize("url", ["http://id.example.org/", "file:///etc/passwd", "None"])
def test_a_provider_is_asked_over_tls(url: str) -> None:
    with pytest.raises(UnavailableError, match="are fetched over https"):
        fetch_json(url)
