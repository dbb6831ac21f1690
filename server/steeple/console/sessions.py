"""Who sits at a browser, and what browsers keep of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from starlette.requests import Request

from steeple.console.config import ConsoleConfig

SCOPES: Final = ("device", "reader", "editor", "admin")
"""Each may do all that those before it may."""

Theme = Literal["auto", "light", "dark"]
THEME_COOKIE: Final = "steeple_theme"

_SECRET: Final = re.compile(r"st[a-z]_[A-Za-z0-9_]{16,120}", re.ASCII)


@dataclass(frozen=True)
class Me:
    """Who is signed in.

    Attributes:
        name: Resource, ``people/ada`` or ``keys/x7kq``; empty for nobody, and where the server asks nobody.
        display_name: For people to read.
        scope: What they may do; empty: nothing.
    """

    name: str = ""
    display_name: str = ""
    scope: str = ""

    @property
    def known(self) -> bool:
        """Whether the server lets them do anything."""
        return self.scope in SCOPES

    @property
    def is_person(self) -> bool:
        """Whether they are a person, and not a key."""
        return self.name.startswith("people/")

    @property
    def signed_in(self) -> bool:
        """Whether there is somebody to sign out."""
        return bool(self.name)

    def may(self, scope: str) -> bool:
        """Whether what takes that scope is for them."""
        return self.known and SCOPES.index(self.scope) >= SCOPES.index(scope)


ANYBODY: Final = Me()
"""Nobody that is known."""


def session_cookie(config: ConsoleConfig) -> str:
    """Name of the cookie that signs in. The prefix has browsers take it from this host alone, through TLS."""
    return _named("session", config)


def browser_cookie(config: ConsoleConfig) -> str:
    """Name of the cookie that tells browsers apart in which nobody is signed in."""
    return _named("browser", config)


def note_cookie(config: ConsoleConfig) -> str:
    """Name of the cookie that carries a note to the next page."""
    return _named("note", config)


def _named(name: str, config: ConsoleConfig) -> str:
    return f"__Host-steeple_{name}" if config.secure else f"steeple_{name}"


def secret_of(request: Request, config: ConsoleConfig) -> str:
    """What the browser signs in with; empty: nothing that could be a secret of this server's."""
    kept = request.cookies.get(session_cookie(config), "")
    return kept if is_secret(kept) else ""


def is_secret(text: str) -> bool:
    """Whether a text reads like the secret of a session, ``sts_...``, or like a key, ``stp_...``."""
    return _SECRET.fullmatch(text) is not None


def theme_of(request: Request) -> Theme:
    """How the browser wants pages to look."""
    chosen = request.cookies.get(THEME_COOKIE)
    return "light" if chosen == "light" else "dark" if chosen == "dark" else "auto"
