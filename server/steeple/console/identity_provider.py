"""Signing in through an identity provider: OpenID Connect's authorization code flow, with PKCE.

The provider is asked by the console and by the browser that is sent there. Who somebody is, the server decides, by the
ID token that comes back.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from steeple.errors import InvalidArgumentError, UnauthenticatedError, UnavailableError

_MOST_BEGUN: Final = 1000
_BEGUN_SECONDS: Final = 600.0  # in which somebody has to have signed in there
_KEPT_SECONDS: Final = 3600.0  # of where the provider says that its pages are
_TIMEOUT_SECONDS: Final = 5.0
_SCOPE: Final = "openid"


@dataclass(frozen=True)
class Provider:
    """An identity provider, as it is set.

    Attributes:
        issuer: Its URL.
        client_id: What it knows the server by.
        client_secret: By which it believes that; empty: it asks for none.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """For people to read."""
        return urlsplit(self.issuer).netloc


@dataclass(frozen=True)
class Vouched:
    """What a provider has said, and for whom it was asked.

    Attributes:
        id_token: For the server.
        nonce: That the token must have.
        target: Where the browser was going.
    """

    id_token: str
    nonce: str
    target: str


@dataclass(frozen=True)
class _Begun:
    browser: str
    nonce: str
    verifier: str
    target: str
    redirect: str
    at: float


class IdentityProvider:
    """Sends browsers to an identity provider, and takes what they come back with. Belongs to one event loop.

    Args:
        provider: Which.
        seconds: Seconds, which never go back.
    """

    def __init__(self, provider: Provider, seconds: Callable[[], float] = time.monotonic) -> None:
        self._provider = provider
        self._seconds = seconds
        self._begun: OrderedDict[str, _Begun] = OrderedDict()
        self._found: tuple[Mapping[str, Any], float] | None = None

    async def begin(self, browser: str, redirect: str, target: str) -> str:
        """Begins for a browser.

        Args:
            browser: What tells it from others.
            redirect: URL that the provider sends it back to.
            target: Where it goes then.

        Returns:
            URL of the provider's to send it to.

        Raises:
            UnavailableError: If the provider cannot be asked where that is.
        """
        endpoint = await self._endpoint("authorization_endpoint")
        begun = _Begun(browser, token_urlsafe(32), token_urlsafe(64), target, redirect, self._seconds())
        async with self._client(redirect) as client:
            url, state = client.create_authorization_url(endpoint, nonce=begun.nonce, code_verifier=begun.verifier)
        self._begun[str(state)] = begun
        while len(self._begun) > _MOST_BEGUN:
            self._begun.popitem(last=False)
        return str(url)

    async def finish(self, browser: str, answer: Mapping[str, str]) -> Vouched:
        """Takes what a browser came back with; once.

        Args:
            browser: What tells it from others.
            answer: Query of the URL that it came back to.

        Raises:
            InvalidArgumentError: If it is no answer to what this browser was sent for.
            UnauthenticatedError: If the provider does not vouch for anybody.
            UnavailableError: If the provider cannot be asked.
        """
        begun = self._begun.pop(answer.get("state", ""), None)
        if begun is None or begun.browser != browser or self._seconds() - begun.at > _BEGUN_SECONDS:
            raise InvalidArgumentError("this sign-in was not begun here, or too long ago; begin anew")
        if "error" in answer or not answer.get("code"):
            raise UnauthenticatedError(f"the identity provider says: {answer.get('error', 'nothing')[:200]}")
        endpoint = await self._endpoint("token_endpoint")
        try:
            async with self._client(begun.redirect) as client:
                told = await client.fetch_token(endpoint, code=answer["code"], code_verifier=begun.verifier)
        except OAuthError as error:
            raise UnauthenticatedError(f"the identity provider does not take its own answer: {error}") from error
        except (httpx2.HTTPError, ValueError) as error:
            raise UnavailableError(f"the identity provider cannot be asked ({error}); try again") from error
        token = told.get("id_token")
        if not isinstance(token, str):
            raise UnauthenticatedError("the identity provider says nothing of who it is")
        return Vouched(token, begun.nonce, begun.target)

    def _client(self, redirect: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._provider.client_id,
            self._provider.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if self._provider.client_secret else "none",
            scope=_SCOPE,
            redirect_uri=redirect,
            code_challenge_method="S256",
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
        )

    async def _endpoint(self, name: str) -> str:
        if self._found is None or self._seconds() - self._found[1] > _KEPT_SECONDS:
            self._found = (await self._discovered(), self._seconds())
        endpoint = self._found[0].get(name)
        if not isinstance(endpoint, str) or not _is_private(endpoint):
            raise UnavailableError(f"the identity provider tells no {name} that can be reached over https")
        return endpoint

    async def _discovered(self) -> Mapping[str, Any]:
        url = f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client:
                found = (await client.get(url)).raise_for_status().json()
        except (httpx2.HTTPError, ValueError) as error:
            raise UnavailableError(f"the identity provider cannot be asked ({error}); try again") from error
        if not isinstance(found, dict) or found.get("issuer") != self._provider.issuer:
            raise UnavailableError("the identity provider calls itself otherwise than oidc_issuer does")
        return found


def _is_private(url: str) -> bool:
    """Whether nobody on the way can read or alter what is sent there."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    host = parts.hostname or ""
    try:
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False
