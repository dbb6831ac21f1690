"""What keeps other sites, and what other people wrote, from acting in a browser that shows the console."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from steeple.console.config import ConsoleConfig

log = logging.getLogger(__name__)

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
"""They change nothing, so anybody may link to them."""


def content_security_policy(config: ConsoleConfig) -> str:
    """The policy that every answer carries: nothing runs, loads or is sent but from and to the console itself."""
    images = " ".join(filter(None, ("'self'", "blob:", config.tiles_origin)))
    return "; ".join((
        "default-src 'none'",
        f"img-src {images}",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types steeple",
    ))  # fmt: skip


class SecurityMiddleware:
    """Refuses what came by a name that is not the console's, or from another site, and tells browsers what is allowed.

    Args:
        app: What answers.
        config: Of the console.
    """

    def __init__(self, app: ASGIApp, config: ConsoleConfig) -> None:
        self._app = app
        self._hosts = config.allowed_hosts
        self._headers: Mapping[str, str] = {
            "content-security-policy": content_security_policy(config),
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",  # for browsers that do not know frame-ancestors
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            **({"strict-transport-security": "max-age=31536000"} if config.secure else {}),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False

        async def sealed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        if problem := self._problem(scope["method"], headers):
            await PlainTextResponse(problem, 403)(scope, receive, sealed)
            return
        try:
            await self._app(scope, receive, sealed)
        except Exception:
            if begun:
                raise
            log.exception("the console failed", extra={"path": scope["path"]})
            await PlainTextResponse("Something went wrong in the console; the server's log says what.\n", 500)(
                scope, receive, sealed
            )

    def _problem(self, method: str, headers: Headers) -> str:
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            return (
                "This console is not called by that name. Whoever runs the server can allow it with console_hosts "
                "(STEEPLE_CONSOLE_HOSTS).\n"
            )
        if method in SAFE_METHODS:
            return ""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None and site not in ("same-origin", "none"):
            return "Only the console's own pages may change something.\n"
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return "Only the console's own pages may change something.\n"
        return ""


def _name(host: str) -> str:
    """A Host header without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def new_secret() -> str:
    """A text that nobody can guess."""
    return secrets.token_urlsafe(32)


def form_token(secret: str) -> str:
    """What a form of that browser carries, so that forms of others are told apart; it does not tell the secret."""
    return hmac.digest(secret.encode(), b"steeple console form", hashlib.sha256).hex()


def is_form_token(token: str, secret: str) -> bool:
    """Whether it is that browser's."""
    return bool(secret) and hmac.compare_digest(token.encode(), form_token(secret).encode())


def local_path(target: str) -> str:
    """Where to go after signing in: a path of the console, or its first page in place of anything else."""
    if not target.startswith("/") or target.startswith("//") or "\\" in target or not target.isprintable():
        return "/"
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else target
