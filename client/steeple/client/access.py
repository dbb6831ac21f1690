"""Keys."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


class Scope(enum.Enum):
    """What a key may do; each may do all that those before it may.

    Attributes:
        DEVICE: Identify photos; fit to be embedded in an application.
        READER: Read the catalogue, and what the server tells of itself.
        EDITOR: Change landmarks and reference images.
        ADMIN: Everything, keys and the audit log among it.
        OTHER: Something that this version of the SDK does not know.
    """

    DEVICE = "device"
    READER = "reader"
    EDITOR = "editor"
    ADMIN = "admin"
    OTHER = "other"


@dataclass(frozen=True)
class KeyLimits:
    """What a key may use.

    Attributes:
        requests_per_second: Calls a second in the long run; 0: any number.
        burst: Calls at once after a pause; 0: twice ``requests_per_second``, at least 1.
        monthly_identifications: Queries answered in a calendar month (UTC), each frame of a stream counting as one; 0:
            any number.
    """

    requests_per_second: float = 0.0
    burst: int = 0
    monthly_identifications: int = 0


@dataclass(frozen=True)
class MonthlyUsage:
    """Queries of a key, or of a whole server, in one month, each frame of a stream counting as one.

    Attributes:
        month: UTC, as ``2026-03``.
        identified: Answered with a landmark.
        unknown: Answered with UNKNOWN.
    """

    month: str
    identified: int
    unknown: int


@dataclass(frozen=True)
class Key:
    """A key, without its secret.

    Attributes:
        name: ``keys/{id}``.
        display_name: What it is for, and whose.
        scope: What it may do.
        limits: What it may use.
        create_time: UTC.
        expire_time: It ends then; None: it does not.
        revoke_time: When it was revoked; None: it was not.
        last_use_time: Of the last call with it, some seconds late; None before the first.
        successor: ``keys/{id}`` of the key that it was replaced with; empty if it was not.
        usage: The latest month first, at most twelve, some seconds late.
    """

    name: str
    display_name: str
    scope: Scope
    limits: KeyLimits
    create_time: datetime
    expire_time: datetime | None = None
    revoke_time: datetime | None = None
    last_use_time: datetime | None = None
    successor: str = ""
    usage: tuple[MonthlyUsage, ...] = ()

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return self.name.removeprefix("keys/")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        times = {name: getattr(self, name) for name in ("create_time", "expire_time", "revoke_time", "last_use_time")}
        return {
            "name": self.name,
            "id": self.id,
            "display_name": self.display_name,
            "scope": self.scope.value,
            "limits": asdict(self.limits),
            **{name: None if time is None else time.isoformat() for name, time in times.items()},
            "successor": self.successor,
            "usage": [asdict(of) for of in self.usage],
        }


@dataclass(frozen=True)
class NewKey:
    """A key that was just made.

    Attributes:
        key: What the server stores of it.
        secret: The whole key, ``stp_...``, as it is sent. The server tells it this once.
        old_key: The key that it replaces, if it does.
    """

    key: Key
    secret: str = field(repr=False)
    old_key: Key | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON, the secret included."""
        old = {} if self.old_key is None else {"old_key": self.old_key.to_dict()}
        return {"key": self.key.to_dict(), "secret": self.secret, **old}
