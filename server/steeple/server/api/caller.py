"""Whose call is being worked on: what pools share their threads by, and what is theirs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from steeple.server.access import ApiKey, Credential, Scope
from steeple.server.catalogue import audit


@dataclass(frozen=True)
class Caller:
    """Who calls.

    Attributes:
        credential: What the call came with; None where nothing is asked for, and outside of a call.
        address: Of the peer; empty outside of a call.
        deadline: When the caller stops waiting, by ``time.monotonic``.
        changes: Whether the call changes the catalogue.
    """

    credential: Credential | None = None
    address: str = ""
    deadline: float = math.inf
    changes: bool = False

    @property
    def key_id(self) -> str:
        """Of the key that the call came with; empty where it came with none."""
        return self.credential.id if isinstance(self.credential, ApiKey) else ""

    @property
    def actor(self) -> str:
        """What the audit log calls it."""
        if self.credential is not None:
            return self.credential.actor
        return audit.OPEN if self.address else audit.LOCAL

    @property
    def scope(self) -> Scope:
        """What it may do."""
        return Scope.ADMIN if self.credential is None else self.credential.scope

    @property
    def name(self) -> str:
        """By which shares go: the key, the person or, where nobody is asked who they are, the address."""
        return self.address if self.credential is None else self.credential.actor


NOBODY: Final = Caller()
"""Who asks outside of a call."""

_caller: ContextVar[Caller] = ContextVar("caller", default=NOBODY)


@contextmanager
def within_call(caller: Caller) -> Iterator[None]:
    """What a pool is asked for inside is asked for by ``caller``."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


def current_caller() -> Caller:
    """Whose call is being worked on."""
    return _caller.get()


def address_of(peer: str) -> str:
    """The address of a gRPC peer such as ``ipv4:192.0.2.1:50000``, without the port: all its connections are one."""
    return peer.rpartition(":")[0] or peer
