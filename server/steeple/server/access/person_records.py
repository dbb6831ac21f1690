"""People and their sessions, as the server knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from steeple.server.access.records import ApiKey, Limits, Scope

ROLES: Final = (Scope.READER, Scope.EDITOR, Scope.ADMIN)
"""What a person may be."""

_NO_LIMITS: Final = Limits()


@dataclass(frozen=True)
class Person:
    """Somebody who uses the server by hand.

    Attributes:
        id: The name to sign in with.
        display_name: What others call them.
        role: What they may do, one of :data:`ROLES`.
        disabled: Whether they cannot sign in.
        oidc_subject: Who they are to the identity provider; empty: nobody.
        create_time: UTC.
        update_time: Of the last change, but for the password.
        password_time: When the password was set last; None: there is none.
        last_sign_in_time: None before the first time.
    """

    id: str
    display_name: str
    role: Scope
    disabled: bool
    oidc_subject: str
    create_time: datetime
    update_time: datetime
    password_time: datetime | None = None
    last_sign_in_time: datetime | None = None

    @property
    def name(self) -> str:
        """``people/{id}``."""
        return person_name(self.id)


@dataclass(frozen=True)
class SessionLifetime:
    """How long sessions go on.

    Attributes:
        idle: After the last use.
        longest: In any case.
    """

    idle: timedelta = timedelta(hours=12)
    longest: timedelta = timedelta(days=30)


@dataclass(frozen=True)
class Session:
    """What a person has signed in to, without its secret; of use where a key is.

    Attributes:
        id: Its public part.
        person_id: Whose.
        display_name: The person's.
        scope: The person's role.
        digest: Of its secret; see :mod:`steeple.server.access.secret`.
        user_agent: What has signed in, by its own words.
        address: From where.
        create_time: UTC.
        last_use_time: Of the last call with it, some seconds late.
        expire_time: It ends then at the latest.
    """

    id: str
    person_id: str
    display_name: str
    scope: Scope
    digest: str = field(repr=False)
    user_agent: str
    address: str
    create_time: datetime
    last_use_time: datetime
    expire_time: datetime

    @property
    def name(self) -> str:
        """``people/{person_id}/sessions/{id}``."""
        return f"{self.actor}/sessions/{self.id}"

    @property
    def actor(self) -> str:
        """Who acts, in the audit log: ``people/{person_id}``."""
        return person_name(self.person_id)

    @property
    def limits(self) -> Limits:
        """None: people are slow."""
        return _NO_LIMITS

    def ends(self, idle: timedelta) -> datetime:
        """When it ends if it is not used again."""
        return min(self.expire_time, self.last_use_time + idle)


@dataclass(frozen=True)
class NewSession:
    """A session that has just begun.

    Attributes:
        session: As it is stored.
        person: Who has signed in.
        secret: As it is sent, told this once.
    """

    session: Session
    person: Person
    secret: str = field(repr=False)


Credential: TypeAlias = ApiKey | Session
"""What a call comes with."""


def person_name(person_id: str) -> str:
    """``people/{person_id}``."""
    return f"people/{person_id}"
