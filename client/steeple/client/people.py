"""People and their sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from steeple.client.access import Scope


@dataclass(frozen=True)
class Person:
    """Somebody who uses a server by hand.

    Attributes:
        name: ``people/{id}``.
        display_name: What others call them.
        role: What they may do.
        disabled: Whether they cannot sign in.
        oidc_subject: Who they are to the identity provider that the server trusts; empty: nobody.
        has_password: Whether they have one.
        create_time: UTC.
        update_time: Of the last change, but for the password.
        last_sign_in_time: None before the first time.
        password_time: When the password was set last; None: there is none.
    """

    name: str
    display_name: str
    role: Scope
    disabled: bool
    oidc_subject: str
    has_password: bool
    create_time: datetime
    update_time: datetime
    last_sign_in_time: datetime | None = None
    password_time: datetime | None = None

    @property
    def id(self) -> str:
        """``{id}`` of the name: what they sign in with."""
        return self.name.removeprefix("people/")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        times = ("create_time", "update_time", "last_sign_in_time", "password_time")
        return {
            "name": self.name,
            "id": self.id,
            "display_name": self.display_name,
            "role": self.role.value,
            "disabled": self.disabled,
            "oidc_subject": self.oidc_subject,
            "has_password": self.has_password,
            **{name: _iso(getattr(self, name)) for name in times},
        }


@dataclass(frozen=True)
class Session:
    """What a person has signed in to, and not ended yet.

    Attributes:
        name: ``people/{person}/sessions/{id}``.
        user_agent: What has signed in, by its own words.
        address: From where: an IP address, or ``unix`` of the server's own host.
        create_time: UTC.
        last_use_time: Of the last call with it.
        expire_time: It ends then if it is not used before, or at the latest.
        current: Whether it is that of whoever asked.
    """

    name: str
    user_agent: str
    address: str
    create_time: datetime
    last_use_time: datetime
    expire_time: datetime
    current: bool = False

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return self.name.rpartition("/")[2]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "id": self.id,
            "user_agent": self.user_agent,
            "address": self.address,
            **{name: _iso(getattr(self, name)) for name in ("create_time", "last_use_time", "expire_time")},
            "current": self.current,
        }


@dataclass(frozen=True)
class NewSession:
    """A session that has just begun.

    Attributes:
        session: What the server stores of it.
        person: Who has signed in.
        secret: What is sent with each call, ``sts_...``, as a key is: ``Client(key=secret)``. The server tells it this
            once.
    """

    session: Session
    person: Person
    secret: str = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """For JSON, the secret included."""
        return {"session": self.session.to_dict(), "person": self.person.to_dict(), "secret": self.secret}


@dataclass(frozen=True)
class Me:
    """Whom calls are by.

    Attributes:
        asks_for_keys: Whether the server asks for a key or a session. If not, everybody may do everything.
        actor: As the audit log has it: ``people/{id}``, ``keys/{id}``, or ``open`` where the server asks for no keys.
            Empty: nobody yet.
        display_name: Of the person or the key.
        scope: What calls may do; None: nothing but to sign in.
        session: Of a person.
        oidc_issuer: URL of the identity provider that the server trusts; empty: none.
        oidc_client_id: What the provider knows the server by.
    """

    asks_for_keys: bool
    actor: str
    display_name: str
    scope: Scope | None
    session: Session | None = None
    oidc_issuer: str = ""
    oidc_client_id: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "asks_for_keys": self.asks_for_keys,
            "actor": self.actor,
            "display_name": self.display_name,
            "scope": None if self.scope is None else self.scope.value,
            "session": None if self.session is None else self.session.to_dict(),
            "oidc_issuer": self.oidc_issuer,
            "oidc_client_id": self.oidc_client_id,
        }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
