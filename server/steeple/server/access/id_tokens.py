"""ID tokens of an OpenID Connect provider: whom it vouches for (OpenID Connect Core 1.0, section 3.1.3.7).

The provider signs them; its keys are fetched from where its discovery document says, over TLS, and kept for an hour.
What is signed symmetrically, or not at all, is not taken.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.message import Message
from typing import IO, Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, Key, KeySet

from steeple.errors import UnauthenticatedError, UnavailableError
from steeple.server.exposure import is_private

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS: Final = 60
"""By which the provider's clock and ours may differ."""

_KEPT_SECONDS: Final = 3600.0
_AGAIN_SECONDS: Final = 60.0  # after which a key that is not known may be a new one
_PAUSE_SECONDS: Final = 10.0  # in which a provider that could not be asked is not asked again
_TIMEOUT_SECONDS: Final = 5.0
_MOST_BYTES: Final = 1 << 20

Fetch = Callable[[str], Mapping[str, Any]]
Spend = Callable[[bytes, float, float], bool]
"""Takes a token by its digest, which expires then, now; whether it was not taken before."""


class IdTokens:
    """Checks the ID tokens of one provider. Thread-safe; fetches its keys when they are needed.

    Args:
        issuer: URL of the provider, as its tokens have it.
        client_id: What the provider knows us by.
        spend: Takes tokens, each once; None: this process remembers them.
        fetch: Gives the JSON object of a URL.
        now: Tells the time, in seconds since 1970.
        seconds: Seconds, which never go back.

    Attributes:
        issuer: As given.
        client_id: As given.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        *,
        spend: Spend | None = None,
        fetch: Fetch | None = None,
        now: Callable[[], float] = time.time,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._fetch = fetch or fetch_json
        self._now = now
        self._seconds = seconds
        self._lock = threading.Lock()
        self._keys: list[Key] = []
        self._fetched = self._failed = -math.inf
        self._used: dict[bytes, float] = {}
        self._spend = spend or self._spend_here

    def subject(self, token: str, nonce: str) -> str:
        """Whom a token is about: the claim ``sub``. A token is taken once.

        Args:
            token: As the provider gave it.
            nonce: As it was sent to the provider; empty if none was.

        Raises:
            UnauthenticatedError: If the provider has not made it, for us, for this nonce, and just now.
            UnavailableError: If the provider's keys cannot be fetched.
        """
        try:
            claims = jwt.decode(token, self._key, algorithms=list(ALGORITHMS)).claims
            self._registry(nonce).validate(claims)
        except (JoseError, ValueError) as error:
            raise UnauthenticatedError(f"this is no ID token for this server: {error}") from error
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims.get("azp", self.client_id) != self.client_id or (len(audience) > 1 and "azp" not in claims):
            raise UnauthenticatedError("this is no ID token for this server: another was authorised with it (azp)")
        if claims.get("nonce", "") != nonce:
            raise UnauthenticatedError("this is no ID token for this server: its nonce is another")
        self._take_once(token, float(claims["exp"]))
        return str(claims["sub"])

    def _registry(self, nonce: str) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._now()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": bool(nonce)},
        )

    def _take_once(self, token: str, expires: float) -> None:
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        if not self._spend(digest, expires + LEEWAY_SECONDS, self._now()):
            raise UnauthenticatedError("this ID token was used before; sign in again")

    def _spend_here(self, digest: bytes, expires: float, now: float) -> bool:
        """As :class:`SpentTokens` does, but for this process alone, and until it ends."""
        with self._lock:
            self._used = {each: end for each, end in self._used.items() if end >= now}
            known = digest in self._used
            self._used[digest] = expires
        return not known

    def _key(self, token: GuestProtocol) -> Key:
        named = token.headers().get("kid")
        for wanted in (_KEPT_SECONDS, _AGAIN_SECONDS):
            keys = self._current(wanted)
            found = [key for key in keys if named is not None and key.kid == named]
            if named is None and len(keys) == 1:
                return keys[0]
            if found:
                return found[0]
        raise UnauthenticatedError("this is no ID token for this server: its provider has no such key")

    def _current(self, kept_seconds: float) -> list[Key]:
        """The provider's keys, of no more than that age."""
        with self._lock:
            if self._seconds() - self._fetched >= kept_seconds:
                if self._seconds() - self._failed < _PAUSE_SECONDS:
                    raise UnavailableError("the identity provider could not be asked for its keys just now; try again")
                try:
                    self._keys = self._asked()
                except UnavailableError:
                    self._failed = self._seconds()
                    raise
                self._fetched = self._seconds()
            return self._keys

    def _asked(self) -> list[Key]:
        found = self._fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise UnavailableError(
                f"the identity provider calls itself {str(found.get('issuer'))[:200]!r}, not {self.issuer!r}"
            )
        return _usable(self._fetch(str(found.get("jwks_uri"))))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """None: wherever it leads, that is not who is trusted."""
        return


def fetch_json(url: str) -> Mapping[str, Any]:
    """The JSON object of a URL.

    Raises:
        UnavailableError: If it cannot be had, or is none.
    """
    if not is_private(url):
        raise UnavailableError(f"the identity provider's keys are fetched over https, not from {url[:200]!r}")
    try:
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(url, timeout=_TIMEOUT_SECONDS) as response:
            found = json.loads(response.read(_MOST_BYTES))
    except (OSError, ValueError) as error:
        raise UnavailableError(f"the identity provider cannot be asked for its keys ({error}); try again") from error
    if not isinstance(found, dict):
        raise UnavailableError(f"the identity provider answers {url} with something else than a JSON object")
    return found


def _usable(given: Mapping[str, Any]) -> list[Key]:
    """The public keys of a set that are known here and not for encryption; providers have others beside."""
    found: list[Key] = []
    listed = given.get("keys")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and each.get("kty") != "oct" and each.get("use", "sig") == "sig":
            with suppress(JoseError, ValueError, TypeError, KeyError):
                found += KeySet.import_key_set({"keys": [each]}).keys
    return found
