"""Keys and their usage, as the server knows them."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from steeple.errors import InvalidArgumentError

_MOST_PER_SECOND: Final = 1e6
_MOST_AT_ONCE: Final = 1_000_000
_MOST_A_MONTH: Final = 2**53


class Unchanged(enum.Enum):
    """The type of :data:`UNCHANGED`."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
"""Leaves as it is what None would remove."""


class Scope(enum.IntEnum):
    """What a key may do; each may do all that those before it may.

    Attributes:
        DEVICE: Identify photos; fit to be embedded in an application.
        READER: Read the catalogue, and what the server tells of itself.
        EDITOR: Change landmarks and reference images.
        ADMIN: Everything, keys and the audit log among it.
    """

    DEVICE = 1
    READER = 2
    EDITOR = 3
    ADMIN = 4

    def __str__(self) -> str:
        return self.name.lower()

    @staticmethod
    def parse(text: str) -> Scope:
        """The scope of that name.

        Raises:
            InvalidArgumentError: If there is none.
        """
        names = {str(scope): scope for scope in Scope}
        if text not in names:
            raise InvalidArgumentError(f"scope must be {', '.join(names)}, not {text[:80]!r}", field="scope")
        return names[text]


@dataclass(frozen=True)
class Limits:
    """What a key may use.

    Attributes:
        requests_per_second: Calls a second in the long run; 0: any number.
        burst: Calls at once after a pause; 0: twice ``requests_per_second``, at least 1.
        monthly_identifications: Queries answered in a calendar month (UTC); 0: any number.

    Raises:
        InvalidArgumentError: If one is negative or too large.
    """

    requests_per_second: float = 0.0
    burst: int = 0
    monthly_identifications: int = 0

    def __post_init__(self) -> None:
        most = (_MOST_PER_SECOND, _MOST_AT_ONCE, _MOST_A_MONTH)
        for name, limit in zip(("requests_per_second", "burst", "monthly_identifications"), most, strict=True):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= limit):
                raise InvalidArgumentError(
                    f"limits.{name} must be 0 (no limit) to {limit:.0f}, not {value}", field=f"limits.{name}"
                )

    @property
    def capacity(self) -> float:
        """Calls at once after a pause."""
        return self.burst or max(1.0, 2 * self.requests_per_second)


@dataclass(frozen=True)
class MonthlyUsage:
    """Queries of a key in a month, each frame of a stream counting as one.

    Attributes:
        month: UTC, as ``2026-03``.
        identified: Answered with a landmark.
        unknown: Answered with UNKNOWN.
    """

    month: str
    identified: int
    unknown: int


@dataclass(frozen=True)
class ApiKey:
    """A key, without its secret.

    Attributes:
        id: Its public part.
        display_name: What it is for, and whose.
        scope: What it may do.
        limits: What it may use.
        digest: Of its secret; see :mod:`steeple.server.access.secret`.
        create_time: UTC.
        expire_time: It ends then; None: it does not.
        revoke_time: When it was revoked; None: it was not.
        last_use_time: Of the last call with it, some seconds late; None before the first.
        successor: Id of the key that it was replaced with; empty if it was not.
        usage: The latest month first, at most twelve, some seconds late.
    """

    id: str
    display_name: str
    scope: Scope
    limits: Limits
    digest: str = field(repr=False)
    create_time: datetime
    expire_time: datetime | None = None
    revoke_time: datetime | None = None
    last_use_time: datetime | None = None
    successor: str = ""
    usage: tuple[MonthlyUsage, ...] = ()

    @property
    def name(self) -> str:
        """``keys/{id}``."""
        return key_name(self.id)

    @property
    def actor(self) -> str:
        """Who acts, in the audit log."""
        return self.name

    def why_not(self, now: datetime) -> str:
        """Why it cannot be used at that time; empty if it can."""
        if self.revoke_time is not None:
            return "was revoked"
        if self.expire_time is not None and self.expire_time <= now:
            return "has expired"
        return ""


@dataclass(frozen=True)
class NewKey:
    """A key that was just made.

    Attributes:
        key: As it is stored.
        secret: The whole key as it is sent, told this once.
    """

    key: ApiKey
    secret: str = field(repr=False)


def key_name(key_id: str) -> str:
    """``keys/{key_id}``."""
    return f"keys/{key_id}"
