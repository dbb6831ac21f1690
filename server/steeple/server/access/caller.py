"""Who makes the call that is being worked on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from steeple.server.access.records import ApiKey

_caller: ContextVar[ApiKey | None] = ContextVar("caller", default=None)


@contextmanager
def called_by(key: ApiKey | None) -> Iterator[None]:
    """What is done inside, in this context, is done for who sent that key; None: no key was asked for."""
    token = _caller.set(key)
    try:
        yield
    finally:
        _caller.reset(token)


def caller() -> ApiKey | None:
    """The key that the call came with; None outside of a call, and where no key is asked for."""
    return _caller.get()
