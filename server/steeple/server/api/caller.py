"""Whose call is being worked on: what pools share their threads by, and what is theirs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from steeple.server.access import ApiKey, Scope
from steeple.server.catalogue import audit


@dataclass(frozen=True)
class Caller:
    """Who calls.

    Attributes:
        key_id: Of the key that the call came with; empty where none is asked for, and outside of a call.
        address: Of the peer; empty outside of a call.
        deadline: When the caller stops waiting, by ``time.monotonic``.
        changes: Whether the call changes the catalogue.
        actor: What the audit log calls it.
        scope: What it may do.
    """

    key_id: str = ""
    address: str = ""
    deadline: float = math.inf
    changes: bool = False
    actor: str = audit.LOCAL
    scope: Scope = Scope.ADMIN

    @property
    def name(self) -> str:
        """By which shares go: the key or, where none are asked for, the address."""
        return self.key_id or self.address


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


def actor_of(key: ApiKey | None) -> str:
    """What the audit log calls who came with a key; None: a server that asks for none."""
    return audit.OPEN if key is None else key.name


def address_of(peer: str) -> str:
    """The address of a gRPC peer such as ``ipv4:192.0.2.1:50000``, without the port: all its connections are one."""
    return peer.rpartition(":")[0] or peer
